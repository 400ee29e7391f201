"""Asks container registries for the digests of images, with the API of the OCI distribution specification.

Only the commands `lock` and `verify` import this package; an import contract in pyproject.toml checks that. The
other modules of the program have no access to the network.
"""

from __future__ import annotations

from krm_image_setter.registry.answers import Answer, Failed, Resolved
from krm_image_setter.registry.platforms import parse_platform
from krm_image_setter.registry.registries import Registries

__all__ = ["Answer", "Failed", "Registries", "Resolved", "parse_platform"]
