"""Skaffold's `{"builds": [{"imageName": …, "tag": …}]}`, written by `skaffold build --file-output`.

`tag` is the whole new reference of `imageName` (cmd/skaffold/app/flags/build_output.go and pkg/skaffold/graph of
https://github.com/GoogleContainerTools/skaffold).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krm_image_setter.builds.reading import BuiltImage, image_of_fields
from krm_image_setter.config import Value


def is_skaffold(data: dict[str, Any]) -> bool:
    """Return whether a document is Skaffold's build output."""
    return "builds" in data and "kind" not in data


def read_skaffold(document: Value) -> Iterator[BuiltImage]:
    """Yield the built images. Raises ConfigError."""
    builds = document.child("builds")
    for build in builds.items() if builds.data is not None else ():  # Go writes an empty list as null
        yield image_of_fields(build, "imageName", "tag")
