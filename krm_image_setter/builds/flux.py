"""Reads the latest images of Flux's ImagePolicies, as `kubectl get imagepolicies -o yaml` prints them.

https://fluxcd.io/flux/components/image/imagepolicies/#latest-ref. The fields are defined in
api/v1/imagepolicy_types.go of https://github.com/fluxcd/image-reflector-controller.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_its_name, is_listed, listed
from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import Reference
from krm_image_setter.typed import Any, Final

_KIND: Final = "ImagePolicy"
_GROUP: Final = "image.toolkit.fluxcd.io"


def is_flux(data: dict[str, Any]) -> bool:
    """Return whether a document is an ImagePolicy, or a list of them."""
    return is_listed(data, _KIND, _GROUP)


def read_flux(document: Value) -> Iterator[BuiltImage | ConfigError]:
    """Yield the latest image of each policy, or an error if Flux has not selected an image yet.

    Raises ConfigError if an image is invalid.
    """
    for policy in listed(document):
        status = policy.fields().get("status")
        latest = status.fields().get("latestRef") if status else None
        if latest is None:
            yield (status or policy).located(
                ConfigError("missing `latestRef`; Flux has not selected an image yet")
            )
            continue
        fields = latest.fields(required=("name", "tag"))
        # `digest` is empty unless the policy has a `digestReflectionPolicy`.
        digest = fields["digest"].data if "digest" in fields else None
        reference = Reference(fields["name"].string(), fields["tag"].string(), digest or None)
        yield image_of_its_name(str(reference), latest.located)
