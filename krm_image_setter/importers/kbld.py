"""kbld's configuration -> ImageSetter: its `overrides`, what it builds, and where its `searchRules` find images.

As kbld reads them (carvel-dev/kbld, `pkg/kbld/config`, `pkg/kbld/search`, `pkg/kbld/image`): the kinds `Config`,
`Sources`, `ImageOverrides`, `ImageDestinations` and `ImageKeys` have the same fields, and imgpkg's ImagesLock
counts as overrides. The first search rule that fits a field counts; behind all others is one for every `image`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import Reference
from krm_image_setter.importers import Imported
from krm_image_setter.importers.reading import Notes, origin, read_documents, reference_of, text_of
from krm_image_setter.importers.writing import (
    Entry,
    Kinds,
    Node,
    block,
    images_to_give,
    imported,
    listed,
    one_or_list,
)
from krm_image_setter.paths import PathError, parse_path

_LOCK: Final = ("imgpkg.carvel.dev/v1alpha1", "ImagesLock")
_DOCUMENTS: Final = (
    *(
        ("kbld.k14s.io/v1alpha1", kind)
        for kind in ("Config", "Sources", "ImageOverrides", "ImageDestinations", "ImageKeys")
    ),
    _LOCK,
)
_FIELDS: Final = (
    "apiVersion", "kind", "metadata", "minimumRequiredVersion",
    "overrides", "sources", "destinations", "keys", "searchRules",
)  # fmt: skip
_IMAGE: Final = ("image", "imageRepo")
_SELECTIONS: Final = ("tagSelection", "platformSelection")
_ID: Final = "kbld.carvel.dev/id"  # the annotation of a locked image: for which image it stands


def is_kbld(document: Value) -> bool:
    """Say whether a document is one of those that kbld takes for its configuration."""
    return document.is_mapping and (document.data.get("apiVersion"), document.data.get("kind")) in _DOCUMENTS


def import_kbld(text: str, file: str) -> Imported:
    """Return the ImageSetter that says what the documents of kbld in `text` say; `file` is its name.

    Raises ConfigError where the text is not YAML.
    """
    kbld = _Kbld()
    kbld.add([document for document in read_documents(text, file) if is_kbld(document)])
    lines = list(kbld.lines())
    return imported(file, lines, kbld.notes.by_line())


class _Override(NamedTuple):
    """What becomes of the image that is written as `name` is, or of `every` image of that name."""

    value: Value
    name: Reference
    every: bool
    new_image: Reference


class _Kbld:
    """Gathers what the documents say."""

    def __init__(self) -> None:
        self.notes = Notes()
        self._overrides: list[_Override] = []
        self._sources: dict[Reference, dict[str, None]] = {}
        self._kinds = Kinds()
        self._every_image = True

    def add(self, documents: Sequence[Value]) -> None:
        """Add what the documents say of images, each field of all of them before the next."""
        locks = [document for document in documents if document.data["kind"] == _LOCK[1]]
        configurations = [
            self.notes.fields(document, _FIELDS) for document in documents if document.data["kind"] != _LOCK[1]
        ]
        for key, tell in (
            ("overrides", self._add_override),
            ("sources", self._add_source),
            ("destinations", self._add_destination),
            ("keys", self._add_key),
            ("searchRules", self._add_rule),
        ):
            for fields in configurations:
                self.notes.each(fields, key, tell)
        for lock in locks:
            self.notes.each(self.notes.fields(lock, ("images",), about=None), "images", self._add_locked)
        if self._every_image:
            self._kinds.add("kbld's own rule", {"kind": "*"}, ["{..image}"])

    def lines(self) -> Iterator[str]:
        """Yield what is written."""
        images = list(self._entries())
        yield from listed(
            "images", images, "An image is a text to kbld; here its other spellings are the same image."
        )
        sources = [Entry(origins, {"name": str(name)}) for name, origins in self._sources.items()]
        yield from images_to_give("kbld builds these.", sources, after_others=bool(images))
        if not self._every_image:
            yield from block({"podSpecs": False, "catalog": False})
        yield from listed("kinds", self._kinds.entries())

    def _entries(self) -> Iterator[Entry]:
        # A name without a tag is that text to kbld, and any tag of it here: what says more comes first.
        def is_vague(override: _Override) -> bool:
            return not override.every and override.name == Reference(override.name.name)

        done: dict[tuple[str | None, ...], str] = {}
        for override in sorted(self._overrides, key=is_vague):
            value, name, _, new_image = override
            key = (name.normalized_name, *name[1:])
            if key in done:
                self.notes.left_out(value, str(name), done[key])
                continue
            done[key] = origin(value)
            yield Entry([done[key]], {"name": str(name), "newImage": str(new_image)})

    def _image(self, entry: Value, fields: Mapping[str, Value]) -> tuple[Reference, bool]:
        """Return which image an entry is about, and whether it is every one of that name."""
        if "image" in fields:
            return reference_of(fields["image"]), False
        if "imageRepo" not in fields:
            entry.fail("image is missing: add it")
        name = reference_of(fields["imageRepo"])
        if name != Reference(name.name):
            fields["imageRepo"].fail("this takes a name: give it without tag and digest")
        return name, True

    def _add_override(self, entry: Value) -> None:
        fields = self.notes.fields(entry, (*_IMAGE, "newImage", "preresolved", *_SELECTIONS, "origins"))
        name, every = self._image(entry, fields)
        if "newImage" not in fields:
            entry.fail("newImage is missing: add it")
        new_image = reference_of(fields["newImage"])
        if not ("preresolved" in fields and fields["preresolved"].boolean()):
            for key in _SELECTIONS:
                if key in fields:
                    fields[key].fail("kbld asks the registry for the image: add an entry with what it chooses")
            if new_image.digest is None:
                message = "kbld builds this, or asks the registry for its digest; here it is set as it stands"
                self.notes.add(entry, message, key="newImage")
        self._overrides.append(_Override(entry, name, every, new_image))

    def _add_locked(self, entry: Value) -> None:
        fields = self.notes.fields(entry, ("image", "annotations"))
        names = self.notes.fields(fields["annotations"], (_ID,), about=None) if "annotations" in fields else {}
        if _ID not in names or "image" not in fields:
            entry.fail(f"image or the annotation {_ID} is missing: add it")
        new_image = reference_of(fields["image"])
        self._overrides.append(_Override(entry, reference_of(names[_ID]), every=False, new_image=new_image))

    def _add_source(self, entry: Value) -> None:
        name, _ = self._image(entry, self.notes.fields(entry, _IMAGE, about="image"))
        self._sources.setdefault(name, {})[origin(entry)] = None

    def _add_destination(self, entry: Value) -> None:
        fields = self.notes.fields(entry, (*_IMAGE, "newImage", "tags"))
        name, _ = self._image(entry, fields)
        if name not in self._sources:
            entry.fail("no source builds this image, so it is not pushed: add an entry with what becomes of it")
        if "newImage" in fields:
            self._sources[name][f"{origin(entry)}: it is pushed to {text_of(fields['newImage'])}"] = None

    def _add_key(self, key: Value) -> None:
        self._kinds.add(origin(key), {"kind": "*"}, [_anywhere(key)])

    def _add_rule(self, rule: Value) -> None:
        if rule.data == {"keyMatcher": {"name": "image"}, "updateStrategy": {"none": {}}}:
            self._every_image = False
        else:
            self._kinds.add(origin(rule), {"kind": "*"}, [self._rule(rule)])

    def _rule(self, rule: Value) -> Node:
        """Return where a rule finds images, as an item of `paths`. Raises ConfigError where that can't be said."""
        fields = self.notes.fields(rule, ("keyMatcher", "valueMatcher", "updateStrategy"))
        strategies: Mapping[str, Value] = {}
        if "updateStrategy" in fields:
            known = ("none", "entireValue", "json", "yaml")  # as kbld asks for them
            strategies = self.notes.fields(fields["updateStrategy"], known)
        strategy = next(iter(strategies), "entireValue")
        if strategy == "none":
            rule.fail("no field can be taken out here: see that no path leads there")
        if "keyMatcher" not in fields:
            rule.fail("no field can be found by its value alone here: add its path to kinds")
        path = self._matched(fields["keyMatcher"])
        if "valueMatcher" in fields:
            message = "this is left out: every image that stands where keyMatcher says is set"
            self.notes.add(rule, message, key="valueMatcher")
        if strategy == "entireValue":
            return path
        nodes: list[Node] = []
        inner = self.notes.fields(strategies[strategy], ("searchRules",))
        self.notes.each(inner, "searchRules", lambda item: nodes.append(self._rule(item)))
        if not nodes:
            rule.fail("no search rule says where in this document images are: add one")
        return {"path": path, "as": strategy, "paths": one_or_list(nodes)}

    def _matched(self, matcher: Value) -> str:
        """Return the path to the fields whose key matches."""
        fields = self.notes.fields(matcher, ("name", "path"))
        if "name" in fields:
            return _anywhere(fields["name"])
        if "path" not in fields:
            matcher.fail("name or path is missing: add it")
        return _path(fields["path"], "".join(map(self._step, fields["path"].items())))

    def _step(self, part: Value) -> str:
        if not part.is_mapping:
            return _field(text_of(part))
        index = self.notes.fields(part, ("index", "allIndexes"))
        if "index" in index and re.fullmatch("[0-9]+", index["index"].source_text):
            return f"[{index['index'].source_text}]"
        if "allIndexes" in index and index["allIndexes"].boolean():
            return "[*]"
        message = "this is no part of a path: give a key, {index: NUMBER} or {allIndexes: true}"
        raise part.place(ConfigError(message))


def _anywhere(key: Value) -> str:
    """Return the path to every field of a name."""
    return _path(key, f"..{_field(text_of(key)).removeprefix('.')}")


def _field(key: str) -> str:
    """Return the step to a field in Kubernetes JSONPath."""
    return f".{key}" if re.fullmatch(r"[A-Za-z_][\w-]*", key, re.ASCII) else f"['{key}']"


def _path(value: Value, steps: str) -> str:
    """Return the path of `steps`. Raises ConfigError where `value` has keys that no path can have."""
    path = f"{{{steps}}}"
    try:
        parse_path(path)
    except PathError:
        value.fail("this can't be written as a path: add by hand one that leads there")
    return path
