"""Writing into a document with anchors, aliases and merge keys.

One scalar of the source can be read at many locations. If all of them get the same new text, the scalar itself
is edited. Otherwise the scalar gets the text of its own location, and each alias or merge key that would bring a
wrong text somewhere is replaced by a copy. So only what was asked for changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from collections.abc import Mapping as Map
from typing import Any, Final, NamedTuple

from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.line_breaks import BREAK, BREAKS, line_break, line_end, line_start
from krm_image_setter.yaml import scalar
from krm_image_setter.yaml.tree import Alias, Fragment, Location, Mapping, Sequence, content_end, start_mark, typed
from krm_image_setter.yaml.writer import (
    Added,
    Kept,
    Written,
    added_in_flow,
    additions,
    block_header,
    cannot_edit,
    last_block_scalar,
    lines_added,
    lines_after,
    new_pairs,
    pair_column,
    rewritten,
)

# The location of what has none: keys, what is in them, and mappings directly under a merge key. There, nothing is
# ever wanted.
_NOWHERE: Final[Location] = (-1,)


def write(source: str, root: Any, wanted: Map[Location, list[Fragment]], added: Added) -> Written:
    """Return the edits that put the `wanted` fragments into the scalars at their locations, and add pairs.

    Raises InputError if an alias must be replaced by a copy and cannot be.
    """
    writer = _Writer(source, root, wanted, added)
    return Written(writer.edits(), list(writer.kept.values()))


def replaced(source: str, root: Any, targets: Iterable[Any]) -> list[Edit]:
    """Return the edits that put copies, in one line each, in the place of the aliases of `targets`."""
    writer = _Writer(source, root, {}, {})
    ids = set(map(id, targets))
    return [
        Edit(alias.start_mark.index, alias.end_mark.index, writer.in_flow(alias.target, _NOWHERE))
        for alias in _aliases_in(root)
        if id(alias.target) in ids
    ]


def in_flow(source: str, written: Any, *, in_json: bool = False) -> str:
    """Return what is written in one line of flow style, without comments, anchors and aliases, or in JSON."""
    writer = _Writer(source, written, {}, {})
    writer.in_json = in_json
    return writer.in_flow(written, _NOWHERE)


def _aliases_in(written: Any) -> Iterator[Alias]:
    if isinstance(written, Alias):
        yield written
    for child in written.children if isinstance(written, Mapping | Sequence) else ():
        yield from _aliases_in(child)


class _Child(NamedTuple):
    """A child of a collection; `written` as in tree.py; `base` is the mapping that a merge key brings it from."""

    key: str | int
    value: Any
    written: Any
    base: Mapping | None = None


def _children(node: Mapping | Sequence) -> Iterator[_Child]:
    if isinstance(node, Sequence):
        for index, (value, written) in enumerate(zip(node, node.children, strict=True)):
            yield _Child(index, value, written)
        return
    for key, value in node.items():
        base = None if node.written(key) else node.base_of(key)
        yield _Child(key, value, node.origin(key), base)


def _unlocated(node: Mapping | Sequence) -> Iterator[tuple[Any, bool]]:
    """Yield the aliases and collections that are written in a node and at no location, and whether each is a key.

    They are keys, values of such keys and of a key that follows again, and mappings directly under a merge key.
    """
    if isinstance(node, Sequence):
        return
    for name, value in zip(node.children[::2], node.children[1::2], strict=True):
        text = getattr(name.target if isinstance(name, Alias) else name, "value", None)
        others: list[Any] = []
        if text == "<<" and node.merged:
            bases = value.children if isinstance(value, Sequence) else [value]
            others = [base for base in bases if not isinstance(base, Alias)]
        elif text is None or node.written(text) != (name, value):
            others = [value]
        if isinstance(name, Mapping | Sequence | Alias):
            yield name, True
        yield from ((other, False) for other in others if isinstance(other, Mapping | Sequence | Alias))


class _Writer:
    """The edits of one document with aliases, and in `kept` the aliases that keep an old text, by id."""

    def __init__(self, source: str, root: Any, wanted: Map[Location, list[Fragment]], added: Added) -> None:
        self.source = source
        self.root = root
        self.wanted = wanted
        self.added = added
        self.kept: dict[int, Kept] = {}
        self.in_json = False  # whether copies are JSON
        # Where something changes at or below.
        self._changing = {location[:end] for location in (*wanted, *added) for end in range(len(location) + 1)}
        self._homes: dict[int, Location] = {}  # by the id of what is written: where that is
        self._anchor_counts = Counter(re.findall(_ANCHOR, source))

    def edits(self) -> list[Edit]:
        """Return the edits, each once; the order is not that of the source."""
        self._find_homes(self.root, ())
        return _joined(self._visit(self.root, (), 0))

    def _find_homes(self, written: Any, location: Location) -> None:
        self._homes[id(written)] = location
        if not isinstance(written, Mapping | Sequence):
            return
        if location == _NOWHERE:
            inside = [(child, _NOWHERE) for child in written.children]
        else:
            inside = [(child.written, (*location, child.key)) for child in _children(written) if not child.base]
            inside += [(name, _NOWHERE) for name in written.children[::2] if isinstance(written, Mapping)]
            inside += [(other, _NOWHERE) for other, _ in _unlocated(written)]
        for child, place in inside:
            if not isinstance(child, Alias):
                self._find_homes(child, place)

    def _home(self, written: Any) -> Location:
        return self._homes.get(id(written), _NOWHERE)

    def _visit(
        self, node: Mapping | Sequence, location: Location, indent: int, *, copied: bool = False
    ) -> Iterator[Edit]:
        """Yield the edits that give what is written in `node` what is wanted at and below `location`.

        `indent` is the least column of a line in a flow collection here. In a copy, an alias is replaced if
        another anchor of its name could be nearer.
        """
        if not node.flow:
            indent = start_mark(node.children[0]).column + isinstance(node, Mapping)
        for written, is_key in _unlocated(node):
            if not isinstance(written, Alias):
                yield from self._visit(written, _NOWHERE, indent, copied=copied)
            elif self._must_replace(written, _NOWHERE, copied=copied):
                yield from self._replaced(node, written, _NOWHERE, indent, is_key=is_key)
        pairs: list[str] = []
        merged = {id(alias.target): alias for alias in _merge_aliases(node)} if self._changing else {}
        copied_bases = yield from self._merge_copies(merged.values(), location)
        for key, value, written, base in _children(node):
            here = (*location, key)
            if base is not None:
                there = _NOWHERE if id(base) in copied_bases else (*self._home(base), key)
                if self._differs(value, written, here, there):
                    pairs.append(self._pair(node, str(key), written, here, indent))
                    if here not in self._changing and id(base) in merged:
                        self.kept[id(merged[id(base)])] = Kept(merged[id(base)], here)
            elif isinstance(written, Alias):
                if self._must_replace(written, here, copied=copied):
                    yield from self._replaced(node, written, here, indent)
            elif isinstance(value, Mapping | Sequence):
                yield from self._visit(value, here, indent, copied=copied)
            elif here in self.wanted:
                yield from rewritten(self.source, node, key, self.wanted[here])
        holder: Any = node
        for beside, texts in self.added.get(location, {}).items():
            if holder.written(beside):
                yield from additions(self.source, holder, {beside: texts})
            else:
                pairs += new_pairs(holder, texts)
        if pairs:
            yield from self._added_after_merge(node, pairs)

    def _merge_copies(self, aliases: Iterable[Alias], location: Location) -> Generator[Edit, None, set[int]]:
        """Yield the edits for aliases under a merge key whose mappings get new pairs, and return their ids.

        The pairs would come in with the mapping, so a copy without them takes the place of the alias.
        """
        ids: set[int] = set()
        for alias in aliases:
            bases = alias.target if isinstance(alias.target, Sequence) else [alias.target]
            if any(self._home(base) in self.added for base in bases):
                ids.update(map(id, bases))
                yield Edit(alias.start_mark.index, alias.end_mark.index, self.in_flow(alias.target, _NOWHERE))
                self.kept[id(alias)] = Kept(alias, location)
        return ids

    def _must_replace(self, alias: Alias, here: Location, *, copied: bool) -> bool:
        if self._differs(alias.target, alias.target, here, self._home(alias.target)):
            if here not in self._changing:
                self.kept[id(alias)] = Kept(alias, here)
            return True
        return copied and self._is_reused(alias)

    def _is_reused(self, alias: Alias) -> bool:
        """Return whether there can be several anchors of this name; longer names can count too."""
        match = re.match(_NAME, alias.name)
        return match is None or self._anchor_counts[match[0]] > 1

    def _differs(self, value: Any, written: Any, here: Location, there: Location) -> bool:
        """Return whether what is wanted `here` differs from what is wanted `there`, where it would come from."""
        if here not in self._changing and there not in self._changing:
            return False
        if isinstance(value, Mapping | Sequence):
            return self.added.get(here) != self.added.get(there) or any(
                self._differs(child.value, child.written, (*here, child.key), (*there, child.key))
                for child in _children(value)
            )
        event = written.target if isinstance(written, Alias) else written
        return self._text_at(event, here) != self._text_at(event, there)

    def _text_at(self, event: Any, location: Location) -> str:
        return scalar.changed(event.value, self.wanted.get(location, ()))

    def _replaced(
        self, holder: Any, alias: Alias, location: Location, indent: int, *, is_key: bool = False
    ) -> Iterator[Edit]:
        """Yield the edits that put in the place of an alias what is wanted at `location`."""
        node, start, end = alias.target, alias.start_mark.index, alias.end_mark.index
        if not isinstance(node, Mapping | Sequence):
            yield Edit(start, end, self._scalar(node, location, flow=holder.flow))
        elif node.flow and not is_key:
            yield Edit(start, end, self._flow_copy(node, location, indent))
        elif holder.flow or is_key or not self._fits_before(node, end):
            yield Edit(start, end, self.in_flow(node, location))
        else:
            column = alias.start_mark.column
            if isinstance(holder, Mapping):
                column = min(column, start_mark(holder.children[0]).column + 2)
            rest = self.source[end : line_end(self.source, end)]
            blanks = len(rest) - len(rest.lstrip(" \t"))  # a tab after a dash would be an error
            yield Edit(start, end + blanks * ("\t" in rest[:blanks]), self._tag(node.start).rstrip())
            yield lines_added(self.source, end, column, [self._block_copy(node, location, column)])

    def _added_after_merge(self, node: Any, pairs: list[str]) -> list[Edit]:
        """Return the edits that add pairs after the merge key of `node`, where they win over it."""
        name, value = node.written("<<")
        if node.flow:
            return added_in_flow(self.source, node, content_end(self.source, value), pairs)
        return lines_after(self.source, value, pair_column(self.source, name), pairs)

    def _pair(self, holder: Any, key: str, written: Any, location: Location, indent: int) -> str:
        """Return the source of a pair that says what a merge key would bring otherwise."""
        name, value = holder.written("<<")
        node = written.target if isinstance(written, Alias) else written
        pair = scalar.serialized(key, flow=holder.flow) + ":"
        if not isinstance(node, Mapping | Sequence):
            return f"{pair} {self._scalar(node, location, flow=holder.flow)}"
        if node.flow:
            return f"{pair} {self._flow_copy(node, location, indent)}"
        if holder.flow or not self._fits_before(node, content_end(self.source, value)):
            return f"{pair} {self.in_flow(node, location)}"
        column = pair_column(self.source, name) + 2
        tag = f" {self._tag(node.start)}".rstrip()
        return f"{pair}{tag}{line_break(self.source)}{' ' * column}{self._block_copy(node, location, column)}"

    def _fits_before(self, node: Any, position: int) -> bool:
        """Return whether a copy of a block can stand in lines of its own after the line of `position`.

        A block scalar at its end can take in empty lines that follow, and gains a line break if it had none.
        """
        if not self._can_be_copied(node):
            return False
        last = node
        while isinstance(last, Mapping | Sequence) and not last.flow:
            last = last.children[-1]
            last = last.target if isinstance(last, Alias) else last
        last = last_block_scalar(last)
        if last is None:
            return True
        ends_line = self.source[last.end_mark.index - 1] in BREAKS
        keeps = "+" in block_header(self.source, last)
        return ends_line and not keeps and line_end(self.source, position) < len(self.source)

    def _can_be_copied(self, node: Any) -> bool:
        """Return whether no merge key in a node has an alias that another anchor could catch in a copy."""
        if max(self._anchor_counts.values(), default=0) < 2:
            return True
        if not isinstance(node, Mapping | Sequence):
            return True
        if any(map(self._is_reused, _merge_aliases(node))):
            return False
        return all(map(self._can_be_copied, node.children))

    def _block_copy(self, node: Mapping | Sequence, location: Location, column: int) -> str:
        """Return the lines of a block without anchors, as they are wanted at `location`, in a column."""
        start, text = self._copied(node, location, 0)
        shift = column - (start - line_start(self.source, start))
        if shift >= 0:
            return re.sub(_INNER_LINE, " " * shift, text)
        return re.sub(rf"(?<=[{BREAKS}]) {{0,{-shift}}}", "", text)

    def _flow_copy(self, node: Mapping | Sequence, location: Location, indent: int) -> str:
        """Return a flow collection without anchors, as it is wanted at `location`, its lines from `indent` on."""
        if not self._can_be_copied(node):
            return self.in_flow(node, location)
        _, text = self._copied(node, location, indent)
        _, *inner = re.split(f"[{BREAKS}]+", text)
        shift = indent - min((len(line) - len(line.lstrip(" ")) for line in inner), default=indent)
        return self._tag(node.start) + re.sub(_INNER_LINE, " " * max(shift, 0), text)

    def _copied(self, node: Mapping | Sequence, location: Location, indent: int) -> tuple[int, str]:
        """Return where the content of `node` starts, and its text with what is wanted at `location`."""
        end = content_end(self.source, node)
        start = scalar.content_start(self.source, node.start, end)
        last = last_block_scalar(node)
        if last is not None:  # blanks at the end of its last line are part of it
            match = re.compile(rf"(?:(?:{BREAK}) *)+\Z").search(self.source, end, last.end_mark.index)
            end = match.start() if match else last.end_mark.index
        edits = [*_joined(self._visit(node, location, indent, copied=True)), *self._anchor_removals(node)]
        end = max([end, *(edit.end for edit in edits)])  # a copy can follow in lines below the last alias
        return start, apply_edits(self.source[start:end], [Edit(a - start, b - start, new) for a, b, new in edits])

    def in_flow(self, node: Any, location: Location) -> str:
        """Return what is wanted at `location` in one line of flow style, without the comments of `node`."""
        node = node.target if isinstance(node, Alias) else node
        if not isinstance(node, Mapping | Sequence):
            return self._scalar(node, location, flow=True)
        texts = [self.in_flow(child.written, (*location, child.key)) for child in _children(node)]
        if isinstance(node, Sequence):
            return f"{self._tag(node.start)}[{', '.join(texts)}]"
        for name in node.children[::2]:
            if isinstance(name.target if isinstance(name, Alias) else name, Mapping | Sequence):
                raise cannot_edit(name)
        pairs = [f"{self._key(node, key)}: {text}" for key, text in zip(node, texts, strict=True)]
        for added in self.added.get(location, {}).values():
            pairs += new_pairs(node, added)
        return f"{self._tag(node.start)}{{{', '.join(pairs)}}}"

    def _key(self, node: Mapping, key: str) -> str:
        pair = node.written(key)
        name = pair[0].target if pair and isinstance(pair[0], Alias) else pair and pair[0]
        if self.in_json:
            return scalar.quoted(key)
        return self._scalar(name, _NOWHERE, flow=True) if name else scalar.serialized(key, flow=True)

    def _scalar(self, event: Any, location: Location, *, flow: bool) -> str:
        """Return the source of what is wanted at `location`, if the scalar of `event` has the text before."""
        text, tag = self._text_at(event, location), self._tag(event)
        if location not in self.wanted and not event.style and not tag and not isinstance(typed(text), str):
            return text or "null"  # a number stays one
        return tag + (scalar.quoted(text) if self.in_json else scalar.serialized(text, flow=flow))

    def _tag(self, event: Any) -> str:
        """Return the tag of a node as it is written, with a blank after it; empty if there is none."""
        if event.tag is None:
            return ""
        start = event.start_mark.index
        head = self.source[start : scalar.content_start(self.source, event, len(self.source))]
        match = re.search(r"(?<!\S)!\S*", head)
        return f"{match[0]} " if match else ""

    def _anchor_removals(self, node: Mapping | Sequence) -> Iterator[Edit]:
        """Yield the edits that take out the anchors below `node`: in a copy they would define the names again."""
        for written in node.children:
            if isinstance(written, Alias):
                continue
            event = written.start if isinstance(written, Mapping | Sequence) else written
            if event.anchor is not None:
                start = self.source.index("&" + event.anchor, event.start_mark.index)
                end = start + 1 + len(event.anchor)
                # A tab after the anchor goes with it: after a dash or a colon it would be an error.
                while self.source[end : end + 1] in (" ", "\t"):
                    end += 1
                yield Edit(start, end, "")
            if isinstance(written, Mapping | Sequence):
                yield from self._anchor_removals(written)


def _joined(edits: Iterable[Edit]) -> list[Edit]:
    """Return edits, with all insertions at one position as one: a merge key in another one can end with it."""
    insertions: dict[int, str] = {}
    others: list[Edit] = []
    for edit in dict.fromkeys(edits):
        if edit.start == edit.end:
            insertions[edit.start] = insertions.get(edit.start, "") + edit.text
        else:
            others.append(edit)
    return others + [Edit(position, position, text) for position, text in insertions.items()]


def _merge_aliases(node: Mapping | Sequence) -> list[Alias]:
    """Return the aliases directly under a merge key of a node."""
    pair = node.written("<<") if isinstance(node, Mapping) and node.merged else None
    if pair is None:
        return []
    written = pair[1].children if isinstance(pair[1], Sequence) else [pair[1]]
    return [one for one in written if isinstance(one, Alias)]


_NAME: Final = r"[0-9A-Za-z_-]+"
_ANCHOR: Final = rf"&({_NAME})"
_INNER_LINE: Final = rf"(?<=[{BREAKS}])(?=[^{BREAKS}])"
