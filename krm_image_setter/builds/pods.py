"""Reads the digests of the images that run in a cluster, as `kubectl get pods -o json` prints them.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus. The form of an `imageID`
depends on the container runtime: see https://github.com/kubernetes/kubernetes/issues/95968.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, built_image, is_listed, listed
from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import Reference, parse_reference
from krm_image_setter.images.reference import is_digest
from krm_image_setter.typed import Any, Final

_KIND: Final = "Pod"
# The fields of the specification and of the status, for each kind of container.
_CONTAINERS: Final = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}


def is_pods(data: dict[str, Any]) -> bool:
    """Return whether a document is a Pod, or a list of Pods."""
    return is_listed(data, _KIND)


def read_pods(document: Value) -> Iterator[BuiltImage | ConfigError]:
    """Yield a rule that adds the running digest to each image, or an error if a digest is not known.

    A rule sets only images with the tag that the Pod has, because other tags have other digests. An image that
    already has a digest needs no rule. Raises ConfigError if a Pod is invalid.
    """
    for pod in listed(document):
        fields = pod.fields()
        spec, status = (fields[key].fields() if key in fields else {} for key in ("spec", "status"))
        for key, status_key in _CONTAINERS.items():
            statuses = {
                each.text_at("name"): each for each in (status[status_key].items() if status_key in status else ())
            }
            for container in spec[key].items() if key in spec else ():
                image = container.fields(required=("image",))["image"]
                reference = parse_reference(image.string())
                if reference is None or reference.digest is None:
                    yield _running(image, reference, statuses.get(container.text_at("name")))


def _running(image: Value, reference: Reference | None, status: Value | None) -> BuiltImage | ConfigError:
    """Return the rule for the image of a container, or an error if its digest is not known."""
    image_id = status.text_at("imageID") if status else ""
    digest = image_id.rpartition("@")[2]
    if reference is None:
        return image.located(ConfigError(f'"{image.data}" is not an image reference'))
    if not image_id:
        return image.located(ConfigError(f'the container with the image "{reference}" has not started'))
    # Some runtimes report the image ID instead of the digest. An image cannot be pulled by its ID.
    if "@" not in image_id or not is_digest(digest):
        return image.located(
            ConfigError(f'imageID "{image_id}" of "{reference}" contains no digest of a registry')
        )
    name = reference if reference.tag else reference._replace(tag="latest")
    return built_image(str(name), str(reference._replace(digest=digest)), image.located)
