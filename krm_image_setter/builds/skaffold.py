"""Reads the output of `skaffold build --file-output`: `{"builds": [{"imageName": …, "tag": …}]}`.

Skaffold's `tag` contains the whole new reference of `imageName`, not only a tag. See
cmd/skaffold/app/flags/build_output.go and pkg/skaffold/graph of
https://github.com/GoogleContainerTools/skaffold.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_fields
from krm_image_setter.config import Value
from krm_image_setter.typed import Any


def is_skaffold(data: dict[str, Any]) -> bool:
    """Return whether a document is Skaffold's build output."""
    return "builds" in data and "kind" not in data


def read_skaffold(document: Value) -> Iterator[BuiltImage]:
    """Yield the images that were built. Raises ConfigError if an image is invalid."""
    builds = document.child("builds")
    # Go writes an empty list as null.
    for build in builds.items() if builds.data is not None else ():
        yield image_of_fields(build, "imageName", "tag")
