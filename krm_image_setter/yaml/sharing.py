"""Writing into a tree whose parts may be shared by anchors, aliases and merge keys.

One scalar of the source may be read at many locations. Where all of them get the same new text, the scalar
itself is edited; where they do not, the scalar says what its own location wants, and each alias or merge key
that would bring the wrong text somewhere is written out in place. So only what was asked for changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from functools import partial
from typing import Any, Final, NamedTuple

from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.errors import InputError
from krm_image_setter.yaml import scalar
from krm_image_setter.yaml.scalar import Fragment
from krm_image_setter.yaml.tree import Alias, Document, Mapping, Sequence, end_of, typed

Location = tuple[str | int, ...]
Wanted = Map[Location, list[Fragment]]


class Change(NamedTuple):
    """Put a fragment into the scalar at `location`; where there is none, add it behind the key `beside`."""

    location: Location
    fragment: Fragment
    beside: str = ""


def write(source: str, document: Document, changes: Iterable[Change]) -> list[Edit]:
    """Return the edits of `source` that make the changes, and no other.

    The fragments of one location are disjoint. Raises InputError where an alias can't be written out in place, or
    there is no room for a new key.
    """
    changes = list(changes)
    if len(changes) == 1 and not (changes[0].beside or document.aliased):  # as nearly always
        ((location, fragment, _),) = changes
        return _rewritten(source, _at(document.root, location[:-1]), location[-1], [fragment])
    wanted: dict[Location, list[Fragment]] = {}
    added: dict[tuple[Location, str], dict[str, str]] = {}
    for location, fragment, beside in changes:
        if beside and location[-1] not in _at(document.root, location[:-1]):
            added.setdefault((location[:-1], beside), {})[str(location[-1])] = fragment.text
        else:
            wanted.setdefault(location, []).append(fragment)
    for fragments in wanted.values():
        fragments.sort()
    edits: list[Edit] = []
    beside_merge: dict[Location, list[str]] = {}  # what is added where a merge key may get more pairs
    shared = _shared(document) if added and document.aliased else frozenset[int]()
    for (location, beside), pairs in added.items():
        holder = _at(document.root, location)
        if holder.written(beside) is None:
            beside_merge[location] = _pairs(holder, pairs)
        else:
            edits += _addition(source, holder, beside, pairs, is_shared=id(holder) in shared)
    if document.aliased:
        return edits + _SharedTree(source, document, wanted, beside_merge, shared).edits()
    for location, fragments in wanted.items():
        holder = _at(document.root, location[:-1])
        edits += _rewritten(source, holder, location[-1], fragments)
    return edits


def _rewritten(source: str, holder: Any, key: Any, fragments: list[Fragment]) -> list[Edit]:
    """Return the edits that put fragments into the scalar that is written in `holder` for `key`."""
    event = holder.origin(key)
    if event.value or event.style or isinstance(holder, Sequence):
        return scalar.rewrite(source, event, flow=holder.flow, fragments=fragments)
    # Nothing is written, but perhaps an anchor or a tag.
    if event.anchor is not None or event.tag is not None:
        at = len(source[: event.end_mark.index].rstrip())
    else:  # the parsers do not agree on its place
        name, _ = holder.written(key)
        colon = re.compile(_COLON).match(source, name.end_mark.index)
        if colon is None:
            raise _no_room(name)
        at = colon.end()
    return [Edit(at, at, " " + scalar.spelt(fragments[0].text, flow=holder.flow))]


def _at(node: Any, location: Location) -> Any:
    for step in location:
        node = node[step]
    return node


def _addition(source: str, holder: Any, beside: str, pairs: Map[str, str], *, is_shared: bool) -> list[Edit]:
    """Return the edits that add pairs to a mapping, behind its key `beside`."""
    key, value = holder.written(beside)
    if is_shared:
        raise _stuck(key)
    at = end_of(source, value)
    if holder.flow:
        return _added_in_flow(source, holder, at, _pairs(holder, pairs))
    return [_lines_added(source, at, pair_column(source, key), _pairs(holder, pairs))]


def pair_column(source: str, key: Any) -> int:
    """Return the column where the pairs of a block mapping begin, one of which has this key."""
    column: int = key.start_mark.column
    before = source[: key.start_mark.index].rstrip(" ")
    if before.endswith("?"):  # the key of `? key`: the next pair stands below the mark
        column -= key.start_mark.index - len(before) + 1
    return column


def _pairs(holder: Any, pairs: Map[str, str]) -> list[str]:
    """Return the source of new pairs of a mapping, in quotes where its first key is."""
    in_json = holder.flow and getattr(holder.children[0], "style", None) == '"'
    spell = scalar.quoted if in_json else partial(scalar.spelt, flow=holder.flow)
    return [f"{spell(name)}: {spell(text)}" for name, text in pairs.items()]


def _shared(document: Document) -> frozenset[int]:
    """Return the ids of the collections that are read more than once."""
    counts = Counter(map(id, _nodes(document.root)))
    return frozenset(node for node, count in counts.items() if count > 1)


def _lines_added(source: str, at: int, column: int, pairs: Iterable[str]) -> Edit:
    """Return the edit that adds pairs in a column of new lines behind the line of `at`."""
    end = source.find("\n", at)
    end = len(source) if end < 0 else end - (source[end - 1] == "\r")
    return Edit(end, end, "".join(line_break(source) + " " * column + pair for pair in pairs))


def _added_in_flow(source: str, mapping: Mapping, at: int, pairs: Iterable[str]) -> list[Edit]:
    """Return the edits that add pairs to a flow mapping at `at`; a single pair, `[a: b]`, gets its braces."""
    text = "".join(f", {pair}" for pair in pairs)
    start = scalar.content_start(source, mapping.start, len(source))
    if source[start] == "{":
        return [Edit(at, at, text)]
    return [Edit(start, start, "{"), Edit(at, at, text + "}")]


def _nodes(node: Any) -> Iterator[Any]:
    """Yield the collections of a tree, each as often as it is read."""
    yield node
    for child in node.values() if isinstance(node, Mapping) else node:
        if isinstance(child, Mapping | Sequence):
            yield from _nodes(child)


def line_break(source: str) -> str:
    """Return what ends the lines of a text."""
    # One character is found ten times as fast as two.
    return "\r\n" if "\r" in source and "\r\n" in source else "\n"


class _Child(NamedTuple):
    """A child of a collection; `written` as in tree.py; `merged` where a merge key brings it in."""

    key: str | int
    value: Any
    written: Any
    merged: bool


def _children(node: Mapping | Sequence) -> Iterator[_Child]:
    if isinstance(node, Sequence):
        for index, (value, written) in enumerate(zip(node, node.children, strict=True)):
            yield _Child(index, value, written, merged=False)
        return
    for key, value in node.items():
        yield _Child(key, value, node.origin(key), merged=node.written(key) is None)


_NOWHERE: Final[Location] = (-1,)  # of keys, and of what is in them: there nothing is ever wanted


class _SharedTree:
    """The edits of one document with aliases."""

    def __init__(
        self,
        source: str,
        document: Document,
        wanted: Wanted,
        beside_merge: Map[Location, list[str]],
        shared: frozenset[int],
    ) -> None:
        self.source = source
        self.shared = shared
        self.root = document.root
        self.wanted = wanted
        self.beside_merge = beside_merge
        self.places: dict[int, Location] = {}  # id of what is written: where that is

    def edits(self) -> list[Edit]:
        self._fill_places(self.root, ())
        return list(self._visit(self.root, ()))

    def _fill_places(self, written: Any, location: Location) -> None:
        self.places[id(written)] = location
        if location == _NOWHERE:
            for child in getattr(written, "children", ()):
                self._fill_places(child, _NOWHERE)
        elif isinstance(written, Mapping | Sequence):
            for key, _, child, merged in _children(written):
                if not merged and not isinstance(child, Alias):
                    self._fill_places(child, (*location, key))
            for name in written.children[::2] if isinstance(written, Mapping) else ():
                self._fill_places(name, _NOWHERE)

    def _want(self, event: Any, location: Location) -> str:
        text: str = event.value
        for start, end, new in reversed(self.wanted.get(location, [])):
            text = text[:start] + new + text[end:]
        return text

    def _spelt(self, event: Any, location: Location, *, flow: bool) -> str:
        """Return the source of what is wanted at `location`, where the scalar of `event` has brought its value."""
        text = self._want(event, location)
        if location not in self.wanted and not event.style and not isinstance(typed(text), str):
            return text or "null"  # a number stays one
        return scalar.spelt(text, flow=flow)

    def _visit(self, node: Mapping | Sequence, location: Location, *, copied: bool = False) -> Iterator[Edit]:
        """Yield the edits that give what is written in `node` what is wanted at and below `location`.

        In a copy an alias is written out where another anchor of its name might be nearer.
        """
        pairs: list[str] = []
        if copied and any(map(self._may_rebind, _merge_aliases(node))):
            raise _stuck(node.children[0])
        for name in node.children[::2] if isinstance(node, Mapping) else ():
            if not isinstance(name, Alias):
                continue
            # A key stays as it is.
            if self._place(name.target) in self.wanted or (copied and self._may_rebind(name)):
                key_text = self._spelt(name.target, _NOWHERE, flow=node.flow)
                yield Edit(name.start_mark.index, name.end_mark.index, key_text)
        for key, value, written, merged in _children(node):
            here = (*location, key)
            if merged:
                if self._differs(value, written, here, self._merged_from(node, str(key))):
                    pairs.append(self._pair(node, str(key), value, written, here))
            elif isinstance(written, Alias):
                differs = self._differs(value, written.target, here, self._place(written.target))
                if differs or (copied and self._may_rebind(written)):
                    yield from self._replaced(node, value, written, here)
            elif isinstance(value, Mapping | Sequence):
                yield from self._visit(value, here, copied=copied)
            elif here in self.wanted:
                yield from _rewritten(self.source, node, key, self.wanted[here])
        if location in self.beside_merge:
            if id(node) in self.shared:
                raise _stuck(node.children[0])
            pairs += self.beside_merge[location]
        if pairs:
            yield from self._inserted(node, pairs)

    def _may_rebind(self, alias: Alias) -> bool:
        target = alias.target
        name = (target.start if isinstance(target, Mapping | Sequence) else target).anchor
        return self.source.count(f"&{name}") > 1

    def _differs(self, value: Any, written: Any, here: Location, there: Location) -> bool:
        """Say whether what is wanted `here` is not what is wanted `there`, from where it would be brought."""
        if isinstance(value, Mapping | Sequence):
            return any(self._differs(v, w, (*here, k), (*there, k)) for k, v, w, _ in _children(value))
        event = written.target if isinstance(written, Alias) else written
        return self._want(event, here) != self._want(event, there)

    def _merged_from(self, node: Any, key: str) -> Location:
        """Return where a merge key of `node` brings `key` from; its own braces are no place."""
        base = next(base for base in node.merged if key in base)
        return (*self._place(base), key)

    def _place(self, written: Any) -> Location:
        """Return where something is written; in a key, or where an equal key follows, nothing is ever wanted."""
        return self.places.get(id(written), _NOWHERE)

    def _replaced(
        self, holder: Mapping | Sequence, value: Any, alias: Alias, location: Location
    ) -> Iterator[Edit]:
        """Yield the edits that write out `alias` with what is wanted at `location`."""
        start, end = alias.start_mark.index, alias.end_mark.index
        if not isinstance(value, Mapping | Sequence):
            yield Edit(start, end, self._spelt(alias.target, location, flow=holder.flow))
        elif value.flow:
            yield Edit(start, end, self._copy(value, location))
        elif holder.flow:
            raise _stuck(alias)
        else:
            column = alias.start_mark.column
            if isinstance(holder, Mapping):
                column = min(column, holder.children[0].start_mark.column + 2)
            yield Edit(start, end, "")
            yield _lines_added(self.source, end, column, [self._copy(value, location, column)])

    def _inserted(self, holder: Any, pairs: list[str]) -> list[Edit]:
        """Return the edits that add pairs behind the merge key of `holder`, where they win over it."""
        merge_key, merge_value = holder.written("<<")
        at = end_of(self.source, merge_value)
        if holder.flow:
            return _added_in_flow(self.source, holder, at, pairs)
        return [_lines_added(self.source, at, merge_key.start_mark.column, pairs)]

    def _pair(self, holder: Any, key: str, value: Any, written: Any, location: Location) -> str:
        """Return the source of a pair that says what a merge key would bring otherwise."""
        merge_key, _ = holder.written("<<")
        pair = scalar.spelt(key, flow=holder.flow) + ":"
        if isinstance(written, Alias):
            written = written.target
        column = merge_key.start_mark.column
        if not isinstance(value, Mapping | Sequence):
            pair += " " + self._spelt(written, location, flow=holder.flow)
        elif value.flow:
            pair += " " + self._copy(value, location)
        elif holder.flow:
            raise _stuck(merge_key)
        else:
            pair += line_break(self.source) + " " * (column + 2) + self._copy(value, location, column + 2)
        return pair

    def _copy(self, node: Mapping | Sequence, location: Location, column: int | None = None) -> str:
        """Return the text of `node` without anchors, saying what is wanted at `location`; a block at `column`."""
        end = end_of(self.source, node)
        start = scalar.content_start(self.source, node.start, end)
        edits = [*self._visit(node, location, copied=True), *self._anchors(node)]
        end = max([end, *(edit.end for edit in edits)])  # an alias that ends it may be written out below it
        text = apply_edits(self.source[start:end], [Edit(a - start, b - start, new) for a, b, new in edits])
        if column is None:
            return text
        shift = column - (start - self.source.rfind("\n", 0, start) - 1)
        if shift >= 0:
            return re.sub(_INNER_LINE, " " * shift, text)
        return re.sub(rf"(?<=\n) {{0,{-shift}}}", "", text)

    def _anchors(self, node: Mapping | Sequence) -> Iterator[Edit]:
        """Yield the edits that take out the anchors below `node`: in a copy they would bind anew."""
        for written in node.children:
            if isinstance(written, Alias):
                continue
            event = written.start if isinstance(written, Mapping | Sequence) else written
            if event.anchor is not None:
                at = self.source.index("&" + event.anchor, event.start_mark.index)
                end = at + 1 + len(event.anchor)
                yield Edit(at, end + (self.source[end : end + 1] == " "), "")
            if isinstance(written, Mapping | Sequence):
                yield from self._anchors(written)


def _merge_aliases(node: Mapping | Sequence) -> list[Alias]:
    """Return the aliases that stand under a merge key of `node`."""
    pair = node.written("<<") if isinstance(node, Mapping) and node.merged else None
    if pair is None:
        return []
    return [one for one in getattr(pair[1], "children", [pair[1]]) if isinstance(one, Alias)]


_COLON: Final = r"(?:\s|#[^\r\n]*)*+:"
_INNER_LINE: Final = r"(?<=\n)(?=[^\r\n])"


def _stuck(written: Any) -> InputError:
    return _error(
        written,
        "an image to set comes from the block of an anchor that something else uses too: write it out here",
    )


def _no_room(written: Any) -> InputError:
    return _error(written, "there is no room to write what belongs beside this: write it out in lines")


def _error(written: Any, message: str) -> InputError:
    mark = written.start_mark
    return InputError(message, line=mark.line + 1, column=mark.column + 1)
