"""Split, parse and edit YAML, with trees that know their source. This package does not depend on Kubernetes."""
