"""YAML: parser events, the tree that knows its source, splitting, and writing. Nothing depends on Kubernetes."""
