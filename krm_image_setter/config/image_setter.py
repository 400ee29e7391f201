"""The decoded functionConfig: the rules of all given documents, in order."""

from __future__ import annotations

from typing import NamedTuple

from krm_image_setter.images import ImageRule, RegistryRule
from krm_image_setter.locators import KindRule

API_VERSION = "krm-image-setter.dev/v1alpha1"
KIND = "ImageSetter"


class ImageSetter(NamedTuple):
    """What to set, where images live, and what an entry that does nothing means.

    `on_unused` is "warn", "error" or "ignore"; `image_pull_policy` is None where it is none of ours.
    """

    images: tuple[ImageRule, ...] = ()
    kinds: tuple[KindRule, ...] = ()
    registries: tuple[RegistryRule, ...] = ()
    image_pull_policy: str | None = None
    pod_specs: bool = True
    catalog: bool = True
    on_unused: str = "warn"
