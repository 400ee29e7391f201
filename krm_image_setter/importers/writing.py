"""Writes an ImageSetter for an importer, as YAML. Comments refer to lines of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.importers import Imported, Note
from krm_image_setter.paths import PathError, field_spec, parse_path
from krm_image_setter.typed import Final, Record, TypeAlias
from krm_image_setter.yaml import writer

#: The value of a field in the ImageSetter. Its strings are printable.
Node: TypeAlias = "str | bool | Sequence[Node] | Mapping[str, Node]"

_NEW_REFERENCE: Final = "NEW-REFERENCE"


class Entry(Record):
    """An entry of a list in the ImageSetter: its fields, and its locations in the source."""

    origins: Iterable[str]
    fields: Mapping[str, Node]


class Kinds:
    """Collects the entries of `kinds`. Each selector becomes one entry with all its paths."""

    def __init__(self) -> None:
        # The keys are selectors. Each value contains the origins, and the paths by their serialized form.
        self._kinds: dict[tuple[tuple[str, str], ...], tuple[dict[str, None], dict[str, Node]]] = {}

    def add(self, origin: str, selector: Mapping[str, str], paths: Iterable[Node]) -> None:
        """Add paths for a selector: patterns for `kind`, `apiVersion`, `name` and `namespace`; empty means any."""
        key = tuple((field, pattern) for field, pattern in selector.items() if pattern)
        origins, known = self._kinds.setdefault(key, ({}, {}))
        origins[origin] = None
        for path in paths:
            known.setdefault(writer.flow(path), path)

    def entries(self) -> list[Entry]:
        """Return the entries of `kinds`, in the order in which their selectors were added."""
        return [
            Entry(origins, {**dict(selector), "paths": one_or_list(paths.values())})
            for selector, (origins, paths) in self._kinds.items()
        ]


def imported(file: str, lines: Iterable[str], notes: Sequence[Note]) -> Imported:
    """Return the ImageSetter with the fields in `lines`. A comment contains `file`, the name of the source."""
    name = "".join(character if character.isprintable() else "?" for character in file)
    body = list(lines)
    if not body and not notes:
        notes = [Note(1, "no images or image paths found in this file")]
    head = (
        f"# Imported from {name}; comments contain the line of the source.",
        f"apiVersion: {API_VERSION}",
        f"kind: {KIND}",
        "metadata:",
        "  name: set-images",
    )
    return Imported("".join(f"{line}\n" for line in (*head, *body)), tuple(notes))


def listed(field: str, entries: Sequence[Entry], comment: str = "") -> Iterator[str]:
    """Yield the lines of the list `field`, with a comment above it. If there are no entries, yield nothing."""
    if entries:
        yield from (f"# {line}" for line in comment.splitlines())
        yield f"{field}:"
    for origins, fields in entries:
        yield from (f"# {origin}" for origin in origins)
        yield from block([fields])


def images_to_complete(why: str, entries: Sequence[Entry], *, after_others: bool = False) -> Iterator[str]:
    """Yield `images` entries as comments, because their new references are not known. `why` is the reason.

    If `after_others` is true, the list `images` already contains entries.
    """
    if not entries:
        return
    yield f"# {why} Pass each as an argument, or replace"
    yield f"# {_NEW_REFERENCE} below and remove the first # of these lines."
    if not after_others:
        yield "# images:"
    for origins, fields in entries:
        name, *options = fields.items()
        yield from (f"# # {origin}" for origin in origins)
        if not options:
            yield f"# # --image {name[1]}={_NEW_REFERENCE}"
        lines = block([{"name": name[1], "newImage": _NEW_REFERENCE, **dict(options)}])
        yield from (f"# {line}" for line in lines)


def block(node: Sequence[Node] | Mapping[str, Node]) -> list[str]:
    """Return the YAML lines of a mapping or a list in block style."""
    return writer.block(node).removesuffix("\n").split("\n")


def one_or_list(nodes: Iterable[Node]) -> Node:
    """Return the string if `nodes` contains only one string. Otherwise return the nodes as a list."""
    items = list(nodes)
    return items[0] if len(items) == 1 and isinstance(items[0], str) else items


def field_spec_path(text: str) -> str:
    """Return a path of kustomize in a form that `parse_path` reads as a fieldSpec path. Raises PathError."""
    wanted = field_spec.parse(text)
    for written in (text, f"/{text}"):
        with suppress(PathError):
            path = parse_path(written)
            if isinstance(path, field_spec.FieldSpecPath) and path.keys == wanted.keys:
                return written
    raise PathError("the path would be read in another notation; rewrite it as one such as {.spec.image}")
