"""Write changes into a document with anchors, aliases and merge keys.

With aliases, one scalar of the source can be the value at many locations. The scalar gets the new text of the
location where its anchor is. An alias or merge key that would then have a wrong value is replaced with a copy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from collections.abc import Mapping as Map

from krm_image_setter.edits import Edit, apply_edits
from krm_image_setter.line_breaks import BREAK, BREAKS, line_break, line_end, line_start
from krm_image_setter.typed import TYPE_CHECKING, Any, Final, Record, cast
from krm_image_setter.yaml import scalar, tree, writer
from krm_image_setter.yaml.stream import error_at
from krm_image_setter.yaml.tree import Alias, Collection, Location, Mapping, Sequence

if TYPE_CHECKING:
    from krm_image_setter.yaml.tree import Change, Fragment, NodeEvent, ScalarEvent, Written
    from krm_image_setter.yaml.writer import Added

# The location of nodes that no path can match: keys, the contents of keys, and mappings directly under a merge
# key. Changes never have this location.
_NOWHERE: Final[Location] = (-1,)


class Kept(Record):
    """An alias that was replaced with a copy, so that `location` does not change together with the anchor."""

    alias: Alias
    location: Location


def write(source: str, root: Collection, changes: Iterable[Change]) -> tuple[list[Edit], list[Kept]]:
    """Compute the edits like `writer.write`. Also return the aliases that are replaced with copies of an old text.

    Raises InputError if a change cannot be made in place, or if an alias must be replaced with a copy of a block
    that cannot be copied.
    """
    alias_writer = _AliasWriter(source, root, *writer.by_location(root, changes))
    edits = alias_writer.edits()
    return edits + writer.closing(source, root, edits), list(alias_writer.kept.values())


def replaced(source: str, root: Written, targets: Iterable[Written]) -> list[Edit]:
    """Return the edits that replace each alias of one of the nodes `targets` with a copy in one line."""
    alias_writer = _AliasWriter(source, root, {}, {})
    ids = set(map(id, targets))
    return [
        Edit(alias.start_mark.index, alias.end_mark.index, alias_writer.in_flow(alias.target, _NOWHERE))
        for alias in tree.nodes_in(root)
        if isinstance(alias, Alias) and id(alias.target) in ids
    ]


def in_flow(source: str, written: Written, *, in_json: bool = False) -> str:
    """Return a node in one line of flow style, or as JSON, without comments, anchors and aliases."""
    return _AliasWriter(source, written, {}, {}, in_json=in_json).in_flow(written, _NOWHERE)


class _Child(Record):
    """A child of a collection. If the child comes from a merge key, `base` is the merged mapping."""

    key: str | int
    value: Any
    written: Written
    base: Mapping | None = None


def _children(node: Mapping | Sequence) -> Iterator[_Child]:
    if isinstance(node, Sequence):
        for index, (value, written) in enumerate(zip(node, node.children, strict=True)):
            yield _Child(index, value, written)
        return
    for key, value in node.items():
        base = None if node.written(key) else node.base_of(key)
        yield _Child(key, value, node.origin(key), base)


def _unlocated(node: Mapping | Sequence) -> Iterator[tuple[Alias | Mapping | Sequence, bool]]:
    """Yield the aliases and collections in a mapping that have no location, and whether each of them is a key.

    They are keys, values whose key is a collection, all but the last value of a repeated key, and mappings
    directly under a merge key.
    """
    if isinstance(node, Sequence):
        return
    for name, value in zip(node.children[::2], node.children[1::2], strict=True):
        text = tree.text_of(name)
        others: list[Written] = []
        if text == "<<" and node.merged:
            bases = value.children if isinstance(value, Sequence) else [value]
            others = [base for base in bases if not isinstance(base, Alias)]
        elif text is None or node.written(text) != (name, value):
            others = [value]
        if isinstance(name, Mapping | Sequence | Alias):
            yield name, True
        yield from ((other, False) for other in others if isinstance(other, Mapping | Sequence | Alias))


class _AliasWriter:
    """Computes the edits of one document.

    `kept` contains the replaced aliases that keep an old text, by the id of the alias. If `in_json` is true,
    copies are written as JSON.
    """

    def __init__(
        self,
        source: str,
        root: Written,
        wanted: Map[Location, list[Fragment]],
        added: Added,
        *,
        in_json: bool = False,
    ) -> None:
        self.source = source
        self.root = root
        self.wanted = wanted
        self.added = added
        self.kept: dict[int, Kept] = {}
        self.in_json = in_json
        # The locations of changes and of all nodes around them.
        self._changing = {location[:end] for location in (*wanted, *added) for end in range(len(location) + 1)}
        # The location of each node in the source, by the id of the node.
        self._homes: dict[int, Location] = {}
        self._anchor_counts = Counter(re.findall(_ANCHOR, source))

    def edits(self) -> list[Edit]:
        """Return the edits in any order. No edit occurs twice."""
        self._find_homes(self.root, ())
        return _joined(self._visit(cast("Mapping | Sequence", self.root), (), 0))

    def _find_homes(self, written: Written, location: Location) -> None:
        self._homes[id(written)] = location
        if not isinstance(written, Mapping | Sequence):
            return
        if location == _NOWHERE:
            inside = [(child, _NOWHERE) for child in written.children]
        else:
            inside = [(child.written, (*location, child.key)) for child in _children(written) if not child.base]
            inside += [(name, _NOWHERE) for name in written.children[::2] if isinstance(written, Mapping)]
            inside += [(other, _NOWHERE) for other, _ in _unlocated(written)]
        for child, where in inside:
            if not isinstance(child, Alias):
                self._find_homes(child, where)

    def _home(self, written: Written) -> Location:
        return self._homes.get(id(written), _NOWHERE)

    def _visit(
        self, node: Mapping | Sequence, location: Location, indent: int, *, copied: bool = False
    ) -> Iterator[Edit]:
        """Yield the edits that write the changes at or below `location` into `node`.

        `indent` is the smallest indentation that the lines of a flow collection in `node` must have. If `copied`
        is true, `node` will be copied to a later line. Then an alias is also replaced if another anchor with its
        name could be before the copy.
        """
        if not node.flow:
            indent = tree.start_mark(node.children[0]).column + isinstance(node, Mapping)
        for child, is_key in _unlocated(node):
            if not isinstance(child, Alias):
                yield from self._visit(child, _NOWHERE, indent, copied=copied)
            elif self._must_replace(child, _NOWHERE, copied=copied):
                yield from self._replaced(node, child, _NOWHERE, indent, is_key=is_key)
        pairs: list[str] = []
        merged = {id(alias.target): alias for alias in _merge_aliases(node)} if self._changing else {}
        copied_bases = yield from self._merge_copies(merged.values(), location)
        for key, value, written, base in _children(node):
            here = (*location, key)
            if base is not None and isinstance(node, Mapping):
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
                yield from writer.rewritten(self.source, node, key, self.wanted[here])
        if not isinstance(node, Mapping):
            return
        for beside, texts in self.added.get(location, {}).items():
            if node.written(beside):
                yield from writer.pairs_after(self.source, node, beside, writer.new_pairs(node, texts))
            else:
                pairs += writer.new_pairs(node, texts)
        if pairs:
            yield from writer.pairs_after(self.source, node, "<<", pairs)

    def _merge_copies(self, aliases: Iterable[Alias], location: Location) -> Generator[Edit, None, set[int]]:
        """Yield the edits that replace the aliases under a merge key whose mappings get new pairs.

        The merge key would also merge the new pairs. Therefore such an alias is replaced with a copy of the
        mapping without the new pairs. Return the ids of the copied mappings.
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
        """Return whether the document might contain several anchors with the name of `alias`."""
        match = re.match(_NAME, alias.name)
        return match is None or self._anchor_counts[match[0]] > 1

    def _differs(self, value: Any, written: Written, here: Location, there: Location) -> bool:
        """Return whether the alias at `here` and its anchor at `there` have different values after the changes."""
        if here not in self._changing and there not in self._changing:
            return False
        if isinstance(value, Mapping | Sequence):
            return self.added.get(here) != self.added.get(there) or any(
                self._differs(child.value, child.written, (*here, child.key), (*there, child.key))
                for child in _children(value)
            )
        event = cast("ScalarEvent", tree.target_of(written))
        return self._text_at(event, here) != self._text_at(event, there)

    def _text_at(self, event: ScalarEvent, location: Location) -> str:
        return scalar.changed(event.value, self.wanted.get(location, ()))

    def _replaced(
        self, holder: Collection, alias: Alias, location: Location, indent: int, *, is_key: bool = False
    ) -> Iterator[Edit]:
        """Yield the edits that replace an alias with a copy that has the new texts at `location`."""
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
                column = min(column, tree.start_mark(holder.children[0]).column + 2)
            # YAML forbids a tab after a dash, so remove the white space after the alias if it contains a tab.
            rest = self.source[end : line_end(self.source, end)]
            spaces = len(rest) - len(rest.lstrip(" \t"))
            yield Edit(start, end + spaces * ("\t" in rest[:spaces]), self._tag(node.start).rstrip())
            yield writer.lines_added(self.source, end, column, [self._block_copy(node, location, column)])

    def _pair(self, holder: Mapping, key: str, written: Written, location: Location, indent: int) -> str:
        """Return the source of a new pair for the mapping `holder`, which overrides a pair from its merge key."""
        name, value = writer.pair(holder, "<<")
        node = tree.target_of(written)
        start = scalar.serialized(key, flow=holder.flow) + ":"
        if not isinstance(node, Mapping | Sequence):
            return f"{start} {self._scalar(node, location, flow=holder.flow)}"
        if node.flow:
            return f"{start} {self._flow_copy(node, location, indent)}"
        if holder.flow or not self._fits_before(node, tree.content_end(self.source, value)):
            return f"{start} {self.in_flow(node, location)}"
        column = writer.pair_column(self.source, name) + 2
        tag = f" {self._tag(node.start)}".rstrip()
        value_indent = line_break(self.source) + " " * column
        return start + tag + value_indent + self._block_copy(node, location, column)

    def _fits_before(self, node: Mapping | Sequence, offset: int) -> bool:
        """Return whether a copy of the block `node` can be inserted after the line that contains `offset`.

        A copy that ends with a block scalar is not possible if the next lines would change the value of the
        scalar. The value of a block scalar can include its line break and the empty lines after it.
        """
        if not self._can_be_copied(node):
            return False
        last: Written = node
        while isinstance(last, Collection) and not last.flow:
            last = tree.target_of(last.children[-1])
        block = writer.last_block_scalar(last)
        if block is None:
            return True
        ends_line = self.source[block.end_mark.index - 1] in BREAKS
        keeps = "+" in writer.block_header(self.source, block)
        return ends_line and not keeps and line_end(self.source, offset) < len(self.source)

    def _can_be_copied(self, node: Written) -> bool:
        """Return whether each alias under a merge key in a copy of `node` would refer to the same anchor."""
        if max(self._anchor_counts.values(), default=0) < 2 or not isinstance(node, Mapping | Sequence):
            return True
        aliases = _merge_aliases(node)
        return not any(map(self._is_reused, aliases)) and all(map(self._can_be_copied, node.children))

    def _block_copy(self, node: Mapping | Sequence, location: Location, column: int) -> str:
        """Return the lines of a block without anchors, with the new texts at `location`, indented to `column`."""
        start, text = self._copied(node, location, 0)
        shift = column - (start - line_start(self.source, start))
        if shift >= 0:
            return re.sub(_INNER_LINE, " " * shift, text)
        return re.sub(rf"(?<=[{BREAKS}]) {{0,{-shift}}}", "", text)

    def _flow_copy(self, node: Mapping | Sequence, location: Location, indent: int) -> str:
        """Return a flow collection without anchors, with the new texts at `location`.

        Each line of the copy is indented by at least `indent` spaces.
        """
        if not self._can_be_copied(node):
            return self.in_flow(node, location)
        _, text = self._copied(node, location, indent)
        _, *inner = re.split(f"[{BREAKS}]+", text)
        shift = indent - min((len(line) - len(line.lstrip(" ")) for line in inner), default=indent)
        return self._tag(node.start) + re.sub(_INNER_LINE, " " * max(shift, 0), text)

    def _copied(self, node: Mapping | Sequence, location: Location, indent: int) -> tuple[int, str]:
        """Return the start of the content of `node`, and the content with the new texts at `location`."""
        end = tree.content_end(self.source, node)
        start = scalar.content_start(self.source, node.start, end)
        last = writer.last_block_scalar(node)
        if last is not None:
            # The spaces at the end of the last line are part of the block scalar.
            match = re.compile(rf"(?:(?:{BREAK}) *)+\Z").search(self.source, end, last.end_mark.index)
            end = match.start() if match else last.end_mark.index
        edits = [*_joined(self._visit(node, location, indent, copied=True)), *self._anchor_removals(node)]
        # An edit can add lines after the content.
        end = max([end, *(edit.end for edit in edits)])
        return start, apply_edits(self.source[start:end], [Edit(a - start, b - start, new) for a, b, new in edits])

    def in_flow(self, node: Written, location: Location) -> str:
        """Return a node with the new texts at `location`, in one line of flow style, without comments."""
        node = tree.target_of(node)
        if not isinstance(node, Mapping | Sequence):
            return self._scalar(node, location, flow=True)
        texts = [self.in_flow(child.written, (*location, child.key)) for child in _children(node)]
        if isinstance(node, Sequence):
            return f"{self._tag(node.start)}[{', '.join(texts)}]"
        for name in node.children[::2]:
            if isinstance(tree.target_of(name), Collection):
                raise error_at(self.source, tree.start_mark(name).index, _CANNOT_COPY)
        pairs = [f"{self._key(node, key)}: {text}" for key, text in zip(node, texts, strict=True)]
        for added in self.added.get(location, {}).values():
            pairs += writer.new_pairs(node, added)
        return f"{self._tag(node.start)}{{{', '.join(pairs)}}}"

    def _key(self, node: Mapping, key: str) -> str:
        written = node.written(key)
        if self.in_json:
            return scalar.quoted(key)
        if written is None:
            return scalar.serialized(key, flow=True)
        return self._scalar(tree.target_of(written[0]), _NOWHERE, flow=True)

    def _scalar(self, written: Written, location: Location, *, flow: bool) -> str:
        """Return the YAML of a copy of a scalar. If its text changes, the copy has the new text."""
        event = cast("ScalarEvent", written)
        text, tag = self._text_at(event, location), self._tag(event)
        # Do not quote an unchanged number or boolean, because quotes would make it a string.
        if location not in self.wanted and not event.style and not tag and not isinstance(tree.typed(text), str):
            return text or "null"
        return tag + (scalar.quoted(text) if self.in_json else scalar.serialized(text, flow=flow))

    def _tag(self, event: NodeEvent) -> str:
        """Return the tag of a node as written, followed by a space; empty if there is no tag."""
        if event.tag is None:
            return ""
        start = event.start_mark.index
        head = self.source[start : scalar.content_start(self.source, event, len(self.source))]
        match = re.search(r"(?<!\S)!\S*", head)
        return f"{match[0]} " if match else ""

    def _anchor_removals(self, node: Collection) -> Iterator[Edit]:
        """Yield the edits that remove the anchors in a copy of `node`. A copy must not define them again."""
        for written in tree.nodes_in(node):
            event = written.start if isinstance(written, Collection) else written
            if written is node or isinstance(event, Alias) or event.anchor is None:
                continue
            start = self.source.index("&" + event.anchor, event.start_mark.index)
            end = start + 1 + len(event.anchor)
            # Remove the white space after the anchor, because YAML forbids a tab after a dash or a colon.
            while self.source[end : end + 1] in (" ", "\t"):
                end += 1
            yield Edit(start, end, "")


def _joined(edits: Iterable[Edit]) -> list[Edit]:
    """Join the insertions at the same offset, because nested merge keys can end at the same offset."""
    insertions: dict[int, str] = {}
    others: list[Edit] = []
    for edit in dict.fromkeys(edits):
        if edit.start == edit.end:
            insertions[edit.start] = insertions.get(edit.start, "") + edit.text
        else:
            others.append(edit)
    return others + [Edit(position, position, text) for position, text in insertions.items()]


def _merge_aliases(node: Mapping | Sequence) -> list[Alias]:
    """Return the aliases that are the value of a merge key in `node`, or items of this value."""
    merge = node.written("<<") if isinstance(node, Mapping) and node.merged else None
    if merge is None:
        return []
    bases = merge[1].children if isinstance(merge[1], Sequence) else [merge[1]]
    return [base for base in bases if isinstance(base, Alias)]


_CANNOT_COPY: Final = (
    "cannot set an image in a block that an alias or merge key uses too, because this key in it is not a scalar; "
    "replace the alias with a copy of the block"
)
_NAME: Final = r"[0-9A-Za-z_-]+"
_ANCHOR: Final = rf"&({_NAME})"
_INNER_LINE: Final = rf"(?<=[{BREAKS}])(?=[^{BREAKS}])"
