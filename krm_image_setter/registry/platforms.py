"""Reads platforms such as `linux/arm64/v8`, and normalizes them so that they can be compared."""

from __future__ import annotations

import re

from krm_image_setter.errors import ConfigError
from krm_image_setter.typed import Any, Final, Record

# These tables come from github.com/containerd/platforms (database.go): other names of architectures, and variants.
_NAMES: Final = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_VARIANTS: Final = {
    ("amd64", "v1"): "",
    ("arm64", "v8"): "",
    ("arm64", "8"): "",
    ("arm", ""): "v7",
    ("arm", "7"): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "8"): "v8",
}
_PLATFORM: Final = re.compile(r"[a-z0-9_-]+/[a-z0-9_-]+(?:/[a-z0-9._-]+)?")


class Platform(Record):
    """A normalized platform. For example, `linux/arm64` and `linux/arm64/v8` are the same platform."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, self))


def parse_platform(text: str) -> Platform:
    """Parse a platform such as `linux/amd64`. Raises ConfigError if `text` is not valid."""
    if not _PLATFORM.fullmatch(text.lower()):
        raise ConfigError(f'invalid platform "{text}"; expected OS/ARCHITECTURE[/VARIANT], such as linux/arm64')
    return _normalized(*text.split("/"))


def read_platform(data: Any) -> Platform | None:
    """Read the platform in a descriptor or in an image configuration. Return None if it is not a real platform.

    Attestations, for example, have the platform `unknown/unknown`.
    """
    if not isinstance(data, dict):
        return None
    parts = (data.get("os"), data.get("architecture"), data.get("variant", ""))
    texts = [part for part in parts if isinstance(part, str) and "/" not in part]
    if (
        len(texts) < 3
        or texts[0] == "unknown"
        or not _PLATFORM.fullmatch("/".join(texts).lower().removesuffix("/"))
    ):
        return None
    return _normalized(*texts)


def _normalized(os: str, architecture: str, variant: str = "") -> Platform:
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    architecture, default = _NAMES.get(architecture, (architecture, ""))
    variant = default or variant
    return Platform(os, architecture, _VARIANTS.get((architecture, variant), variant))
