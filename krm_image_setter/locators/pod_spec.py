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
_VOLUMES: Final = "volumes"
_NAMES: Final = frozenset(("containers", "initContainers", "ephemeralContainers", _VOLUMES))
# The name and image of a container whose image the webhook of Istio sets:
# https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
_INJECTED: Final = ("istio-proxy", "auto")
#: More field names than a text can have.
MANY: Final = 1 << 62


@lru_cache(maxsize=1)  # thousands of resources can share a text, as the items of a JSON list do
def count_pod_spec_names(source: str) -> int:
    """Return how many field names of pod specs a text contains, or MANY if escapes can hide some of them."""
    return MANY if "\\" in source else source.count("ontainers") + source.count(_VOLUMES)


def find_pod_spec_images(resource: dict[str, Any], uses: Collection[str], names: int = MANY) -> list[ImageField]:
    """Return the image fields in all pod specs of a resource, in document order.

    Only fields whose use is in `uses` are returned. `names` is the number of field names of pod specs in the text
    of the resource, or MANY if the text contains aliases. The search ends when it has found this number of names.
    Otherwise the search of the fields of each container takes a twentieth of the time of a run.
    """
    found: list[ImageField] = []
    _search(resource, (), uses, found, names)
    return found


def _search(
    node: dict[str, Any] | list[Any],
    location: Location,
    uses: Collection[str],
    found: list[ImageField],
    names: int,
) -> int:
    """Add the image fields below a node. Return how many of the `names` are not found yet."""
    images: dict[Any, list[ImageField]] = {}
    if isinstance(node, dict) and not _NAMES.isdisjoint(node):
        images = {key: _images(key, node[key], (*location, key), uses) for key in node if key in _NAMES}
        names -= len(images)
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        found += images.get(key, ())
        # Skip labels and annotations.
        if names > 0 and type(value) not in _SCALARS and (key != "metadata" or isinstance(value, list)):
            names = _search(value, (*location, key), uses, found, names)
    return names


def _images(name: str, value: Any, location: Location, uses: Collection[str]) -> list[ImageField]:
    """Return the images in the field of a pod spec with a name."""
    found: list[ImageField] = []
    for index, item in enumerate(_list(value)):
        if not isinstance(item, dict):
            continue
        if name != _VOLUMES:
            found += _container_images(item, (*location, index), uses)
            continue
        source = item.get("image")
        if isinstance(source, dict) and isinstance(source.get("reference"), str):
            at = (*location, index, "image")
            found.append(whole_field((*at, "reference"), source["reference"], policy=((*at, "pullPolicy"), True)))
    return found


def _container_images(container: dict[str, Any], location: Location, uses: Collection[str]) -> list[ImageField]:
    name = container.get("name")
    name = name if isinstance(name, str) else None
    found: list[ImageField] = []
    image = container.get("image")
    if isinstance(image, str) and (name, image) != _INJECTED:
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
