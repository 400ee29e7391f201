"""A kustomization -> ImageSetter: its `images`, and where its `configurations` and `transformers` say images are.

As kustomize reads them (kubernetes-sigs/kustomize, `api/types`, `api/internal/target`, `api/filters/imagetag`).
What it is made of (`resources`, `bases`, `components`) is looked at only to tell of images that are set there.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from krm_image_setter.config import API_VERSION, KIND, Value
from krm_image_setter.config.compatible import field_spec_api_versions
from krm_image_setter.errors import InputError
from krm_image_setter.images import ImageRule, Reference, check_reference, image_rule
from krm_image_setter.importers import Imported
from krm_image_setter.importers.reading import Notes, mentions, origin, read_documents, text_of
from krm_image_setter.importers.writing import Entry, Kinds, field_spec_path, imported, listed
from krm_image_setter.locators.kind_rule import CRD

#: The names that kustomize looks for in a folder.
NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")

# Fields of a kustomization, in the order in which it is worked off.
_IMAGES: Final = ("images", "imageTags")
_PATHS: Final = ("configurations", "transformers")
_CHANGES: Final = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements")
_PARTS: Final = ("resources", "bases", "components")
_MOST_APPLIED: Final = 20  # entries, of which each changes what the one before has made
_MOST_PARTS: Final = 100  # are looked at: a chain of a thousand folders only serves to break readers

# The fields of an entry, and the arguments of `image_rule` and attributes that they become.
_ARGUMENTS: Final = {"newName": "new_name", "newTag": "new_tag", "digest": "digest", "tagSuffix": "tag_suffix"}


_IMAGE: Final = r"(?<![\w-])images?(?![\w-])"  # the word, as a field or in a path


def is_kustomization(document: Value) -> bool:
    """Say whether a document is a kustomization by what it says; by its name it may be one without that."""
    return document.is_mapping and document.text_at("apiVersion").startswith("kustomize.config.k8s.io/")


def import_kustomization(text: str, file: str, read: Callable[[str], str]) -> Imported:
    """Return the ImageSetter that says what the kustomization `text` says of images; `file` is its name.

    `read` returns the text of another file, by its path from the kustomization's folder, and raises InputError.

    Raises ConfigError where the text is not YAML.
    """
    kustomization = _Kustomization(read)
    for document in read_documents(text, file):
        with kustomization.notes.kept(document):
            kustomization.add(document)
    images = list(_one_a_name(kustomization.images, kustomization.notes))
    lines = [*listed("images", images), *listed("kinds", kustomization.kinds.entries())]
    return imported(file, lines, kustomization.notes.by_line())


class _FieldSpec(NamedTuple):
    """Where images are, in the resources of a kind, group and version; empty is any."""

    kind: str
    group: str
    version: str
    path: str


class _Image(NamedTuple):
    """An entry of `images` or a transformer, and where it looks for its image besides containers."""

    value: Value
    rule: ImageRule
    specs: frozenset[_FieldSpec]


class _Kustomization:
    """Gathers what a kustomization says."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.notes = Notes()
        self.images: list[_Image] = []
        self.kinds = Kinds()
        self._read = read

    def add(self, document: Value) -> None:
        """Add what the fields of a kustomization say."""
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
                    f'kustomize looks for "{image.rule.name}" only where its transformer says, here every image '
                    "is looked for at every path: see that it stands at no other"
                )
                self.notes.add(image.value, message)
        for key in _CHANGES:
            self.notes.each(fields, key, self._tell_of_change)
        seen: set[str] = set()
        for key in _PARTS:
            self.notes.each(fields, key, lambda item: self._tell_of_part(item, text_of(item), "", seen))

    def _documents(self, item: Value) -> list[Value]:
        """Return the documents of a text, or of the file that it names."""
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
            with self.notes.kept(transformer):
                self._add_transformer(transformer)

    def _add_transformer(self, transformer: Value) -> None:
        kind = (transformer.data.get("apiVersion"), transformer.data.get("kind")) if transformer.is_mapping else ()
        if kind == (API_VERSION, KIND):
            transformer.fail(f"this is an {KIND}: give it as it is, beside this one")
        if kind != ("builtin", "ImageTagTransformer"):
            if mentions(transformer.data, _IMAGE):
                transformer.fail("this has to do with an image, and is not read: add by hand what it sets")
            return
        known = ("apiVersion", "kind", "metadata", "imageTag", "fieldSpecs")
        fields = self.notes.fields(transformer, known)
        specs: set[_FieldSpec] = set()
        self._add_specs(fields, "fieldSpecs", specs)
        if "imageTag" not in fields:
            transformer.fail("imageTag is missing: add it")
        self._add_image(specs, fields["imageTag"])

    def _add_specs(self, fields: Mapping[str, Value], key: str, specs: set[_FieldSpec]) -> None:
        def add(spec: Value) -> None:
            given = self.notes.fields(spec, (*_FieldSpec._fields, "create"))  # create makes no image there
            if "path" not in given:
                spec.fail("path is missing: add it")
            texts = _FieldSpec(*(text_of(given[name]) if name in given else "" for name in _FieldSpec._fields))
            if texts.kind == CRD:
                spec.fail(f"kustomize sets no image in a {CRD}: left out")
            specs.add(texts)
            with self.notes.kept(given["path"]):
                path = field_spec_path(texts.path)
                for api_version in field_spec_api_versions(texts.group, texts.version):
                    self.kinds.add(origin(spec), {"kind": texts.kind or "*", "apiVersion": api_version}, [path])

        self.notes.each(fields, key, add)

    def _add_image(self, specs: set[_FieldSpec], entry: Value) -> None:
        fields = self.notes.fields(entry, ("name", *_ARGUMENTS))
        texts = {key: value.string() for key, value in fields.items()}
        if "name" not in texts:
            entry.fail("name is missing: add it")
        if len(texts) == 1:
            entry.fail("this sets nothing: give newName, newTag, digest or tagSuffix")
        if re.search(r"[][*+?()|^$\\{}]", texts["name"]):
            message = f'"{texts["name"]}" is a regular expression to kustomize, here a name is taken literally'
            fields["name"].fail(f"{message}: add an entry for each image")
        if "tagSuffix" in texts and texts.keys() & {"newTag", "digest"}:
            self.notes.add(entry, "kustomize has no use for it beside newTag or digest: left out", key="tagSuffix")
            del texts["tagSuffix"]
        arguments: dict[str, Any] = {argument: texts[key] for key, argument in _ARGUMENTS.items() if key in texts}
        self.images.append(_Image(entry, image_rule(texts["name"], **arguments), frozenset(specs)))

    def _tell_of_change(self, item: Value) -> None:
        """Tell of a patch or a replacement that has to do with an image."""
        said: list[Any] = [item.data]
        path = item.data.get("path") if item.is_mapping else item.data
        if isinstance(path, str) and _is_path(path):
            said.append(self._read(path))
        if mentions(said, _IMAGE):
            item.fail("this has to do with an image, and is not carried over: leave it to kustomize")

    def _tell_of_part(self, item: Value, part: str, parent: str, seen: set[str]) -> None:
        """Tell of the images that are set in a folder which `item` leads to."""
        folder = posixpath.normpath(posixpath.join(parent, part))
        if part.endswith((".yaml", ".yml", ".json")) or folder in seen:  # a manifest, or a cycle
            return
        is_read = len(seen) < _MOST_PARTS and "://" not in part  # nothing is fetched
        path, text = self._kustomization_in(folder) if is_read else ("", "")
        seen.add(folder)
        if not path:
            self.notes.add(item, f'"{part}" is not followed: if a kustomization there sets images, import it too')
            return
        for document in self.notes.documents(item, path, text):
            fields = self.notes.fields(document, (*_IMAGES, *_PATHS, *_PARTS), about=None)
            given = [key for key in (*_IMAGES, *_PATHS) if key in fields]
            if given:
                self.notes.add(item, f'"{path}" is not followed: import it too, for its {" and ".join(given)}')
            for key in _PARTS:
                self.notes.each(fields, key, lambda inner: self._tell_of_part(item, text_of(inner), folder, seen))

    def _kustomization_in(self, folder: str) -> tuple[str, str]:
        """Return path and text of the kustomization in a folder; empty where there is none."""
        for name in NAMES:
            path = f"{folder}/{name}"
            try:
                return path, self._read(path)
            except InputError:
                pass
        return "", ""


def _one_a_name(images: Sequence[_Image], notes: Notes) -> Iterator[Entry]:
    """Yield the entries to write.

    kustomize applies its entries one after the other, each to what those before have made; of ours the first that
    matches counts. So one entry says here what all of them make of its name.
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
            fields = {field: getattr(rule, argument) for field, argument in _ARGUMENTS.items()}
            said = {"name": str(name), **{field: text for field, text in fields.items() if text is not None}}
            yield Entry(dict.fromkeys(origin(images[other].value) for other in applied), said)
        elif position not in applied:
            notes.left_out(image.value, str(name), where)


def _with_following(
    images: Sequence[_Image], first: int, positions: Mapping[str, Sequence[int]], notes: Notes
) -> tuple[ImageRule, dict[int, None]]:
    """Return the rule that the entry at `first` makes with those that apply to its outcome, and where all are."""
    rule, applied, last = images[first].rule, {first: None}, first
    while True:
        outcome = check_reference(rule.rewrite(rule.name))
        candidates = positions.get(outcome.name, ())
        following_ones = bisect_right(candidates, last)
        if following_ones == len(candidates):
            return rule, applied
        last = candidates[following_ones]
        value, following, _ = images[last]
        with notes.kept(value):
            if len(applied) == _MOST_APPLIED:
                message = f'{_MOST_APPLIED} entries before this one set "{images[first].rule.name}"'
                notes.add(value, f"{message}: add the entry by hand")
                return rule, applied
            if following.matches(outcome):
                rule = _combined(rule, following)
                applied[last] = None
            elif outcome == Reference(outcome.name):
                message = f'this may also be what "{rule.name}" becomes, and each image is set once'
                value.fail(f'{message}: add an entry for "{rule.name}" with its tag')


def _combined(first: ImageRule, second: ImageRule) -> ImageRule:
    """Return the rule that does what two do one after the other. Raises InvalidReference where none does."""
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
    """Say whether a string of a kustomization is the path of a file, as it may be YAML itself."""
    return text.isprintable() and not text.startswith("{")
