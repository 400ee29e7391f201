"""Finds the images in JSON 6902 patches: lists of operations with `op`, `path` and `value` (RFC 6902).

The values of `add`, `replace` and `test` can be an image, or an object or a list that contains images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_image_setter.images import IMAGE, NO_CONTAINER
from krm_image_setter.locators.forms import Fields, Syntax
from krm_image_setter.locators.image_field import ImageField, whole_field
from krm_image_setter.locators.pod_spec import find_pod_spec_images
from krm_image_setter.typed import Any, Final
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

_WITH_VALUE: Final = frozenset(("add", "replace", "test"))
_CONTAINERS: Final = frozenset(("containers", "initContainers", "ephemeralContainers"))
# The keys of mappings in which a key `image` is a label or an annotation.
_NO_IMAGES: Final = frozenset(("metadata", "labels", "annotations", "selector", "matchLabels", "nodeSelector"))


def is_json_patch(root: Any) -> bool:
    """Return whether the root of a document is a JSON 6902 patch: a list of operations, each with a path."""
    return isinstance(root, list) and bool(root) and all(map(_is_operation, root))


def can_be_json_patch(text: str) -> bool:
    """Return whether a text can contain a JSON 6902 patch. This is faster than parsing the text."""
    return re.search(r"\bop[\"']?[ \t]*:", text) is not None


def json_patch_fields(root: Any, location: Location = ()) -> list[ImageField]:
    """Return the image fields in the values of a JSON 6902 patch. `location` is the location of `root`."""
    fields: list[ImageField] = []
    for index, operation in enumerate(root):
        if not _is_operation(operation) or operation["op"] not in _WITH_VALUE:
            continue
        here = (*location, index, "value")
        target, value = target_location(operation), operation.get("value")
        # An image is in a key `image`, or in the `reference` of an image volume, but never in metadata or labels.
        is_image = target[-1:] == ("image",) or target[-2:] == ("image", "reference")
        if not _NO_IMAGES.isdisjoint(target):
            continue
        if isinstance(value, str) and is_image:
            fields.append(whole_field(here, value))
        elif isinstance(value, dict | list):
            # Put the value into its outer fields: a container is found only in a list such as `containers`.
            around, prefix = _surrounded(target, value)
            in_pod_specs = {field.location[prefix:]: field for field in find_pod_spec_images(around, (IMAGE,))}
            for inner in (*in_pod_specs, *(at for at in _image_keys(value) if at not in in_pod_specs)):
                usage = in_pod_specs[inner].usage if inner in in_pod_specs else NO_CONTAINER
                fields.append(whole_field((*here, *inner), tree.at(value, inner), usage=usage))
    return fields


def _image_keys(value: Any, location: Location = ()) -> Iterator[Location]:
    """Yield the locations of the strings in keys `image`, except in metadata and labels."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if key == "image" and isinstance(item, str):
            yield (*location, key)
        elif isinstance(item, dict | list) and key not in _NO_IMAGES:
            yield from _image_keys(item, (*location, key))


def target_location(operation: Any) -> Location:
    """Return the location in a resource that an operation changes. Indexes are integers, except `-`."""
    path = operation["path"].strip("/").split("/")
    keys = (part.replace("~1", "/").replace("~0", "~") for part in path)
    return tuple(int(key) if key.isdecimal() and key.isascii() and len(key) < 9 else key for key in keys)


def _is_operation(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("op"), str) and isinstance(node.get("path"), str)


def _surrounded(target: Location, value: Any) -> tuple[dict[str, Any], int]:
    """Return a value inside the fields that a pod spec has around it, and the number of steps to the value."""
    if len(target) > 1 and target[-2] in _CONTAINERS:
        return {str(target[-2]): [value]}, 2
    if len(target) > 1 and target[-2] == "volumes":
        return {"volumes": [value]}, 2
    if target[-1:] == ("image",):
        return {"volumes": [{"image": value}]}, 3
    return {str(target[-1]): value}, 1


def _fields(location: Location, value: Any) -> Fields:
    return json_patch_fields(value, location) if is_json_patch(value) else ()


#: The form of a document that is a JSON 6902 patch.
JSON_PATCH: Final = Syntax("jsonPatch", _fields)
