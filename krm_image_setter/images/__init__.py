"""References to container images, and the rules that set them. Knows no YAML and no Kubernetes."""

from krm_image_setter.images.image_rule import ImageMap, ImageRule, image_rule
from krm_image_setter.images.reference import InvalidReference, Reference, check_reference, parse_reference

__all__ = [
    "ImageMap",
    "ImageRule",
    "InvalidReference",
    "Reference",
    "check_reference",
    "image_rule",
    "parse_reference",
]
