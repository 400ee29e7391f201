"""ImageSetter, the decoded functionConfig, and the names of the fields in the configuration."""

from __future__ import annotations

from krm_image_setter.images import ImageRule, RegistryRule
from krm_image_setter.locators import FileRule, KindRule
from krm_image_setter.typed import Final, Record

API_VERSION: Final = "krm-image-setter.dev/v1alpha1"
KIND: Final = "ImageSetter"
FIELDS: Final = (
    "images", "kinds", "files", "registries", "defaultRegistry", "imagePullPolicy", "podSpecs", "catalog",
    "onUnused", "ignore",
)  # fmt: skip
#: The allowed values of `onUnused`. The first one is the default.
ON_UNUSED: Final = ("warn", "error", "ignore")
#: Maps the fields that `images` entries share with kustomize to the arguments of `image_rule`.
KUSTOMIZE_ARGUMENTS: Final = {
    "newName": "new_name",
    "newTag": "new_tag",
    "digest": "digest",
    "tagSuffix": "tag_suffix",
}
#: Maps all string fields of `images` entries to the arguments of `image_rule`.
STRING_ARGUMENTS: Final = {**KUSTOMIZE_ARGUMENTS, "newImage": "new_image"}


class Ignored(Record):
    """An entry of `ignore`: a pattern for images that `list` must not report, and the reason."""

    image: str
    reason: str


class ImageSetter(Record):
    """The configuration of a run. It contains the rules of all configuration documents, in document order.

    `values_files` contains globs for files with Helm values to which other files refer. `values_keys` contains
    rules for the keys of ConfigMaps with such values. `on_unused` is one of ON_UNUSED. `image_pull_policy` is None
    if the pull policy of containers is not changed.
    """

    images: tuple[ImageRule, ...] = ()
    kinds: tuple[KindRule, ...] = ()
    registries: tuple[RegistryRule, ...] = ()
    image_pull_policy: str | None = None
    pod_specs: bool = True
    catalog: bool = True
    on_unused: str = ON_UNUSED[0]
    files: tuple[FileRule, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    values_files: tuple[str, ...] = ()
    values_keys: tuple[KindRule, ...] = ()

    @property
    def paths(self) -> tuple[KindRule, ...]:
        """The rules of `kinds`, followed by the rules of `files`. The position of a rule is its index."""
        return (*self.kinds, *(rule for file_rule in self.files for rule in file_rule.paths))
