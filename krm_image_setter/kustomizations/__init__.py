"""Sets the images of kustomizations, so that `kubectl kustomize` builds what the configuration wants.

reading: the texts · charts: the values of charts · flows: which entries reach which image ·
decisions: what changes · writing: the edits.
"""
