r"""Paths of fieldSpecs in kustomize, such as `spec/manifest/images[]/image`.

kustomize defines the rules in `api/filters/fieldspec` and `kyaml/utils.PathSplitter`. `\/` is a slash in a key. If
a value is a list, the next key is searched for in the items of the list, whether the path contains `[]` or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_image_setter.paths.path import Match, PathError
from krm_image_setter.typed import Any, Record


class FieldSpecPath(Record):
    """A fieldSpec path. Each of its `keys` is a name with a flag, which is true if `[]` follows the name."""

    text: str
    keys: tuple[tuple[str, bool], ...]

    @property
    def keyword(self) -> str:
        """The longest key; see `Path.keyword`."""
        return max((key for key, _ in self.keys), key=len)

    @property
    def last_key(self) -> str:
        """The last key; see `Path.last_key`."""
        key, is_list = self.keys[-1]
        return "" if is_list else key

    def find(self, data: Any) -> list[Match]:
        """Find the matches in `data`, as specified in `Path.find`."""
        nodes = [Match((), data)]
        for key, is_list in self.keys:
            nodes = [item for child in _children(nodes, key) for item in _listed(child, is_list)]
        return nodes

    def steps(self, data: Any) -> Iterator[tuple[list[Match], str | None]]:
        """Follow the path step by step, as specified in `Path.steps`."""
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
    """Parse a fieldSpec path. Raises PathError if a key of the path is empty."""
    keys: list[tuple[str, bool]] = []
    position = 0
    for part in re.split(r"(?<!\\)/", text.strip()):
        key = part.replace("\\/", "/")
        name = key.removesuffix("[]")
        if name:
            keys.append((name, name != key))
        elif part or position:
            message = "empty key in the path; expected a path such as spec/containers[]/image"
            raise PathError(message, column=position + 1)
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
    """Return the values that can contain the next key: `node`, or the items of a list and of its inner lists."""
    location, value = node
    if not isinstance(value, list):
        return [node]
    return [inner for index, item in enumerate(value) for inner in _entered(Match((*location, index), item))]


def _listed(node: Match, is_list: bool) -> list[Match]:
    if not is_list:
        return [node]
    location, value = node
    return [Match((*location, index), item) for index, item in enumerate(value if isinstance(value, list) else ())]
