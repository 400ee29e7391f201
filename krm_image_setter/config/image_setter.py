"""The decoded functionConfig, and the names of its fields."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from krm_image_setter.images import ImageRule, RegistryRule
from krm_image_setter.locators import KindRule

API_VERSION: Final = "krm-image-setter.dev/v1alpha1"
KIND: Final = "ImageSetter"
FIELDS: Final = (
    "images", "kinds", "registries", "defaultRegistry", "imagePullPolicy", "podSpecs", "catalog", "onUnused"
)  # fmt: skip
OnUnused: TypeAlias = Literal["warn", "error", "ignore"]
#: The values of `onUnused`; the first is the default.
ON_UNUSED: Final = get_args(OnUnused)
#: The fields that an entry of `images` shares with kustomize, by the arguments of `image_rule` that they become.
KUSTOMIZE_ARGUMENTS: Final = {
    "newName": "new_name",
    "newTag": "new_tag",
    "digest": "digest",
    "tagSuffix": "tag_suffix",
}
#: The fields of an entry of `images` with a string, by the arguments of `image_rule` that they become.
STRING_ARGUMENTS: Final = {**KUSTOMIZE_ARGUMENTS, "newImage": "new_image"}


class ImageSetter(NamedTuple):
    """The configuration of a run: the rules of all its documents, in order.

    `on_unused` is one of ON_UNUSED. `image_pull_policy` is None if the run does not set `imagePullPolicy`.
    """

    images: tuple[ImageRule, ...] = ()
    kinds: tuple[KindRule, ...] = ()
    registries: tuple[RegistryRule, ...] = ()
    image_pull_policy: str | None = None
    pod_specs: bool = True
    catalog: bool = True
    on_unused: str = ON_UNUSED[0]
