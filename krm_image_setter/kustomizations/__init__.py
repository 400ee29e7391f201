"""Changes kustomizations so that `kubectl kustomize` prints the images that the configuration sets.

`reading` reads the texts. `charts` finds images in Helm values. `flows` finds out which entries of `images` apply
to each image. `decisions` decides which entries and images change. `writing` computes the edits.
"""
