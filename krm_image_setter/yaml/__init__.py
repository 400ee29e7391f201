"""Parser events, the tree that knows its source, cutting, writing into scalars. Knows no Kubernetes."""
