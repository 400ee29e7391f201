"""The images of pod specs, wherever in a resource one stands.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/: the image of each container, and
the OCI reference of each image volume; for who asks for them the values of a container's `env` and the references
in its `command` and `args`. A pod spec is known by its fields, not by its place: so pod templates in custom
resources are found too.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

from krm_image_setter.images import ARGS, ENV, IMAGE, Place
from krm_image_setter.locators.image_field import ImageField, text_fields, whole_field
from krm_image_setter.yaml.tree import Location

_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_CONTAINERS: Final = frozenset(("containers", "initContainers", "ephemeralContainers"))


@lru_cache(maxsize=1)
def may_have_pod_spec(source: str) -> bool:
    """Return whether a text names fields of a pod spec: a text is searched faster than its tree.

    The answer is kept, because one text can have thousands of resources: those of a JSON list, for example.
    """
    return "ontainers" in source or "volumes" in source or "\\" in source


def find_pod_spec_images(resource: dict[str, Any], uses: Collection[str]) -> list[ImageField]:
    """Return the image fields of the pod specs in `resource`, in the document's order, as far as `uses` go."""
    found: list[ImageField] = []
    _search(resource, (), uses, found)
    return found


def _search(
    node: dict[str, Any] | list[Any], location: Location, uses: Collection[str], found: list[ImageField]
) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if type(value) in _SCALARS:  # as nearly all are
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
        elif key != "metadata":  # labels and annotations are not image fields
            _search(value, here, uses, found)


def _container_images(container: dict[str, Any], location: Location, uses: Collection[str]) -> list[ImageField]:
    said = container.get("name")
    name = said if isinstance(said, str) else None
    found: list[ImageField] = []
    image = container.get("image")
    if isinstance(image, str):
        policy = ((*location, "imagePullPolicy"), True)
        found.append(whole_field((*location, "image"), image, place=Place(name, IMAGE), policy=policy))
    if ENV in uses:
        for index, variable in enumerate(_list(container.get("env"))):
            value = variable.get("value") if isinstance(variable, dict) else None
            if isinstance(value, str):
                found.append(whole_field((*location, "env", index, "value"), value, place=Place(name, ENV)))
    if ARGS in uses:
        for key in ("command", "args"):
            for index, value in enumerate(_list(container.get(key))):
                if isinstance(value, str):
                    found += text_fields((*location, key, index), value, place=Place(name, ARGS))
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
