"""References to container images, and the rules that set them. Knows no YAML and no Kubernetes."""

from krm_image_setter.images.image_rule import (
    ANYWHERE,
    ARGS,
    ENV,
    IMAGE,
    ImageMap,
    ImageRule,
    Place,
    image_rule,
    key_of,
    keys_of,
    override,
)
from krm_image_setter.images.reference import (
    HUB,
    HUB_NAMES,
    InvalidReference,
    Reference,
    check_reference,
    explain,
    parse_reference,
)
from krm_image_setter.images.registry_rule import (
    DefaultRegistry,
    RegistryMap,
    RegistryRule,
    default_registry,
    registry_rule,
)

__all__ = [
    "ANYWHERE",
    "ARGS",
    "ENV",
    "HUB",
    "HUB_NAMES",
    "IMAGE",
    "DefaultRegistry",
    "ImageMap",
    "ImageRule",
    "InvalidReference",
    "Place",
    "Reference",
    "RegistryMap",
    "RegistryRule",
    "check_reference",
    "default_registry",
    "explain",
    "image_rule",
    "key_of",
    "keys_of",
    "override",
    "parse_reference",
    "registry_rule",
]
