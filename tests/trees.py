"""Functions that compare the trees of texts, with all offsets, and write changes into them."""

from __future__ import annotations

from typing import Any

from krm_image_setter.edits import Edit
from krm_image_setter.yaml import aliases, building, events, tree, writer


def edits_of(
    text: str, document: tree.Document, changes: list[tree.Change]
) -> tuple[list[Edit], list[aliases.Kept]]:
    """Return the edits for changes, and the aliases that keep an old text."""
    if document.aliased:
        return aliases.write(text, document.root, changes)
    return writer.write(text, document.root, changes), []


def assert_same_as_parsed(text: str, document: tree.Document) -> None:
    parser = events.c_parser() or events.pure_parser()
    (parsed,) = building.build(text, parser)
    assert described(document.root) == described(parsed.root)


def described(node: Any) -> Any:
    """Return a node with its types and keys, and with the positions of all nodes in the source."""
    if isinstance(node, tree.Mapping | tree.Sequence):
        place = (node.flow, node.start.start_mark.index, node.end.start_mark.index, node.end.end_mark.index)
        values: Any = node.items() if isinstance(node, tree.Mapping) else enumerate(node)
        origins = [(key, described(value), written(node.origin(key))) for key, value in values]
        return place, origins, [written(child) for child in node.children]
    return type(node), str(node)


def written(child: Any) -> Any:
    if isinstance(child, tree.Mapping | tree.Sequence):
        return child.flow
    start, end = child.start_mark, child.end_mark
    # The pure parser reports other positions for empty nodes.
    if start.index == end.index and events.c_parser() is None:
        return child.value, child.style or None, child.anchor, child.tag
    return child.value, child.style or None, start.index, start.column, end.index, child.anchor, child.tag
