r"""kustomize fieldSpec paths: `spec/manifest/images[]/image`.

The rules are those of `api/filters/fieldspec` and `kyaml/utils.PathSplitter`: `\/` is a slash in a key, and a key
after a list is looked up in its items, with or without `[]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from krm_image_setter.paths.path import Match, PathError


class FieldSpecPath(NamedTuple):
    """The keys of a path, each with whether `[]` follows it."""

    text: str
    keys: tuple[tuple[str, bool], ...]

    def find(self, data: Any) -> list[Match]:
        """See Path."""
        nodes = [Match((), data)]
        for key, is_list in self.keys:
            nodes = [item for child in _children(nodes, key) for item in _listed(child, is_list)]
        return nodes

    def steps(self, data: Any) -> Iterator[tuple[list[Match], str | None]]:
        """See Path."""
        nodes = [Match((), data)]
        for key, is_list in self.keys:
            yield [inner for node in nodes for inner in _entered(node)] or nodes, key
            nodes = _children(nodes, key)
            if nodes and is_list:
                yield nodes, None
                nodes = [item for child in nodes for item in _listed(child, is_list)]
            if not nodes:
                return


def parse(text: str) -> FieldSpecPath:
    """Parse a path. Raises PathError."""
    keys: list[tuple[str, bool]] = []
    position = 0
    for part in re.split(r"(?<!\\)/", text.strip()):
        key = part.replace("\\/", "/")
        name = key.removesuffix("[]")
        if name:
            keys.append((name, name != key))
        elif part or position:
            raise PathError(
                "empty key in the path; expected a path such as spec/containers[]/image", column=position + 1
            )
        position += len(part) + 1
    return FieldSpecPath(text, tuple(keys))


def _children(nodes: list[Match], key: str) -> list[Match]:
    return [
        Match((*location, key), value[key])
        for node in nodes
        for location, value in _entered(node)
        if isinstance(value, dict) and key in value
    ]


def _entered(node: Match) -> list[Match]:
    """Return the values in which a key is looked up: the items of lists, at any depth."""
    location, value = node
    if not isinstance(value, list):
        return [node]
    return [inner for index, item in enumerate(value) for inner in _entered(Match((*location, index), item))]


def _listed(node: Match, is_list: bool) -> list[Match]:
    if not is_list:
        return [node]
    location, value = node
    if not isinstance(value, list):
        return []
    return [Match((*location, index), item) for index, item in enumerate(value)]
