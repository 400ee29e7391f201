"""Reads the `images` of a kustomization.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage
from krm_image_setter.config import Value
from krm_image_setter.config.decode import decode_kustomize_entries
from krm_image_setter.config.image_setter import KUSTOMIZE_ARGUMENTS
from krm_image_setter.typed import Any, Final

#: The names that kustomize accepts for the file of a kustomization.
FILE_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_KINDS: Final = (None, "Kustomization", "Component")


def is_kustomization(data: dict[str, Any]) -> bool:
    """Return whether a document is a kustomization. The field `kind` of a kustomization is optional."""
    return data.get("kind") in _KINDS and ("images" in data or "kind" in data)


def read_kustomization(document: Value) -> Iterator[BuiltImage]:
    """Yield the image of each entry of `images`. Raises ConfigError if an entry is invalid."""
    images = document.fields().get("images")
    if images is not None:
        for entry in images.items():
            entry.fields(("name", *KUSTOMIZE_ARGUMENTS), required=("name",))
        for entry, rule in decode_kustomize_entries(images):
            yield BuiltImage(rule, entry.located)
