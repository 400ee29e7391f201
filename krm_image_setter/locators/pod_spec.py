"""The images of pod specs, wherever in a resource one stands.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/: the image of each container, and
the OCI reference of each image volume. A pod spec is known by its fields, not by its place: so pod templates in
custom resources are found too.
"""

from __future__ import annotations

from typing import Any, Final

from krm_image_setter.locators.image_field import ImageField
from krm_image_setter.yaml.sharing import Location

_CONTAINERS: Final = frozenset(("containers", "initContainers", "ephemeralContainers"))


def find_pod_spec_images(resource: dict[str, Any]) -> list[ImageField]:
    """Return the image fields of the pod specs in `resource`, in the order of the document."""
    found: list[ImageField] = []
    _search(resource, (), found)
    return found


def _search(node: dict[str, Any] | list[Any], location: Location, found: list[ImageField]) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, str):  # nearly all are
            continue
        if isinstance(value, list):
            here = (*location, key)
            if key in _CONTAINERS:
                _collect(value, here, ("image",), found)
            elif key == "volumes":
                _collect(value, here, ("image", "reference"), found)
            _search(value, here, found)
        # Labels and annotations are not ours to set, whatever they hold.
        elif isinstance(value, dict) and key != "metadata":
            _search(value, (*location, key), found)


def _collect(items: list[Any], location: Location, keys: tuple[str, ...], found: list[ImageField]) -> None:
    for index, item in enumerate(items):
        value = item
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            found.append(ImageField((*location, index, *keys), value))
