"""Finds the images of pod specs anywhere in a resource, for example in the pod templates of custom resources.

These images are the image of each container and the OCI reference of each image volume. On request, they include
the values of environment variables (`env`) and the references in `command` and `args`. See
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from krm_image_setter.images import ARGS, ENV, IMAGE, Usage
from krm_image_setter.locators.image_field import ImageField, text_fields, whole_field
from krm_image_setter.typed import Any, Final
from krm_image_setter.yaml.tree import Location

_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_CONTAINERS: Final = frozenset(("containers", "initContainers", "ephemeralContainers"))


@lru_cache(maxsize=1)
def can_have_pod_spec(source: str) -> bool:
    """Return whether a text contains a field name of pod specs. This is faster than searching the parsed tree.

    The result is cached, because thousands of resources can share a text, such as the items of a JSON list.
    """
    return "ontainers" in source or "volumes" in source or "\\" in source


def find_pod_spec_images(resource: dict[str, Any], uses: Collection[str]) -> list[ImageField]:
    """Return the image fields in all pod specs of a resource, in document order.

    Only fields whose use is in `uses` are returned.
    """
    found: list[ImageField] = []
    _search(resource, (), uses, found)
    return found


def _search(
    node: dict[str, Any] | list[Any], location: Location, uses: Collection[str], found: list[ImageField]
) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if type(value) in _SCALARS:
            continue
        here = (*location, key)
        if isinstance(value, list):
            if key in _CONTAINERS:
                for index, item in enumerate(value):
                    if isinstance(item, dict):
                        found += _container_images(item, (*here, index), uses)
                        _search(item, (*here, index), uses, found)
                continue
            if key == "volumes":
                for index, item in enumerate(value):
                    source = item.get("image") if isinstance(item, dict) else None
                    if isinstance(source, dict) and isinstance(source.get("reference"), str):
                        at = (*here, index, "image")
                        policy = ((*at, "pullPolicy"), True)
                        found.append(whole_field((*at, "reference"), source["reference"], policy=policy))
            _search(value, here, uses, found)
        elif key != "metadata":  # skip labels and annotations
            _search(value, here, uses, found)


def _container_images(container: dict[str, Any], location: Location, uses: Collection[str]) -> list[ImageField]:
    name = container.get("name")
    name = name if isinstance(name, str) else None
    found: list[ImageField] = []
    image = container.get("image")
    if isinstance(image, str):
        policy = ((*location, "imagePullPolicy"), True)
        found.append(whole_field((*location, "image"), image, usage=Usage(name, IMAGE), policy=policy))
    if ENV in uses:
        for index, variable in enumerate(_list(container.get("env"))):
            value = variable.get("value") if isinstance(variable, dict) else None
            if isinstance(value, str):
                found.append(whole_field((*location, "env", index, "value"), value, usage=Usage(name, ENV)))
    if ARGS in uses:
        for key in ("command", "args"):
            for index, value in enumerate(_list(container.get(key))):
                if isinstance(value, str):
                    found += text_fields((*location, key, index), value, Usage(name, ARGS))
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
