"""The ImageSetter that an importer writes: plain YAML with comments that name the lines of the source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.importers import Imported, Note
from krm_image_setter.paths import PathError, field_spec, parse_path

#: What a field holds. The texts are printable, the keys need no quotes.
Block: TypeAlias = "Sequence[Node] | Mapping[str, Node]"
Node: TypeAlias = "str | bool | Block"

_NEW_REFERENCE: Final = "NEW-REFERENCE"


class Entry(NamedTuple):
    """An entry of a list: the places of the source that say it, and its fields."""

    origins: Iterable[str]
    fields: Mapping[str, Node]


class Kinds:
    """Gathers entries of `kinds`: each selector once, with all that is said of it."""

    def __init__(self) -> None:
        # By selector; the paths by how they are written, because a mapping can't be a key.
        self._kinds: dict[tuple[tuple[str, str], ...], tuple[dict[str, None], dict[str, Node]]] = {}

    def add(self, origin: str, selector: Mapping[str, str], paths: Iterable[Node]) -> None:
        """Add paths; `selector` has `kind`, `apiVersion`, `name` and `namespace`, empty is any."""
        key = tuple((field, pattern) for field, pattern in selector.items() if pattern)
        origins, known = self._kinds.setdefault(key, ({}, {}))
        origins[origin] = None
        for path in paths:
            known.setdefault(json.dumps(path), path)

    def entries(self) -> list[Entry]:
        """Return the entries in the order of their first mention."""
        return [
            Entry(origins, {**dict(selector), "paths": one_or_list(paths.values())})
            for selector, (origins, paths) in self._kinds.items()
        ]


def imported(file: str, lines: Iterable[str], notes: Sequence[Note]) -> Imported:
    """Return the ImageSetter with `lines` as its fields; `file` is the name of what was read."""
    name = "".join(character if character.isprintable() else "?" for character in file)
    body = list(lines)
    if not body and not notes:
        notes = [Note(1, "nothing here says which images to set or where they are: give that by hand")]
    head = (
        f"# What {name} says of images; the comments name its lines.",
        f"apiVersion: {API_VERSION}",
        f"kind: {KIND}",
        "metadata:",
        "  name: set-images",
    )
    return Imported("".join(f"{line}\n" for line in (*head, *body)), tuple(notes))


def listed(field: str, entries: Sequence[Entry], comment: str = "") -> Iterator[str]:
    """Yield the lines of a list under `field`, below a comment; nothing for no entries."""
    if entries:
        yield from (f"# {line}" for line in comment.splitlines())
        yield f"{field}:"
    for origins, fields in entries:
        yield from (f"# {origin}" for origin in origins)
        yield from block([fields])


def images_to_give(why: str, entries: Sequence[Entry], *, after_others: bool = False) -> Iterator[str]:
    """Yield, as comments, entries of `images` whose new reference is not known; `why` is a sentence.

    `after_others` says that the list has begun, with entries that are whole.
    """
    if not entries:
        return
    yield f"# {why} Give each as an argument, or write it here for"
    yield f"# {_NEW_REFERENCE} and take the first # of these lines away."
    if not after_others:
        yield "# images:"
    for origins, fields in entries:
        name, *options = fields.items()
        yield from (f"# # {origin}" for origin in origins)
        if not options:
            yield f"# # --image {name[1]}={_NEW_REFERENCE}"
        lines = block([{"name": name[1], "newImage": _NEW_REFERENCE, **dict(options)}])
        yield from (f"# {line}" for line in lines)


def block(node: Block) -> Iterator[str]:
    """Yield the lines of a mapping or a list in block style."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if isinstance(value, str | bool):
                yield f"{key}: {_scalar(value)}"
            else:
                yield f"{key}:"
                indent = "  " if isinstance(value, Mapping) else ""
                yield from (f"{indent}{line}" for line in block(value))
        return
    for item in node:
        first, *others = [_scalar(item)] if isinstance(item, str | bool) else block(item)
        yield f"- {first}"
        yield from (f"  {line}" for line in others)


def one_or_list(nodes: Iterable[Node]) -> Node:
    """Return the one node that is a string as it stands, several or another as a list."""
    several = list(nodes)
    return several[0] if len(several) == 1 and isinstance(several[0], str) else several


def field_spec_path(text: str) -> str:
    """Return a kustomize path so that it is read as one here. Raises PathError."""
    wanted = field_spec.parse(text)
    for written in (text, f"/{text}"):
        with suppress(PathError):
            path = parse_path(written)
            if isinstance(path, field_spec.FieldSpecPath) and path.keys == wanted.keys:
                return written
    raise PathError("this looks like a path of another notation here: add it by hand")


def _scalar(value: str | bool) -> str:
    """Return a scalar as YAML: plain where nobody can read anything else in it, else as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if re.fullmatch(_PLAIN, value) and value.lower() not in _TYPED_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


_PLAIN: Final = r"[A-Za-z](?:[A-Za-z0-9._/*-]|:(?=[A-Za-z0-9]))*"
_TYPED_WORDS: Final = frozenset(("y", "yes", "n", "no", "true", "false", "on", "off", "null"))
