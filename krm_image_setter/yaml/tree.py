"""Plain Python data that knows its source, built from parser events.

A mapping is a `dict`, a sequence is a `list`, and both also keep their children as they are written, so that
whatever reads Python data works on the tree as it is, and a match can be traced back to its text. A written
child is a scalar's event, an Alias, or a Mapping or Sequence. An alias gives the very value that its anchor
gave; a merge key's pairs are there as if they were written out.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import InputError
from krm_image_setter.yaml import events
from krm_image_setter.yaml.events import (
    ALIAS,
    DOCUMENT_END,
    END,
    KINDS,
    MAPPING,
    SCALAR,
    SEQUENCE,
    STREAM_END,
    EventParser,
)

#: Levels of nesting that are read. The deepest public CRD has 47; a deeper tree only serves to break readers.
MAX_DEPTH: Final = 250
#: Nodes that aliases may add to one document. (An alias bomb of 20 lines adds billions.)
MAX_ALIASED_NODES: Final = 1_000_000


class Alias:
    """An alias as a written child; `target` is the written child that it stands for."""

    __slots__ = ("end_mark", "start_mark", "target")

    def __init__(self, event: Any, target: Any) -> None:
        self.start_mark = event.start_mark
        self.end_mark = event.end_mark
        self.target = target


class Mapping(dict[str, Any]):
    """A mapping node: string keys (as written, never typed) to values.

    `children` holds keys and values in turn, as written; `merged` the mappings that `<<` brings in, the first
    one first; `start` and `end` are the mapping's own events.
    """

    __slots__ = ("children", "end", "merged", "start")

    def __init__(self, start: Any) -> None:
        self.start = start
        self.end: Any = None
        self.children: list[Any] = []
        self.merged: list[Mapping] = []

    def written(self, key: str) -> tuple[Any, Any] | None:
        """Return `key` and its value as they are written, or None where only a merge key brings it in."""
        children = self.children
        for index in range(len(children) - 2, -1, -2):  # of two equal keys the last one counts
            if getattr(children[index], "value", None) == key:
                return children[index], children[index + 1]
        return None

    def origin(self, key: str) -> Any:
        """Return the value of `key` as it is written, here or in what a merge key brings in."""
        found = self.written(key)
        if found:
            return found[1]
        for base in self.merged:
            if key in base:
                return base.origin(key)
        raise KeyError(key)

    @property
    def flow(self) -> bool:
        """Whether it is written `{…}`."""
        return bool(self.start.flow_style)


class Sequence(list[Any]):
    """A sequence node; `children` holds the items as written, `start` and `end` are its own events."""

    __slots__ = ("children", "end", "start")

    def __init__(self, start: Any) -> None:
        self.start = start
        self.end: Any = None
        self.children: list[Any] = []

    def origin(self, index: int) -> Any:
        """Return the item at `index` as it is written."""
        return self.children[index]

    @property
    def flow(self) -> bool:
        """Whether it is written `[…]`."""
        return bool(self.start.flow_style)


class Document(NamedTuple):
    """One document: its root, a Mapping, a Sequence, a scalar's value or None."""

    root: Any
    aliased: bool  # whether an alias stands anywhere in it


def start_mark(written: Any) -> Any:
    """Return the mark where a written child starts, its anchor and tag included."""
    return (written.start if isinstance(written, Mapping | Sequence) else written).start_mark


def end_of(source: str, written: Any) -> int:
    """Return where a written child's own text ends: a block's events tell only the next token's place."""
    while isinstance(written, Mapping | Sequence) and not written.flow:
        written = written.children[-1]
    end: int = (written.end if isinstance(written, Mapping | Sequence) else written).end_mark.index
    while end and source[end - 1] in " \t\r\n":
        end -= 1
    return end


def parse(text: str) -> list[Document]:
    """Return the documents of `text`, which has no BOM.

    Raises InputError (line and column in `text`) where it is not YAML, is nested deeper than MAX_DEPTH,
    grows by its aliases beyond MAX_ALIASED_NODES, or has an alias without an anchor or inside its own one.
    """
    fast = events.c_parser()
    if fast is not None:
        try:
            return build(text, fast)
        except fast.refusals:
            pass
    pure = events.pure_parser()
    try:
        return build(text, pure)
    except pure.refusals as error:
        raise events.refusal(error) from error


def build(text: str, parser: EventParser) -> list[Document]:
    """Return the documents of `text` as `parser` reads it; what the parser raises goes through."""
    next_event = parser.open(text)
    documents: list[Document] = []
    kind_of = KINDS.get
    stack: list[tuple[Any, Any]] = []  # the open containers around `node`, each with its pending key
    anchors: dict[str, tuple[Any, Any, int]] = {}  # name: value, written child, nodes it stands for
    open_anchors: list[tuple[int, str, int]] = []  # depth, name, nodes before it
    node: Any = None  # the innermost open container
    children: list[Any] = []
    is_mapping = False
    key: Any = _NO_KEY
    root: Any = None
    nodes = aliased = 0
    while True:
        event = next_event()
        kind = kind_of(type(event))
        if kind == SCALAR:
            value: Any = event.value
            nodes += 1
            if is_mapping and key is _NO_KEY:
                key = value
                children.append(event)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, event, 1)
                continue
            if not event.style or event.tag is not None:
                value = _typed(event)
            if event.anchor is not None:
                anchors[event.anchor] = (value, event, 1)
        elif kind == MAPPING or kind == SEQUENCE:  # noqa: PLR1714, SIM109  (a tuple costs a fifth more)
            if len(stack) >= MAX_DEPTH:
                raise _at(event, f"this is nested more than {MAX_DEPTH} levels deep: flatten it")
            if event.anchor is not None:
                open_anchors.append((len(stack), event.anchor, nodes))
                anchors[event.anchor] = (_OPEN, event, 0)
            nodes += 1
            stack.append((node, key))
            is_mapping = kind == MAPPING
            node = Mapping(event) if is_mapping else Sequence(event)
            children.append(node)
            children = node.children
            key = _NO_KEY
            continue
        elif kind == END:
            value = node
            node.end = event
            if is_mapping:
                _merge(node)
            node, key = stack.pop()
            is_mapping = type(node) is Mapping
            if open_anchors and open_anchors[-1][0] == len(stack):
                _, name, before = open_anchors.pop()
                anchors[name] = (value, value, nodes - before)
            if node is None:
                root = value
                continue
            children = node.children
            if not is_mapping:
                node.append(value)
            elif key is _NO_KEY:
                key = _NODE_KEY  # a collection as key: no path leads through it
            else:
                if type(key) is str:
                    node[key] = value
                key = _NO_KEY
            continue
        elif kind == ALIAS:
            value, target, size = anchors.get(event.anchor, (_MISSING, None, 0))
            if value is _MISSING:
                raise _at(event, f"the alias *{event.anchor} has no anchor before it: add &{event.anchor}")
            if value is _OPEN:
                raise _at(event, f"the alias *{event.anchor} stands inside its own anchor: write it out")
            aliased += size
            nodes += size
            if aliased > MAX_ALIASED_NODES:
                raise _at(event, f"its aliases stand for more than {MAX_ALIASED_NODES:,} nodes: write them out")
            event = Alias(event, target)
            if is_mapping and key is _NO_KEY:
                key = value if type(value) is str else _NODE_KEY
                children.append(event)
                continue
        elif kind == DOCUMENT_END:
            documents.append(Document(root, aliased > 0))
            root = None
            children = []
            anchors.clear()
            aliased = 0
            continue
        elif kind == STREAM_END:
            return documents
        else:
            continue
        # A scalar or an alias, as a value.
        if node is None:
            root = value
            continue
        children.append(event)
        if not is_mapping:
            node.append(value)
        else:
            if type(key) is str:
                node[key] = value
            key = _NO_KEY


_NO_KEY: Final = object()
_NODE_KEY: Final = object()
_OPEN: Final = object()
_MISSING: Final = object()


def _at(event: Any, message: str) -> InputError:
    mark = event.start_mark
    return InputError(message, line=mark.line + 1, column=mark.column + 1)


def _merge(mapping: Mapping) -> None:
    """Bring in the pairs of a merge key (YAML 1.1 `<<`): a written key wins, then the first mapping."""
    value = mapping.get("<<")
    if value is None:
        return
    bases = value if type(value) is Sequence else [value]
    written = mapping.written("<<")
    if written is None or written[0].style or not all(type(base) is Mapping for base in bases):
        return
    del mapping["<<"]
    mapping.merged = list(bases)
    for base in bases:
        for key, inherited in base.items():
            mapping.setdefault(key, inherited)


# What a plain scalar is to Kubernetes, whose reader (sigs.k8s.io/yaml, on go-yaml) still has YAML 1.1's booleans.
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{
        spelling: truth
        for truth, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
        for word in words
        for spelling in (word, word.capitalize(), word.upper())
    },
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER: Final = re.compile(
    r"(?P<int>[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0))"
    r"|[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
)
_NUMBER_START: Final = frozenset("0123456789+-.")
_TEXT_TAGS: Final = frozenset(("!", "tag:yaml.org,2002:str"))


def _typed(event: Any) -> Any:
    """Return the value of a scalar: None, bool, int, float or str."""
    text: str = event.value
    tag = event.tag
    if tag is not None and (str(tag) in _TEXT_TAGS or not str(tag).startswith("tag:yaml.org,2002:")):
        return text
    value = _WORDS.get(text, text)
    if value is text and text[0] in _NUMBER_START:
        number = _NUMBER.fullmatch(text)
        if number is not None:
            digits = text.replace("_", "")
            if number["int"]:
                return _integer(text, digits)
            return float(digits)
    return value


def _integer(text: str, digits: str) -> int | str:
    body = digits.lstrip("+-")
    if body[:1] == "0" and body[1:2].isdigit():
        digits = digits.replace("0", "0o", 1)  # 0777 is octal, as in YAML 1.1
    try:
        return int(digits, 0)
    except ValueError:  # 0o_ , or more digits than Python reads: nobody's number
        return text
