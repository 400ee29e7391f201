"""Write YAML: compute the edits of a source for changes of its tree, and serialize data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Map
from functools import lru_cache, partial

from krm_image_setter.edits import Edit
from krm_image_setter.line_breaks import BREAK, BREAKS, line_break, line_end
from krm_image_setter.typed import TYPE_CHECKING, Any, TypeAlias, cast
from krm_image_setter.yaml import scalar, tree
from krm_image_setter.yaml.stream import error_at
from krm_image_setter.yaml.tree import Collection, Fragment, Location, Mapping, Sequence

if TYPE_CHECKING:
    from types import ModuleType

    from krm_image_setter.yaml.tree import Change, ScalarEvent, Written

#: Maps the location of a mapping to a dict. The dict maps an existing key to the new pairs after this key.
Added: TypeAlias = dict[Location, dict[str, dict[str, str]]]


def write(source: str, root: Collection, changes: Iterable[Change]) -> list[Edit]:
    """Compute the edits of `source` that make the changes, and no others, in a document without aliases.

    The fragments at one location must be disjoint. Raises InputError if a change cannot be made in place.
    """
    changes = list(changes)
    # Most documents have one change, for which this shortcut is faster than the general way.
    if len(changes) == 1 and not changes[0].beside:
        ((location, fragment, *_),) = changes
        return rewritten(source, tree.at(root, location[:-1]), location[-1], [fragment])
    edits: list[Edit] = []
    for location, fragment, _, is_key in changes:
        if is_key:
            holder = tree.at(root, location[:-1])
            key = cast("ScalarEvent", pair(holder, str(location[-1]))[0])
            edits += rewrite_scalar(source, key, flow=holder.flow, fragments=[fragment])
    wanted, added = by_location(root, (change for change in changes if not change.is_key))
    for location, by_key in added.items():
        holder = tree.at(root, location)
        for beside, texts in by_key.items():
            edits += pairs_after(source, holder, beside, new_pairs(holder, texts))
    for location, fragments in wanted.items():
        edits += rewritten(source, tree.at(root, location[:-1]), location[-1], fragments)
    return edits + closing(source, root, edits)


def by_location(root: Collection, changes: Iterable[Change]) -> tuple[dict[Location, list[Fragment]], Added]:
    """Return the fragments of each scalar in order, and the new pairs of each mapping, by location."""
    wanted: dict[Location, list[Fragment]] = {}
    added: Added = {}
    for location, fragment, beside, _ in changes:
        if beside and location[-1] not in tree.at(root, location[:-1]):
            added.setdefault(location[:-1], {}).setdefault(beside, {})[str(location[-1])] = fragment.text
        else:
            wanted.setdefault(location, []).append(fragment)
    for fragments in wanted.values():
        fragments.sort()
    return wanted, added


def rewritten(source: str, holder: Mapping | Sequence, key: str | int, fragments: list[Fragment]) -> list[Edit]:
    """Return the edits that write fragments into the scalar of a key or index of `holder`."""
    event = cast("ScalarEvent", holder.origin(key))  # type: ignore[arg-type]
    if event.value and not event.style and not isinstance(tree.typed(event.value), str) and _is_json(holder):
        start, end = scalar.content_span(source, event)  # in JSON, the new string needs quotes
        return [Edit(start, end, scalar.quoted(scalar.changed(event.value, fragments)))]
    if event.value or event.style or isinstance(holder, Sequence):
        return rewrite_scalar(source, event, flow=holder.flow, fragments=fragments)
    # The value is empty, but it can have an anchor or a tag.
    if event.anchor is not None or event.tag is not None:
        end = tree.trimmed_end(source, event.end_mark.index)
    else:
        # Search for the colon, because the two parsers report different positions for an empty value.
        name, _ = pair(holder, str(key))
        colon = re.compile(tree.COLON).match(source, cast("ScalarEvent", name).end_mark.index)
        if colon is None:
            message = f'cannot set the value of "{key}" because there is no colon after the key; add the colon'
            raise error_at(source, tree.start_mark(name).index, message)
        end = colon.end()
    return [Edit(end, end, " " + scalar.serialized(fragments[0].text, flow=holder.flow))]


def rewrite_scalar(source: str, event: ScalarEvent, *, flow: bool, fragments: Iterable[Fragment]) -> list[Edit]:
    """Return the edits of `source` that write `fragments` into the value of a scalar.

    `flow` is true if the scalar is in a `{…}` or `[…]`. The fragments are disjoint and in order. The edits do not
    change the style, the anchor, the tag and the text between the fragments. If the style cannot express the new
    value, the scalar is replaced by a scalar in double quotes.
    """
    value = event.value
    start, end = scalar.content_span(source, event)
    fragments = list(fragments)
    edits: list[Edit] | None = None
    if event.style or scalar.is_plain(scalar.changed(value, fragments), flow=flow):
        # Most scalars are plain and in one line.
        if source[start:end] == value:
            return [Edit(start + a, start + b, text) for a, b, text in fragments]
        edits = _style_of(event).rewrite(source, start, end, value, fragments)
        while event.style in ("|", ">") and source[end - 1] in BREAKS:
            end -= 1
    return [Edit(start, end, scalar.quoted(scalar.changed(value, fragments)))] if edits is None else edits


def _style_of(event: ScalarEvent) -> ModuleType:
    # Import these modules late, because most runs have only plain scalars in one line.
    from krm_image_setter.yaml import block_scalar, flow_scalar  # noqa: PLC0415

    return block_scalar if event.style in ("|", ">") else flow_scalar


def line_starts(source: str, event: ScalarEvent) -> list[int]:
    """Return, for each line of a scalar's value, an offset in the source line where the line starts."""
    if event.style == "|":  # each line of the source after the header is a line of the value
        return [match.end() for match in re.compile(BREAK).finditer(source, *scalar.content_span(source, event))]
    starts = [0, *(match.end() for match in re.finditer(BREAK, event.value))]
    return list(map(source_offsets(source, event), starts))


def source_offsets(source: str, event: ScalarEvent) -> Callable[[int], int]:
    """Return a function that converts an offset in a scalar's value to the offset in the source."""
    start, end = scalar.content_span(source, event)
    units = _style_of(event).units(source, start, end, event.value)
    return lambda index: start if units is None else units.span(index)[0]


def pair(mapping: Mapping, key: str) -> tuple[Written, Written]:
    """Return the nodes of a key and its value. If a merge key provides the key, return those of the merge key."""
    return mapping.written(key) or mapping.written("<<")  # type: ignore[return-value]


def pairs_after(source: str, holder: Mapping, key: str, pairs: list[str]) -> list[Edit]:
    """Return the edits that add serialized pairs to a mapping after an existing key.

    If the existing key comes from a merge key, the pairs are added after the merge key. They override its pairs.
    """
    name, value = pair(holder, key)
    if not holder.flow:
        return lines_after(source, value, pair_column(source, name), pairs)
    offset = tree.content_end(source, value)
    text = "".join(f", {pair}" for pair in pairs)
    start = scalar.content_start(source, holder.start, len(source))
    if source[start] == "{":
        return [Edit(offset, offset, text)]
    # A mapping with one pair can be written as `[a: b]`. More pairs need braces.
    return [Edit(start, start, "{"), Edit(offset, offset, text + "}")]


def pair_column(source: str, key: Written) -> int:
    """Return the column in which the pairs of a block mapping start. `key` is one of its keys."""
    mark = tree.start_mark(key)
    before = source[mark.index - mark.column : mark.index].rstrip(" ")
    # After `? key`, the next pair starts in the column of the question mark.
    return len(before) - 1 if before.endswith("?") else mark.column


def _is_json(holder: Mapping | Sequence) -> bool:
    """Return whether a collection is a mapping in JSON: a mapping in flow style whose first key is quoted."""
    if not isinstance(holder, Mapping) or not holder.flow:
        return False
    first = holder.written(next(iter(holder), ""))  # not `children`, which can be thousands
    return first is not None and getattr(first[0], "style", None) == '"'


def new_pairs(holder: Mapping, pairs: Map[str, str]) -> list[str]:
    """Return the source of new pairs of a mapping. The pairs are quoted if the first key of the mapping is."""
    serialized = scalar.quoted if _is_json(holder) else partial(scalar.serialized, flow=holder.flow)
    return [f"{serialized(name)}: {serialized(text)}" for name, text in pairs.items()]


def lines_added(source: str, offset: int, column: int, lines: Iterable[str]) -> Edit:
    """Return the edit that adds lines, indented to `column`, after the line that contains `offset`."""
    end = line_end(source, offset)
    start_of_line = line_break(source, offset) + " " * column
    return Edit(end, end, "".join(start_of_line + line for line in lines))


def lines_after(source: str, written: Written, column: int, lines: Iterable[str]) -> list[Edit]:
    """Return the edits that add lines, indented to `column`, after a node. They do not change the node's value."""
    last = last_block_scalar(written)
    if last is not None and "+" in block_header(source, last) and source[last.end_mark.index - 1] in BREAKS:
        # Add the lines after the empty lines, which are part of the scalar.
        end = last.end_mark.index
        ending = line_break(source, end)
        return [Edit(end, end, "".join(f"{' ' * column}{line}{ending}" for line in lines))]
    return [lines_added(source, tree.content_end(source, written), column, lines)]


def closing(source: str, root: Written, edits: Iterable[Edit]) -> list[Edit]:
    """Return the edit that keeps the value of a block scalar at the end of the text, if `edits` add lines there.

    If a text does not end with a line break, libyaml and go-yaml read the value of the scalar without a line
    break. After lines are added, the value has no line break only if there is a `-` in the scalar's header.
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


def last_block_scalar(written: Written) -> ScalarEvent | None:
    """Return the block scalar at the end of a node; None if a node does not end with a block scalar."""
    while isinstance(written, Collection) and not written.flow:
        written = written.children[-1]
    return cast("ScalarEvent", written) if getattr(written, "style", None) in ("|", ">") else None


def block_header(source: str, event: ScalarEvent) -> str:
    """Return the header of a block scalar: its style, indentation indicator and chomping indicator."""
    match = re.compile(r"[|>][-+0-9]*").match(source, scalar.content_start(source, event, event.end_mark.index))
    return match[0] if match else ""


def block(data: Any, indent: str = "", line_break: str = "\n") -> str:
    """Serialize a mapping or list in block style. Each line starts with `indent`.

    The keys must not need quotes. The items of lists must be strings, mappings or lists.
    """
    inner = indent + "  "
    if isinstance(data, list):
        items = (
            block(item, inner, line_break).removeprefix(inner)
            if isinstance(item, dict | list)
            else _in_block(item) + line_break
            for item in data
        )
        return "".join([f"{indent}- {item}" for item in items])
    text = ""
    for key, value in data.items():
        if isinstance(value, str):
            text += f"{indent}{key}: {_in_block(value)}{line_break}"
        elif isinstance(value, dict | list):
            nested = block(value, inner if isinstance(value, dict) else indent, line_break)
            text += f"{indent}{key}:{line_break}{nested}"
        else:
            text += f"{indent}{key}: {str(value).lower()}{line_break}"
    return text


@lru_cache(maxsize=1024)
def _in_block(text: str) -> str:
    return scalar.serialized(text, flow=False)


def flow(data: Any) -> str:
    """Serialize data in flow style. The keys of mappings must not need quotes."""
    if isinstance(data, dict):
        return "{" + ", ".join([f"{key}: {flow(value)}" for key, value in data.items()]) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(flow, data)) + "]"
    return scalar.serialized(data, flow=True) if isinstance(data, str) else str(data).lower()
