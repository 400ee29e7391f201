"""Reads the files of `--images-from`. It recognizes their formats, and combines their rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from krm_image_setter.builds.buildkit import is_buildkit, read_buildkit
from krm_image_setter.builds.compose import is_compose, read_compose
from krm_image_setter.builds.dt import is_dt, read_dt
from krm_image_setter.builds.flux import is_flux, read_flux
from krm_image_setter.builds.jib import is_jib, read_jib
from krm_image_setter.builds.kbld import is_kbld_config, is_kbld_lock, read_kbld_config, read_kbld_lock
from krm_image_setter.builds.kustomization import is_kustomization, read_kustomization
from krm_image_setter.builds.lines import is_lines, read_lines
from krm_image_setter.builds.listing import is_listing, read_listing
from krm_image_setter.builds.pods import is_pods, read_pods
from krm_image_setter.builds.reading import BuiltImage, is_bare
from krm_image_setter.builds.skaffold import is_skaffold, read_skaffold
from krm_image_setter.config import Value, read_values
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import ImageRule
from krm_image_setter.typed import Any, Final, Record


class Images(Record):
    """The rules that files contain, and a warning for each image that was skipped."""

    rules: tuple[ImageRule, ...]
    warnings: tuple[str, ...]


class _Format(Record):
    """A format that consists of YAML or JSON documents. `read` yields a ConfigError for each skipped image."""

    name: str
    recognizes: Callable[[Any], bool]
    read: Callable[[Value], Iterable[BuiltImage | ConfigError]]


_MAPPINGS: Final = (
    _Format("Skaffold build output", is_skaffold, read_skaffold),
    _Format("BuildKit metadata", is_buildkit, read_buildkit),
    _Format("kbld lock file", is_kbld_lock, read_kbld_lock),
    _Format("kbld configuration", is_kbld_config, read_kbld_config),
    _Format("compose file", is_compose, read_compose),
    _Format("kustomization", is_kustomization, read_kustomization),
    _Format("Images.lock of dt", is_dt, read_dt),
    _Format("jib-image.json", is_jib, read_jib),
    _Format("list of Pods", is_pods, read_pods),
    _Format("list of ImagePolicies", is_flux, read_flux),
)
_LISTING: Final = _Format("output of `list -o json`", is_listing, read_listing)
_FORMATS: Final = (*_MAPPINGS, _LISTING)


def read_images(files: Iterable[tuple[str, str]]) -> Images:
    """Return the combined rules of `files`. Each file is a pair of its text and its name in messages.

    A rule for a name with a tag or digest comes before all rules for a name alone.

    Raises ConfigError if the format of a file is unknown, if a file is invalid or contains no image, or if two
    entries set the same image to different references.
    """
    images: dict[tuple[str, ...], BuiltImage] = {}
    warnings: list[str] = []
    for text, file in files:
        for image in _images(text.removeprefix("\ufeff"), file):
            if isinstance(image, ConfigError):
                image.message = f"skipped: {image.message}"
                warnings.append(str(image))
                continue
            name = image.rule.name
            first = images.setdefault((name.normalized_name, str(name._replace(name=""))), image)
            if first.new_reference != image.new_reference:
                other = f"{first.new_reference} at {first.location}"
                image.fail(
                    f'image "{name}" is set to {image.new_reference} here and to {other}; remove one of them'
                )
    rules = sorted((image.rule for image in images.values()), key=lambda rule: is_bare(rule.name))
    return Images(tuple(rules), tuple(warnings))


def _images(text: str, file: str) -> Iterator[BuiltImage | ConfigError]:
    if is_lines(text):
        yield from read_lines(text, file)
        return
    documents = read_values(text, file)
    if not documents:
        raise ConfigError("the file is empty; expected the images that a build wrote", file=file)
    for document in documents:
        yield from _images_in_document(document)


def _format_of(data: Any) -> _Format | None:
    formats = _MAPPINGS if isinstance(data, dict) else (_LISTING,)
    return next((form for form in formats if form.recognizes(data)), None)


def _images_in_document(document: Value) -> list[BuiltImage | ConfigError]:
    form = _format_of(document.data)
    if form is None:
        names = ", ".join(form.name for form in _FORMATS)
        document.fail(f"unrecognized format; expected one of: {names}, lines NAME=REFERENCE")
    images = list(form.read(document))
    if not images:
        document.fail(f"the {form.name} contains no images")
    skipped = [image for image in images if isinstance(image, ConfigError)]
    if len(skipped) == len(images):
        raise skipped[0]
    return images
