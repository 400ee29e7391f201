"""Reads YAML with PyYAML into nodes with the positions of their source. Other parsers are compared with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from differential.model import NULL, NonString

#: The faster loader of PyYAML if its C extension is installed.
LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Plain scalars that YAML 1.1, YAML 1.2 or go-yaml does not read as strings. Such a string needs quotes.
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_NON_STRING: Final = re.compile(
    r"""y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF
      | [-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)
      | [-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
      | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
      | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[\ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[\ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?
      | = | <<""",
    re.VERBOSE,
)
_PROPERTIES: Final = re.compile(r"(?:[&!][^\s]*[\s]+)*(?:[&!][^\s,\[\]{}]*(?=$|[\s,\[\]{}]))?", re.ASCII)
_COMMENT: Final = "#[^\n\r\x85\u2028\u2029]*"
#: The line ends of libyaml and go-yaml (issue 17, point 5).
BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(eq=False, slots=True)
class Node:
    """A node of YAML.

    `value` is the text of a scalar, the items of a sequence, the pairs of a mapping, or the target of an alias.
    `start` and `end` are offsets in code points, and include the anchor and the tag. `style` is the indicator of a
    scalar (`"`, `'`, `|`, `>`, or empty if it is plain), or `{` for a flow collection.
    """

    kind: str  # scalar, sequence, mapping, alias
    value: Any
    start: int = 0
    end: int = 0
    style: str = ""
    tag: str = ""
    anchor: str = ""

    def children(self) -> Iterator[Node]:
        if self.kind == "sequence":
            yield from self.value
        elif self.kind == "mapping":
            for key, value in self.value:
                yield key
                yield value

    def walk(self) -> Iterator[Node]:
        """Yield this node and all nodes inside it. The targets of aliases are not included."""
        yield self
        for child in self.children():
            yield from child.walk()


class UnreadableError(Exception):
    """PyYAML cannot read a text, or the aliases of the text cannot be expanded."""


@dataclass
class Source:
    """A text and the documents in it."""

    text: str
    documents: list[Node] = field(default_factory=list)

    def data(self) -> list[Any]:
        """Return the documents as plain data. Aliases and merge keys are expanded, so no objects are shared."""
        budget = [200_000]
        try:
            return [data_of(document, budget) for document in self.documents]
        except RecursionError as error:
            raise UnreadableError("an alias is in what it names") from error


def read(text: str) -> Source:
    """Read a text. Raises UnreadableError if PyYAML cannot read it."""
    if len(text) == 0 or re.search(r"[\ud800-\udfff]", text):
        raise UnreadableError
    shift = int(text.startswith("\ufeff"))  # the offsets of PyYAML do not count a byte order mark
    source = Source(text)
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        anchors: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                anchors.clear()
                source.documents.append(_node(next(events), events, anchors, text, shift))
    except (yaml.YAMLError, KeyError, RecursionError, ValueError) as error:
        raise UnreadableError(str(error)) from error
    return source


def _node(event: Any, events: Iterator[Any], anchors: dict[str, Node], text: str, shift: int) -> Node:
    """Return the node that starts with `event`. Consume the other events of this node from `events`."""
    start, end = event.start_mark.index + shift, event.end_mark.index + shift
    anchor: str = event.anchor or ""
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", anchors[anchor], start, end, anchor=anchor)
    node = Node("", [], start, end, tag=event.tag or "", anchor=anchor)
    if anchor:
        anchors[anchor] = node
    if isinstance(event, yaml.ScalarEvent):
        node.kind, node.value, node.style = "scalar", event.value, event.style or ""
        if node.tag == "!" or (not node.tag and not event.implicit[0] and not node.style):
            node.tag = "tag:yaml.org,2002:str"
        return node
    node.kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
    node.style = "{" if event.flow_style else ""
    while not isinstance(event := next(events), (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
        child = _node(event, events, anchors, text, shift)
        if node.kind == "mapping":
            node.value.append((child, _node(next(events), events, anchors, text, shift)))
        else:
            node.value.append(child)
    # For PyYAML, a block collection ends at the next token. Use the end of its last child instead.
    closing: Any = event
    node.end = closing.end_mark.index + shift
    if not node.style:
        node.end = max((child.end for child in node.children()), default=end)
    return node


def content_span(node: Node, text: str) -> tuple[int, int]:
    """Return the start and end of the content of a scalar, without its anchor and tag."""
    start = node.start
    if node.anchor or node.tag:
        match = _PROPERTIES.match(text, start, node.end)
        start = match.end() if match else start
    return start, node.end


def is_merge(key: Node) -> bool:
    """Return whether a key is a merge key."""
    return key.kind == "scalar" and key.value == "<<" and not key.style and not key.tag


def data_of(node: Node, budget: list[int]) -> Any:
    """Convert a node with at most `budget[0]` nodes to plain data. Raises UnreadableError on failure."""
    budget[0] -= 1
    if budget[0] < 0:
        raise UnreadableError("the aliases are too many")
    if node.kind == "alias":
        return data_of(node.value, budget)
    if node.kind == "scalar":
        return scalar_of(node)
    if node.kind == "sequence":
        return [data_of(item, budget) for item in node.value]
    result: dict[Any, Any] = {}
    merged: dict[Any, Any] = {}
    for key, value in node.value:
        if is_merge(key):
            if merged:
                raise UnreadableError("two merge keys")
            merged = merged_of(value, budget)
            continue
        name = data_of(key, budget)
        name = f"complex key {name!r}" if isinstance(name, (dict, list)) else name
        if name in result:
            raise UnreadableError("a repeated key")
        result[name] = data_of(value, budget)
    return {**merged, **result}


def merged_of(value: Node, budget: list[int]) -> dict[Any, Any]:
    """Return the pairs that a merge key adds. If several mappings have the same key, the first mapping wins."""
    value = value.value if value.kind == "alias" else value
    if value.kind == "mapping":
        data = data_of(value, budget)
        return dict(data)
    if value.kind != "sequence":
        raise UnreadableError("a merge of no mapping")
    result: dict[Any, Any] = {}
    for item in value.value:
        data = data_of(item, budget)
        if not isinstance(data, dict):
            raise UnreadableError("a merge of no mapping")
        result = {**data, **result}
    return result


def scalar_of(node: Node) -> str | NonString:
    """Return the value of a scalar: a string or a NonString."""
    text: str = node.value
    if node.tag and node.tag != "tag:yaml.org,2002:str":
        return NULL if node.tag == "tag:yaml.org,2002:null" else NonString(text)
    if node.tag or node.style:
        return text
    return non_string(text) or text


def non_string(text: str) -> NonString | None:
    """Return the value of a plain scalar that a parser can read as another type; None if it is always a string."""
    if _NULL.fullmatch(text):
        return NULL
    return NonString(text) if _NON_STRING.fullmatch(text) else None


def comments_of(text: str, left_out: tuple[int, int] | None = None) -> list[str]:
    """Return the comments of a text, which are outside the tokens of PyYAML.

    Comments between the two offsets of `left_out` are omitted.
    """
    shift = int(text.startswith("\ufeff"))
    found, position = [], shift
    try:
        tokens: Iterator[Any] = yaml.scan(text, Loader=LOADER)
        for token in tokens:
            start, end = token.start_mark.index + shift, token.end_mark.index + shift
            is_left_out = left_out is not None and left_out[0] <= start and position <= left_out[1]
            if start > position and not is_left_out:
                found += re.findall(_COMMENT, text[position:start])
            # The token of a block scalar contains the comment after its header.
            if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">") and not is_left_out:
                header = BREAK.split(text[start:end], maxsplit=1)[0]
                found += re.findall(r"(?<=\s)#.*", header)
            position = max(position, end)
    except yaml.YAMLError as error:
        raise UnreadableError(str(error)) from error
    return found + re.findall(_COMMENT, text[position:])
