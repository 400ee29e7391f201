"""The importer for kustomizations: imports `images`, and the paths in `configurations` and `transformers`.

The fields have the same meaning as in kustomize (`api/types`, `api/internal/target` and `api/filters/imagetag` of
kubernetes-sigs/kustomize). The importer reads `resources`, `bases` and `components` only to add a note if they set
images.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.config import API_VERSION, KIND, Value
from krm_image_setter.config.compatible import field_spec_api_versions
from krm_image_setter.config.image_setter import KUSTOMIZE_ARGUMENTS
from krm_image_setter.config.value import missing_field
from krm_image_setter.errors import InputError
from krm_image_setter.images import ImageRule, Reference, check_reference, image_rule
from krm_image_setter.importers import NOT_IMPORTED, Imported, Source
from krm_image_setter.importers.reading import Notes, contains, origin, text_of
from krm_image_setter.importers.writing import Entry, Kinds, field_spec_path, imported, listed
from krm_image_setter.resources import CRD
from krm_image_setter.typed import Any, Final, Record

# The kustomization fields that contain images, in the order in which kustomize applies them.
_IMAGES: Final = ("images", "imageTags")
_PATHS: Final = ("configurations", "transformers")
_CHANGES: Final = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements")
_PARTS: Final = ("resources", "bases", "components")
# The maximum number of entries that are combined into one entry, and of directories that are read. The limits keep
# the run time short, because chains of entries and of directories can be very long.
_MOST_APPLIED: Final = 20
_MOST_PARTS: Final = 100

# This pattern matches the word "image" or "images" in a key or in a path.
_IMAGE: Final = r"(?<![\w-])images?(?![\w-])"


def is_kustomization(source: Source) -> bool:
    """Return whether the file name or the `apiVersion` of a source is that of a kustomization."""
    return source.name in FILE_NAMES or any(
        document.is_mapping and document.text_at("apiVersion").startswith("kustomize.config.k8s.io/")
        for document in source.documents
    )


def import_kustomization(source: Source) -> Imported:
    """Convert a kustomization to an ImageSetter. Raises ConfigError if the text is not YAML."""
    kustomization = _Kustomization(source.read)
    for document in source.documents:
        with kustomization.notes.catching(document):
            kustomization.add(document)
    images = list(_combined_entries(kustomization.images, kustomization.notes))
    lines = [*listed("images", images), *listed("kinds", kustomization.kinds.entries())]
    return imported(source.file, lines, kustomization.notes.by_line())


class _FieldSpec(Record):
    """A path of kustomize for the resources of a group, version and kind. An empty field matches any value."""

    kind: str
    group: str
    version: str
    path: str


class _Image(Record):
    """An image that kustomize sets in containers, and at the paths `specs`."""

    value: Value
    rule: ImageRule
    specs: frozenset[_FieldSpec]


class _Kustomization:
    def __init__(self, read: Callable[[str], str]) -> None:
        self.notes = Notes()
        self.images: list[_Image] = []
        self.kinds = Kinds()
        self._read = read

    def add(self, document: Value) -> None:
        """Add the images and paths that a kustomization document contains."""
        fields = self.notes.fields(document, (*_IMAGES, *_PATHS, *_CHANGES, *_PARTS), about="image")
        specs: set[_FieldSpec] = set()
        self.notes.each(fields, "configurations", partial(self._add_configuration, specs))
        for key in _IMAGES:
            self.notes.each(fields, key, partial(self._add_image, specs))
        transformed = len(self.images)
        self.notes.each(fields, "transformers", self._add_transformers)
        if len({image.specs for image in self.images}) > 1:
            for image in self.images[transformed:]:
                message = (
                    f'imported for all paths in `kinds`, but kustomize sets "{image.rule.name}" only at the '
                    "`fieldSpecs` of its transformer"
                )
                self.notes.add(image.value, message)
        for key in _CHANGES:
            self.notes.each(fields, key, self._note_change)
        seen: set[str] = set()
        for key in _PARTS:
            self.notes.each(fields, key, lambda item: self._note_part(item, text_of(item), "", seen))

    def _documents(self, item: Value) -> list[Value]:
        """Return the documents of a string, which contains either YAML or the path of a YAML file."""
        text = item.string()
        if _is_path(text):
            return self.notes.documents(item, text_of(item), self._read(text))
        return self.notes.documents(item, item.field, text)

    def _add_configuration(self, specs: set[_FieldSpec], item: Value) -> None:
        for configuration in self._documents(item):
            fields = self.notes.fields(configuration, ("images",), about="image")
            self._add_specs(fields, "images", specs)

    def _add_transformers(self, item: Value) -> None:
        for transformer in self._documents(item):
            with self.notes.catching(transformer):
                self._add_transformer(transformer)

    def _add_transformer(self, transformer: Value) -> None:
        kind = (transformer.data.get("apiVersion"), transformer.data.get("kind")) if transformer.is_mapping else ()
        if kind == (API_VERSION, KIND):
            transformer.fail(f"already an {KIND}; pass it with another `--fn-config`")
        if kind != ("builtin", "ImageTagTransformer"):
            if contains(transformer.data, _IMAGE):
                transformer.fail("the transformer seems to set an image; add the image by hand")
            return
        fields = self.notes.fields(transformer, ("apiVersion", "kind", "metadata", "imageTag", "fieldSpecs"))
        specs: set[_FieldSpec] = set()
        self._add_specs(fields, "fieldSpecs", specs)
        if "imageTag" not in fields:
            transformer.fail(missing_field("imageTag"))
        self._add_image(specs, fields["imageTag"])

    def _add_specs(self, fields: Mapping[str, Value], key: str, specs: set[_FieldSpec]) -> None:
        def add(spec: Value) -> None:
            # kustomize ignores `create`.
            parts = self.notes.fields(spec, (*_FieldSpec._fields, "create"), required="path")
            texts = _FieldSpec(*(text_of(parts[name]) if name in parts else "" for name in _FieldSpec._fields))
            if texts.kind == CRD:
                spec.fail(f"kustomize does not set images in a {CRD}")
            specs.add(texts)
            with self.notes.catching(parts["path"]):
                path = field_spec_path(texts.path)
                for api_version in field_spec_api_versions(texts.group, texts.version):
                    self.kinds.add(origin(spec), {"kind": texts.kind or "*", "apiVersion": api_version}, [path])

        self.notes.each(fields, key, add)

    def _add_image(self, specs: set[_FieldSpec], entry: Value) -> None:
        fields = self.notes.fields(entry, ("name", *KUSTOMIZE_ARGUMENTS), required="name")
        texts = {key: value.string() for key, value in fields.items()}
        if len(texts) == 1:
            entry.fail("the entry sets nothing")
        if re.search(r"[][*+?()|^$\\{}]", texts["name"]):
            message = f'"{texts["name"]}" is a regular expression in kustomize, but names are literal here'
            fields["name"].fail(f"{message}; add one entry per image")
        if "tagSuffix" in texts and texts.keys() & {"newTag", "digest"}:
            message = "imported without `tagSuffix`: kustomize ignores it next to `newTag` or `digest`"
            self.notes.add(entry, message, key="tagSuffix")
            del texts["tagSuffix"]
        arguments: dict[str, Any] = {
            argument: texts[key] for key, argument in KUSTOMIZE_ARGUMENTS.items() if key in texts
        }
        self.images.append(_Image(entry, image_rule(texts["name"], **arguments), frozenset(specs)))

    def _note_change(self, item: Value) -> None:
        """Add a note if a patch or a replacement contains the word "image"."""
        data: list[Any] = [item.data]
        path = item.data.get("path") if item.is_mapping else item.data
        if isinstance(path, str) and _is_path(path):
            data.append(self._read(path))
        if contains(data, _IMAGE):
            item.fail("the entry seems to change an image; keep it in the kustomization")

    def _note_part(self, item: Value, part: str, parent: str, seen: set[str]) -> None:
        """Add a note if the kustomization in the directory `part`, or one to which it refers, sets images.

        Manifests, and directories that were already read, are skipped. URLs are not downloaded.
        """
        directory = posixpath.normpath(posixpath.join(parent, part))
        if part.endswith((".yaml", ".yml", ".json")) or directory in seen:
            return
        is_read = len(seen) < _MOST_PARTS and "://" not in part
        path, text = self._kustomization_in(directory) if is_read else ("", "")
        seen.add(directory)
        if not path:
            message = f'"{part}" was not read; import its kustomization separately if it sets images'
            self.notes.add(item, NOT_IMPORTED + message)
            return
        for document in self.notes.documents(item, path, text):
            fields = self.notes.fields(document, (*_IMAGES, *_PATHS, *_PARTS), about=None)
            present = [f"`{key}`" for key in (*_IMAGES, *_PATHS) if key in fields]
            if present:
                message = f'"{path}" contains {" and ".join(present)}; import it separately'
                self.notes.add(item, NOT_IMPORTED + message)
            for key in _PARTS:
                self.notes.each(fields, key, lambda inner: self._note_part(item, text_of(inner), directory, seen))

    def _kustomization_in(self, directory: str) -> tuple[str, str]:
        """Return the path and the text of the kustomization in a directory. If there is none, both are empty."""
        for path in (f"{directory}/{name}" for name in FILE_NAMES):
            with suppress(InputError):
                return path, self._read(path)
        return "", ""


def _combined_entries(images: Sequence[_Image], notes: Notes) -> Iterator[Entry]:
    """Convert the images of a kustomization to entries of an ImageSetter.

    kustomize applies each entry to the result of the previous entries. An ImageSetter applies only the first
    matching entry. Therefore all entries that kustomize applies to the same name are combined into one entry.
    """
    positions: dict[str, list[int]] = {}
    for position, image in enumerate(images):
        positions.setdefault(image.rule.name.name, []).append(position)
    done: dict[tuple[str | None, ...], tuple[str, dict[int, None]]] = {}
    for position, image in enumerate(images):
        name = image.rule.name
        where, applied = done.setdefault((name.normalized_name, *name[1:]), (origin(image.value), {}))
        if not applied:
            rule, following = _with_following(images, position, positions, notes)
            applied.update(following)
            texts = {field: getattr(rule, argument) for field, argument in KUSTOMIZE_ARGUMENTS.items()}
            fields = {"name": str(name), **{field: text for field, text in texts.items() if text is not None}}
            yield Entry(dict.fromkeys(origin(images[other].value) for other in applied), fields)
        elif position not in applied:
            notes.add_duplicate(image.value, str(name), where)


def _with_following(
    images: Sequence[_Image], first: int, positions: Mapping[str, Sequence[int]], notes: Notes
) -> tuple[ImageRule, dict[int, None]]:
    """Combine the entry at index `first` with all later entries that apply to its result.

    Return the combined rule, and the indexes of the combined entries in order, as the keys of a dict.
    """
    rule, applied, last = images[first].rule, {first: None}, first
    while True:
        outcome = check_reference(rule.rewrite(rule.name))
        candidates = positions.get(outcome.name, ())
        index = bisect_right(candidates, last)
        if index == len(candidates):
            return rule, applied
        last = candidates[index]
        value, following, _ = images[last]
        with notes.catching(value):
            if len(applied) == _MOST_APPLIED:
                message = f'{_MOST_APPLIED} entries before this one set "{images[first].rule.name}"'
                notes.add(value, f"{NOT_IMPORTED}{message}; add the entry by hand")
                return rule, applied
            if following.matches(outcome):
                rule = _combined(rule, following)
                applied[last] = None
            elif outcome == Reference(outcome.name):
                message = f'kustomize can apply this entry to the result of the entry for "{rule.name}" too'
                value.fail(f'{message}; add an entry for "{rule.name}" with its tag')


def _combined(first: ImageRule, second: ImageRule) -> ImageRule:
    """Return the rule that is equivalent to two successive rules. Raises InvalidReference if there is none."""
    tag, digest, suffix = first.new_tag, first.digest, first.tag_suffix
    if second.new_tag is not None or second.digest is not None:
        tag, digest, suffix = second.new_tag, second.digest, None
    elif second.tag_suffix is not None and (tag is not None or digest is not None):
        tag, digest = (tag or "") + second.tag_suffix, None
    elif second.tag_suffix is not None:
        suffix = (suffix or "") + second.tag_suffix
    new_name = second.new_name or first.new_name
    return image_rule(str(first.name), new_name=new_name, new_tag=tag, digest=digest, tag_suffix=suffix)


def _is_path(text: str) -> bool:
    """Return whether a string in a kustomization is the path of a file. Otherwise it contains YAML."""
    return text.isprintable() and not text.startswith("{")
