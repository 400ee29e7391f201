"""Build the trees of documents from the events of a YAML parser."""

from __future__ import annotations

from krm_image_setter.errors import NotYAMLError
from krm_image_setter.typed import Any, Final
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
from krm_image_setter.yaml.stream import error_at
from krm_image_setter.yaml.tree import MAX_DEPTH, Alias, Document, Mapping, Sequence, typed

#: The most nodes that aliases can add to one document. An attacker can add billions with 20 lines of aliases.
MAX_ALIASED_NODES: Final = 1_000_000
# A long scalar counts as one node per 100 characters, because its whole text is searched and copied.
_CHARACTERS_OF_A_NODE: Final = 100


class _Collection:
    __slots__ = ()

    start: Any
    end: Any
    children: list[Any]

    @property
    def flow(self) -> bool:
        return bool(self.start.flow_style)


class _Mapping(_Collection, Mapping):
    __slots__ = ("_bases", "_pairs", "children", "end", "merged", "start")

    merged: list[Mapping]


class _Sequence(_Collection, Sequence):
    __slots__ = ("children", "end", "start")


def build(text: str, parser: EventParser) -> list[Document]:
    """Build the documents of `text` from the events of `parser`.

    Raises the exceptions of the parser if the text is not YAML. Raises InputError, with the line and column in
    `text`, if a limit is exceeded or an alias is invalid.
    """
    next_event = parser.open(text)
    documents: list[Document] = []
    kind_of = KINDS.get
    # `node` is the innermost open collection. `stack` contains the collections around `node`, and their last keys.
    node: Any = None
    stack: list[tuple[Any, Any]] = []
    # Maps the name of each anchor to its value, its node, and the numbers of nodes and levels in the value.
    anchors: dict[str, tuple[Any, Any, int, int]] = {}
    # The anchors of open collections: for each anchor its depth, its name, and the number of earlier nodes.
    open_anchors: list[tuple[int, str, int]] = []
    # `deepest` contains the greatest depth inside each open anchor.
    deepest: list[int] = []
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
            if open_anchors:
                nodes += len(value) // _CHARACTERS_OF_A_NODE
            children.append(event)
            if is_mapping and key is _NO_KEY:
                key = value
                if event.anchor is not None:
                    anchors[event.anchor] = (value, event, 1 + len(value) // _CHARACTERS_OF_A_NODE, 0)
                continue
            if not event.style or event.tag is not None:
                value = _tagged(event)
            if event.anchor is not None:
                anchors[event.anchor] = (value, event, 1 + len(event.value) // _CHARACTERS_OF_A_NODE, 0)
        elif kind == MAPPING or kind == SEQUENCE:  # noqa: PLR1714, SIM109  (a tuple costs a fifth more)
            if len(stack) >= MAX_DEPTH:
                raise error_at(text, event.start_mark.index, f"nested too deeply: more than {MAX_DEPTH} levels")
            if event.anchor is not None:
                open_anchors.append((len(stack), event.anchor, nodes))
                deepest.append(0)
                anchors[event.anchor] = (_OPEN, event, 0, 0)
            nodes += 1
            stack.append((node, key))
            if deepest and len(stack) > deepest[-1]:
                deepest[-1] = len(stack)
            is_mapping = kind == MAPPING
            node = _Mapping() if is_mapping else _Sequence()
            node.start = event
            if is_mapping:
                node.merged = []
            children.append(node)
            children = node.children = []
            key = _NO_KEY
            continue
        elif kind == END:
            value = node
            node.end = event
            if is_mapping:
                _merge(node)
            node, key = stack.pop()
            is_mapping = type(node) is _Mapping
            if open_anchors and open_anchors[-1][0] == len(stack):
                _, name, before = open_anchors.pop()
                deep = deepest.pop()
                anchors[name] = (value, value, nodes - before, deep - len(stack))
                if deepest and deep > deepest[-1]:
                    deepest[-1] = deep
            children = node.children if node is not None else []
        elif kind == ALIAS:
            name, problem = event.anchor, None
            value, target, size, levels = anchors.get(name, (_MISSING, None, 0, 0))
            aliased += size
            nodes += size
            if value is _MISSING:
                # YAML 1.2, 7.1: this is an error, so the text is not YAML. The other problems are limits.
                problem = f'undefined alias "*{name}"; no anchor "&{name}" is before it in this document'
                raise error_at(text, event.start_mark.index, problem, NotYAMLError)
            if value is _OPEN:
                problem = f'alias "*{name}" is inside the node that it refers to, which is not supported'
            elif aliased > MAX_ALIASED_NODES:
                limits = f"{MAX_ALIASED_NODES:,} nodes or {MAX_ALIASED_NODES * _CHARACTERS_OF_A_NODE:,} characters"
                problem = f"the aliases of this document expand to more than {limits}"
            elif len(stack) + levels > MAX_DEPTH:
                problem = f"nested too deeply after aliases are expanded: more than {MAX_DEPTH} levels"
            if problem:
                raise error_at(text, event.start_mark.index, problem)
            if deepest and len(stack) + levels > deepest[-1]:
                deepest[-1] = len(stack) + levels
            children.append(Alias(event, target))
            if is_mapping and key is _NO_KEY:
                key = getattr(target, "value", _NODE_KEY)
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
        # The node of `value` is complete, and is not a scalar or an alias that is a key.
        if node is None:
            root = value
        elif not is_mapping:
            node.append(value)
        elif key is _NO_KEY:
            key = _NODE_KEY
        else:
            if type(key) is str:
                node[key] = value
            key = _NO_KEY


_NO_KEY: Final = object()
# This object replaces a key that is a collection, because no path can match the value of such a key.
_NODE_KEY: Final = object()
_OPEN: Final = object()
_MISSING: Final = object()


def _merge(mapping: _Mapping) -> None:
    """Add the pairs of the merge key `<<` of YAML 1.1 to a mapping.

    A key in the mapping itself overrides the same key in a merged mapping. An earlier merged mapping overrides a
    later one.
    """
    value = mapping.get("<<")
    if value is None:
        return
    bases = value if type(value) is _Sequence else [value]
    pair = mapping.written("<<")
    # In go-yaml, a key that is an alias of `<<` is not a merge key.
    if pair is None or getattr(pair[0], "style", True) or not all(type(base) is _Mapping for base in bases):
        return
    del mapping["<<"]
    mapping.merged = list(bases)
    for base in bases:
        for key, inherited in base.items():
            mapping.setdefault(key, inherited)


_TEXT_TAGS: Final = frozenset(("!", "tag:yaml.org,2002:str"))


def _tagged(event: Any) -> Any:
    """Return the value of a scalar that is plain or has a tag. For example, `1` is 1, and `!!str 1` is "1"."""
    tag = event.tag
    if tag is not None and (str(tag) in _TEXT_TAGS or not str(tag).startswith("tag:yaml.org,2002:")):
        return event.value
    return typed(event.value)
