"""Writing: changes of a tree into its source, as new texts of scalars and new keys; and YAML from data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Map
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, TypeAlias

from krm_image_setter.edits import Edit
from krm_image_setter.errors import InputError
from krm_image_setter.line_breaks import BREAKS, line_break, line_end
from krm_image_setter.yaml import scalar
from krm_image_setter.yaml.tree import (
    Alias,
    Change,
    Document,
    Fragment,
    Location,
    Mapping,
    Sequence,
    content_end,
    start_mark,
    trimmed_end,
)

#: New pairs, by the location of the mapping and the key that they follow.
Added: TypeAlias = dict[Location, dict[str, dict[str, str]]]


class Kept(NamedTuple):
    """An alias that keeps the old text at `location` because only the text of its anchor changes."""

    alias: Alias
    location: Location


class Written(NamedTuple):
    """The edits that make changes, and the aliases that keep an old text."""

    edits: list[Edit]
    kept: list[Kept]


def write(source: str, document: Document, changes: Iterable[Change]) -> Written:
    """Return the edits of `source` that make the changes, and no other.

    The fragments of one location are disjoint. Raises InputError if there is no room for a new key.
    """
    changes = list(changes)
    if len(changes) == 1 and not (changes[0].beside or document.aliased):  # as nearly always
        ((location, fragment, _),) = changes
        return Written(rewritten(source, at(document.root, location[:-1]), location[-1], [fragment]), [])
    wanted: dict[Location, list[Fragment]] = {}
    added: Added = {}
    for location, fragment, beside in changes:
        if beside and location[-1] not in at(document.root, location[:-1]):
            added.setdefault(location[:-1], {}).setdefault(beside, {})[str(location[-1])] = fragment.text
        else:
            wanted.setdefault(location, []).append(fragment)
    for fragments in wanted.values():
        fragments.sort()
    if document.aliased:
        from krm_image_setter.yaml import aliases  # noqa: PLC0415  (few documents have any)

        edits, kept = aliases.write(source, document.root, wanted, added)
    else:
        edits, kept = [], []
        for location, by_key in added.items():
            edits += additions(source, at(document.root, location), by_key)
        for location, fragments in wanted.items():
            edits += rewritten(source, at(document.root, location[:-1]), location[-1], fragments)
    return Written(edits + closing(source, document.root, edits), kept)


def at(node: Any, location: Location) -> Any:
    """Return the value at a location below `node`."""
    for step in location:
        node = node[step]
    return node


def rewritten(source: str, holder: Any, key: Any, fragments: list[Fragment]) -> list[Edit]:
    """Return the edits that put fragments into the scalar that is written in `holder` for `key`."""
    event = holder.origin(key)
    if event.value or event.style or isinstance(holder, Sequence):
        return scalar.rewrite(source, event, flow=holder.flow, fragments=fragments)
    # Nothing is written, but perhaps an anchor or a tag.
    if event.anchor is not None or event.tag is not None:
        end = trimmed_end(source, event.end_mark.index)
    else:  # the parsers do not agree on its place
        name, _ = holder.written(key)
        colon = re.compile(COLON).match(source, name.end_mark.index)
        if colon is None:
            raise _error(name, "there is no room to write what belongs beside this: write it out in lines")
        end = colon.end()
    return [Edit(end, end, " " + scalar.serialized(fragments[0].text, flow=holder.flow))]


#: What may stand between a key and its colon, as a pattern.
COLON: Final = rf"(?:\s|#[^{BREAKS}]*)*+:"


def additions(source: str, holder: Any, by_key: Map[str, Map[str, str]]) -> list[Edit]:
    """Return the edits that add pairs to a mapping, each group of them after a key that it has."""
    edits: list[Edit] = []
    for beside, texts in by_key.items():
        # What a merge key brings is not written here: new pairs go after the merge key, and win over it.
        name, value = holder.written(beside) or holder.written("<<")
        pairs = new_pairs(holder, texts)
        if holder.flow:
            edits += added_in_flow(source, holder, content_end(source, value), pairs)
        else:
            edits += lines_after(source, value, pair_column(source, name), pairs)
    return edits


def pair_column(source: str, key: Any) -> int:
    """Return the column where the pairs of a block mapping begin, one of which has this key."""
    mark = start_mark(key)
    column: int = mark.column
    before = source[mark.index - column : mark.index].rstrip(" ")
    if before.endswith("?"):  # the key of `? key`: the next pair stands below the mark
        column = len(before) - 1
    return column


def new_pairs(holder: Any, pairs: Map[str, str]) -> list[str]:
    """Return the source of new pairs of a mapping, in quotes if its first key is."""
    in_json = holder.flow and getattr(holder.children[0], "style", None) == '"'
    spell = scalar.quoted if in_json else partial(scalar.serialized, flow=holder.flow)
    return [f"{spell(name)}: {spell(text)}" for name, text in pairs.items()]


def lines_added(source: str, position: int, column: int, lines: Iterable[str]) -> Edit:
    """Return the edit that adds lines in a column below the line of `position`."""
    end = line_end(source, position)
    start_of_line = line_break(source, position) + " " * column
    return Edit(end, end, "".join(start_of_line + line for line in lines))


def lines_after(source: str, written: Any, column: int, lines: Iterable[str]) -> list[Edit]:
    """Return the edits that add lines in a column below what is written, whose value stays the same."""
    last = last_block_scalar(written)
    if last is not None and "+" in block_header(source, last) and source[last.end_mark.index - 1] in BREAKS:
        end = last.end_mark.index  # the empty lines before this are part of it
        ending = line_break(source, end)
        return [Edit(end, end, "".join(f"{' ' * column}{line}{ending}" for line in lines))]
    return [lines_added(source, content_end(source, written), column, lines)]


def closing(source: str, root: Any, edits: Iterable[Edit]) -> list[Edit]:
    """Return the edit that keeps the value of the last block scalar, if `edits` add lines after the text.

    Without a line break at the end of the text there is none in the value either, as libyaml and go-yaml read it;
    `-` in its header says the same.
    """
    last = last_block_scalar(root)
    if last is None or source[last.end_mark.index - 1] in BREAKS:
        return []
    header = block_header(source, last)
    start = scalar.content_start(source, last, last.end_mark.index)
    end = start + len(header)
    adds_lines = any(edit.start == len(source) for edit in edits)
    is_replaced = any(edit.start <= start and end <= edit.end for edit in edits)
    return [Edit(start, end, re.sub("[-+]", "", header) + "-")] if adds_lines and not is_replaced else []


def last_block_scalar(written: Any) -> Any:
    """Return the event of the block scalar that ends what is written, or None."""
    while isinstance(written, Mapping | Sequence) and not written.flow:
        written = written.children[-1]
    return written if getattr(written, "style", None) in ("|", ">") else None


def block_header(source: str, event: Any) -> str:
    """Return the header of a block scalar: its style, and how it is indented and ends."""
    match = re.compile(r"[|>][-+0-9]*").match(source, scalar.content_start(source, event, event.end_mark.index))
    return match[0] if match else ""


def added_in_flow(source: str, mapping: Mapping, position: int, pairs: Iterable[str]) -> list[Edit]:
    """Return the edits that add pairs to a flow mapping; a single pair, `[a: b]`, gets its braces."""
    text = "".join(f", {pair}" for pair in pairs)
    start = scalar.content_start(source, mapping.start, len(source))
    if source[start] == "{":
        return [Edit(position, position, text)]
    return [Edit(start, start, "{"), Edit(position, position, text + "}")]


def cannot_edit(written: Any) -> InputError:
    """Return the error for a place that an image comes from, but that something else uses too."""
    message = "an image to set comes from the block of an anchor that something else uses too: write it out here"
    return _error(written, message)


def _error(written: Any, message: str) -> InputError:
    mark = start_mark(written)
    return InputError(message, line=mark.line + 1, column=mark.column + 1)


def block(data: Any, indent: str = "", line_break: str = "\n") -> str:
    """Serialize a mapping or list in block style, each line after `indent`. Its keys must not need quotes."""
    inner = indent + "  "
    if isinstance(data, list):
        items = (
            block(item, inner, line_break).removeprefix(inner)
            if isinstance(item, dict | list)
            else _scalar(item, flow=False) + line_break
            for item in data
        )
        return "".join(f"{indent}- {item}" for item in items)
    text = ""
    for key, value in data.items():
        if isinstance(value, dict | list):
            nested = block(value, inner if isinstance(value, dict) else indent, line_break)
            text += f"{indent}{key}:{line_break}{nested}"
        else:
            text += f"{indent}{key}: {_scalar(value, flow=False)}{line_break}"
    return text


def flow(data: Any) -> str:
    """Serialize data in flow style. Its keys must not need quotes."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(flow, data)) + "]"
    return _scalar(data, flow=True)


@lru_cache(maxsize=1024, typed=True)  # most values occur in many results
def _scalar(value: str | int, *, flow: bool) -> str:
    return scalar.serialized(value, flow=flow) if isinstance(value, str) else str(value).lower()
