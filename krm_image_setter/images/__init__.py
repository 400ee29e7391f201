"""References to container images, and the rules that set them. This package does not depend on YAML."""

from krm_image_setter.images.image_rule import (
    ARGS,
    ENV,
    IMAGE,
    NO_CONTAINER,
    ImageMap,
    ImageRule,
    Usage,
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
    has_placeholder,
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
    "ARGS",
    "ENV",
    "HUB",
    "HUB_NAMES",
    "IMAGE",
    "NO_CONTAINER",
    "DefaultRegistry",
    "ImageMap",
    "ImageRule",
    "InvalidReference",
    "Reference",
    "RegistryMap",
    "RegistryRule",
    "Usage",
    "check_reference",
    "default_registry",
    "explain",
    "has_placeholder",
    "image_rule",
    "key_of",
    "keys_of",
    "override",
    "parse_reference",
    "registry_rule",
]
