"""The importer for kbld: imports `overrides`, the images that kbld builds, and the paths in its `searchRules`.

The fields have the same meaning as in kbld (`pkg/kbld/config`, `search` and `image` of carvel-dev/kbld). The kinds
`Config`, `Sources`, `ImageOverrides`, `ImageDestinations` and `ImageKeys` have the same fields. The images in
imgpkg's ImagesLock are overrides. For each field, kbld uses the first matching search rule. Its default rule is
the last rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from krm_image_setter.builds.kbld import API_VERSION, ID, LOCK_API_VERSION, LOCK_KIND
from krm_image_setter.config import Value
from krm_image_setter.config.value import missing_field
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import Reference
from krm_image_setter.importers import Imported, Source
from krm_image_setter.importers.reading import Notes, origin, reference_of, text_of
from krm_image_setter.importers.writing import (
    Entry,
    Kinds,
    Node,
    block,
    images_to_complete,
    imported,
    listed,
    one_or_list,
)
from krm_image_setter.paths import PathError, format_key, parse_path
from krm_image_setter.typed import Final, Record

_KINDS: Final = ("Config", "Sources", "ImageOverrides", "ImageDestinations", "ImageKeys")
_DOCUMENTS: Final = (*((API_VERSION, kind) for kind in _KINDS), (LOCK_API_VERSION, LOCK_KIND))
_FIELDS: Final = (
    "apiVersion", "kind", "metadata", "minimumRequiredVersion",
    "overrides", "sources", "destinations", "keys", "searchRules",
)  # fmt: skip
_IMAGE: Final = ("image", "imageRepo")
_SELECTIONS: Final = ("tagSelection", "platformSelection")
# kbld checks the update strategies in this order.
_STRATEGIES: Final = ("none", "entireValue", "json", "yaml")


def is_kbld(source: Source) -> bool:
    """Return whether one of the documents in `source` is a configuration of kbld."""
    return any(map(_is_kbld, source.documents))


def _is_kbld(document: Value) -> bool:
    return document.is_mapping and (document.data.get("apiVersion"), document.data.get("kind")) in _DOCUMENTS


def import_kbld(source: Source) -> Imported:
    """Convert the documents of kbld to an ImageSetter. Raises ConfigError if the text is not YAML."""
    kbld = _Kbld()
    kbld.add(list(filter(_is_kbld, source.documents)))
    # Create the lines before reading the notes, because creating lines can add notes.
    lines = list(kbld.lines())
    return imported(source.file, lines, kbld.notes.by_line())


class _Override(Record):
    """The new image for `name`. If `every` is true, the override applies to all tags and digests of the name."""

    value: Value
    name: Reference
    every: bool
    new_image: Reference


class _Kbld:
    def __init__(self) -> None:
        self.notes = Notes()
        self._overrides: list[_Override] = []
        self._sources: dict[Reference, dict[str, None]] = {}
        self._kinds = Kinds()
        self._every_image = True

    def add(self, documents: Sequence[Value]) -> None:
        """Add documents in the order of kbld: first `overrides` of all documents, then `sources`, and so on."""
        locks = [document for document in documents if document.data["kind"] == LOCK_KIND]
        configurations = [
            self.notes.fields(document, _FIELDS) for document in documents if document.data["kind"] != LOCK_KIND
        ]
        for key, add in (
            ("overrides", self._add_override),
            ("sources", self._add_source),
            ("destinations", self._add_destination),
            ("keys", self._add_key),
            ("searchRules", self._add_rule),
        ):
            for fields in configurations:
                self.notes.each(fields, key, add)
        for lock in locks:
            self.notes.each(self.notes.fields(lock, ("images",), about=None), "images", self._add_locked)
        if self._every_image:
            self._kinds.add('kbld\'s default: every field named "image"', {"kind": "*"}, ["{..image}"])

    def lines(self) -> Iterator[str]:
        """Yield the lines of the ImageSetter's fields."""
        images = list(self._entries())
        comment = "kbld compares image strings exactly; here nginx and docker.io/library/nginx are the same image."
        yield from listed("images", images, comment)
        sources = [Entry(origins, {"name": str(name)}) for name, origins in self._sources.items()]
        yield from images_to_complete("kbld builds these images.", sources, after_others=bool(images))
        if not self._every_image:
            yield from block({"podSpecs": False, "catalog": False})
        yield from listed("kinds", self._kinds.entries())

    def _entries(self) -> Iterator[Entry]:
        # Put names without a tag last: "nginx" matches "nginx:1" in an ImageSetter, but not in kbld.
        def is_only_a_name(override: _Override) -> bool:
            return not override.every and override.name == Reference(override.name.name)

        done: dict[tuple[str | None, ...], str] = {}
        for override in sorted(self._overrides, key=is_only_a_name):
            value, name, _, new_image = override
            key = (name.normalized_name, *name[1:])
            if key in done:
                self.notes.add_duplicate(value, str(name), done[key])
                continue
            done[key] = origin(value)
            yield Entry([done[key]], {"name": str(name), "newImage": str(new_image)})

    def _image(self, entry: Value, fields: Mapping[str, Value]) -> tuple[Reference, bool]:
        """Return the image of an entry, and whether the entry applies to all tags and digests of the image."""
        if "image" in fields:
            return reference_of(fields["image"]), False
        if "imageRepo" not in fields:
            entry.fail("missing required field `image` or `imageRepo`")
        name = reference_of(fields["imageRepo"])
        if name != Reference(name.name):
            fields["imageRepo"].fail("expected an image name without a tag or digest")
        return name, True

    def _add_override(self, entry: Value) -> None:
        fields = self.notes.fields(entry, (*_IMAGE, "newImage", "preresolved", *_SELECTIONS, "origins"))
        name, every = self._image(entry, fields)
        if "newImage" not in fields:
            entry.fail(missing_field("newImage"))
        new_image = reference_of(fields["newImage"])
        if not ("preresolved" in fields and fields["preresolved"].boolean()):
            for key in _SELECTIONS:
                if key in fields:
                    message = "kbld selects this image in the registry; add an `images` entry with the result"
                    fields[key].fail(message)
            if new_image.digest is None:
                message = "imported as written, without a digest: kbld would build or resolve it"
                self.notes.add(entry, message, key="newImage")
        self._overrides.append(_Override(entry, name, every, new_image))

    def _add_locked(self, entry: Value) -> None:
        fields = self.notes.fields(entry, ("image", "annotations"), required="image")
        names = self.notes.fields(fields["annotations"], (ID,), about=None) if "annotations" in fields else {}
        if ID not in names:
            entry.fail(f"missing annotation `{ID}`")
        new_image = reference_of(fields["image"])
        self._overrides.append(_Override(entry, reference_of(names[ID]), every=False, new_image=new_image))

    def _add_source(self, entry: Value) -> None:
        name, _ = self._image(entry, self.notes.fields(entry, _IMAGE, about="image"))
        self._sources.setdefault(name, {})[origin(entry)] = None

    def _add_destination(self, entry: Value) -> None:
        fields = self.notes.fields(entry, (*_IMAGE, "newImage", "tags"))
        name, _ = self._image(entry, fields)
        if name not in self._sources:
            entry.fail("no `sources` entry builds this image; add an `images` entry if it should be set")
        if "newImage" in fields:
            self._sources[name][f"{origin(entry)}: pushed to {text_of(fields['newImage'])}"] = None

    def _add_key(self, key: Value) -> None:
        self._kinds.add(origin(key), {"kind": "*"}, [_anywhere(key)])

    def _add_rule(self, rule: Value) -> None:
        if rule.data == {"keyMatcher": {"name": "image"}, "updateStrategy": {"none": {}}}:
            self._every_image = False
        else:
            self._kinds.add(origin(rule), {"kind": "*"}, [self._rule(rule)])

    def _rule(self, rule: Value) -> Node:
        """Convert a search rule to an item of `paths`. Raises ConfigError if no path is equivalent to the rule."""
        fields = self.notes.fields(rule, ("keyMatcher", "valueMatcher", "updateStrategy"))
        strategies: Mapping[str, Value] = {}
        if "updateStrategy" in fields:
            strategies = self.notes.fields(fields["updateStrategy"], _STRATEGIES)
        strategy = next(iter(strategies), "entireValue")
        if strategy == "none":
            rule.fail("fields cannot be excluded; check that no path matches this field")
        if "keyMatcher" not in fields:
            rule.fail("fields cannot be matched by value alone; add their paths to `kinds`")
        path = self._matched(fields["keyMatcher"])
        if "valueMatcher" in fields:
            message = "imported without `valueMatcher`: every image at the matched paths is set"
            self.notes.add(rule, message, key="valueMatcher")
        if strategy == "entireValue":
            return path
        nodes: list[Node] = []
        inner = self.notes.fields(strategies[strategy], ("searchRules",))
        self.notes.each(inner, "searchRules", lambda item: nodes.append(self._rule(item)))
        if not nodes:
            rule.fail("no `searchRules` for the embedded document")
        return {"path": path, "as": strategy, "paths": one_or_list(nodes)}

    def _matched(self, matcher: Value) -> str:
        """Return the path that matches the same fields as a `keyMatcher` of kbld."""
        fields = self.notes.fields(matcher, ("name", "path"))
        if "name" in fields:
            return _anywhere(fields["name"])
        if "path" not in fields:
            matcher.fail("missing required field `name` or `path`")
        return _path(fields["path"], "".join(map(self._step, fields["path"].items())))

    def _step(self, part: Value) -> str:
        if not part.is_mapping:
            return format_key(text_of(part))
        index = self.notes.fields(part, ("index", "allIndexes"))
        if "index" in index and re.fullmatch("[0-9]+", index["index"].source_text):
            return f"[{index['index'].source_text}]"
        if "allIndexes" in index and index["allIndexes"].boolean():
            return "[*]"
        message = "invalid part of a path; expected a key, `{index: NUMBER}` or `{allIndexes: true}`"
        raise part.located(ConfigError(message))


def _anywhere(key: Value) -> str:
    """Return the path that matches all fields with the name `key`."""
    return _path(key, f"..{format_key(text_of(key)).removeprefix('.')}")


def _path(value: Value, steps: str) -> str:
    """Convert steps to a path. Raises ConfigError if a path cannot express one of the keys."""
    path = f"{{{steps}}}"
    try:
        parse_path(path)
    except PathError:
        value.fail("the key cannot be written as a path; add the path to `kinds`")
    return path
