"""Kubernetes YAML as people write it, and an independent reader of it.

The text is written by a small random writer of our own, never dumped, so that every style can occur. First the
data of a document is drawn (nodes), then how it is written. Every choice's 0 is the simplest: hypothesis shrinks
to block style, plain scalars and no comments. Which styles may occur at all is drawn once a text (a swarm): it
keeps the number of draws low and makes combinations that a flat choice would never reach.

`load` and `locate_images` share nothing with the package, nor with the writer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

# --- what the tests get -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NonString:
    """A plain scalar that YAML 1.1 or 1.2 reads as null, bool, int or float; `text` as it is written."""

    text: str


class Stream(NamedTuple):
    text: str
    features: frozenset[str]


class Written(NamedTuple):
    """A stream, and what its documents hold by construction (`load(stream.text)` must be equal)."""

    stream: Stream
    documents: list[Any]


Location: TypeAlias = tuple[str | int, ...]

# --- the pools ----------------------------------------------------------------------------------------------------

DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
OTHER_DIGEST: Final = "sha256:" + "fedcba9876543210" * 4

IMAGES: Final = (
    "nginx:1",
    "nginx",
    "nginx:1.25-alpine",
    "docker.io/library/nginx:1",
    "library/nginx",
    f"index.docker.io/library/nginx:1@{DIGEST}",
    f"nginx@{DIGEST}",
    "gcr.io/foo/bar:1",
    "localhost:5000/nginx:1",
    "[::1]:5000/nginx:1",
    "other/app:2",
)
INVALID_IMAGES: Final = ("nginx:${TAG}", "$(IMG)", "NGINX:1", "{{ .x }}", "nginx:{BUILD}", "gcrXio/foo:?")
PADDED_IMAGES: Final = (" nginx:1 ", "nginx:1\n", "\tnginx", "nginx:1.25-alpine \n\n", "  other/app:2")

NON_STRINGS: Final = (
    "yes",
    "0777",
    "12:30",
    "1.20",
    ".5",
    "~",
    "true",
    "1e3",
    "0x1F",
    "null",
    "0o7",
    "1_000",
    ".inf",
)
PLAIN_ODDITIES: Final = (
    "2024-01-01",
    "=",
    "2024-01-01T00:00:00Z",
    "1.2.3",
    "<<x",
    "a#b",
    "a:b",
    "$x",
    "/a,b",
    "é",
)
LONG: Final = " ".join(f"word{i}" for i in range(40))
TEXTS: Final = (
    "text",
    "some plain words",
    "it's",
    'say "hi"',
    "# not a comment",
    "key: value",
    "- dash",
    "é ü ñ",
    "🙂 smile 🚀",
    "日本語",
    LONG,
    "yes",
    "0777",
    "12e3",
    "null",
    "",
    " padded ",
    "tab\there",
    "two\nlines\n",
    "*star",
    "@at",
    "%percent",
    "back\\slash",
    "{brace",
    "---",
    "nginx:1",
    "next\x85line \u2028 \u00a0",
    "text - with a dash",
    "http://example.org/?a=b",
)
BLOCKS: Final = (
    "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx:1\n",
    "---\nimage: nginx:1\n---\nimage: other/app:2\n",
    "- nginx:1\n- image: nginx:1\n",
    "# a comment\n\n\nimage: nginx:1",
    "it's \"quoted\" and 'quoted'\n\ttabbed line\n  more\n\nless\n",
    "  indented first\nthen not\n",
    "\tfirst with a tab\n- x\n",
    "...\n--- # c\n- name: a\n  image: nginx:1\n\n\n",
    "words that may be folded\ninto another line of words\n\nand a paragraph 🙂\n",
    '{"image": "nginx:1", "a": ["b"]}\n',
    "%YAML 1.2\n---\n&a *a\n",
)
COMMENTS: Final = (
    "# keep",
    "#",
    "# it's",
    '# say "hi',
    "# ---",
    "#--- # c",
    "# image: nginx:1",
    "# - name: x",
    "# é 🙂",
    "# {a: [b",
    "# &a *b |- >",
    "#no space\t",
)
KEYS: Final = ("note", "x.io/image", "a b", "yes", "1.20", "image", "é", "it's")

#: Styles that a text may use; which are on is drawn once a text. (Each must fit one integer draw of 24 bits.)
TRIVIA: Final = ("blank line", "blank line with spaces", "own-line comment", "odd comment column")
LINE_ENDS: Final = ("trailing spaces", "trailing comment")
STYLES_ONE: Final = (
    *TRIVIA,
    *LINE_ENDS,
    "flow",
    "flow over several lines",
    "flow comment",
    "flow closed at the parent's column",
    "flow trailing comma",
    "flow tight",
    "flow pair",
    "odd indentation",
    "indented dashes",
    "break after the indicator",
    "wide gap",
    "block styles",
    "quoted styles",
)
STYLES_TWO: Final = (
    "folded lines",
    "escapes",
    "escaped slash",
    "escaped line break",
    "quoted key",
    "space before the colon",
    "complex key",
    "!!str",
    "collection tag",
    "key order",
    "indentation indicator",
    "CRLF",
    "BOM",
    "no final newline",
    "document end",
    "value on its own line",
    "indented root",
    "content after ---",
)
ALIASES: Final = (
    "alias: image as image",
    "alias: image as name",
    "alias: image as text",
    "alias: name as image",
    "alias: text as image",
    "alias of a container",
    "alias of a template",
    "merge",
    "merge overridden",
    "merge list",
    "merge after other keys",
    "merge from elsewhere",
    "anchor redefined",
)
DIRECTIVES: Final = ("%YAML directive",)
SCALAR_STYLES: Final = ("plain", "single quoted", "double quoted", "literal", "folded")
DATA: Final = (
    *(f"kind {kind}" for kind in ("Deployment", "Pod", "KafkaConnect", "KafkaConnector")),
    *(f"kind {kind}" for kind in ("CustomResourceDefinition", "ConfigMap", "List", "Widget")),
    *(f"{key} list" for key in ("containers", "initContainers", "ephemeralContainers", "volumes")),
    *(f"odd image: {kind}" for kind in ("null", "number", "empty", "bool", "list", "mapping", "absent")),
    *(f"odd containers: {kind}" for kind in ("null", "empty", "strings", "mapping", "nested")),
    *(f"{style} image" for style in SCALAR_STYLES),
    *(f"{style} text" for style in SCALAR_STYLES),
    *(f"chomping {chomp}" for chomp in ("clip", "strip", "keep")),
    "image volume",
    "image volume without reference",
    "invalid image",
    "padded image",
    "containers under metadata",
    "no metadata",
    "odd value",
    "unicode",
    "astral",
    "long line",
    "block text",
    "orchestrator annotations",
)
STREAM: Final = (
    "no documents",
    "several documents",
    "leading ---",
    "no leading ---",
    "empty document",
    "comment-only document",
    "scalar document",
    "comment after ---",
    "spaces after ---",
)
LISTS: Final = (
    "ResourceList",
    "items at column 0",
    "items at column 2",
    "items at column 4",
    "functionConfig before items",
    "functionConfig after items",
    "no functionConfig",
)
JSON: Final = (
    "JSON",
    "JSON compact",
    "JSON spaced",
    "JSON indented",
    "JSON escapes",
    "JSON documents",
    "JSON ResourceList",
)

#: All that `Stream.features` of each strategy can name.
STREAM_FEATURES: Final = frozenset((*STYLES_ONE, *STYLES_TWO, *ALIASES, *DIRECTIVES, *DATA, *STREAM))
RESOURCE_LIST_FEATURES: Final = (STREAM_FEATURES - {*STREAM, "indented root"}) | {
    *LISTS,
    "leading ---",
    "no leading ---",
}
JSON_FEATURES: Final = frozenset(JSON) | {"BOM", "CRLF", "no final newline"}

# --- nodes --------------------------------------------------------------------------------------------------------


@dataclass
class Scalar:
    value: str
    string: bool = True
    role: str = "value"
    anchor: str | None = None


@dataclass
class Items:
    children: list[Node]
    role: str = ""
    anchor: str | None = None
    dash: int | None = None  # how far dashes are indented, where this is not to be drawn


@dataclass
class Fields:
    pairs: list[tuple[Scalar, Node]]
    role: str = ""
    anchor: str | None = None


@dataclass
class Alias:
    name: str


Node: TypeAlias = Scalar | Items | Fields | Alias

MERGE: Final = Scalar("<<", role="merge")


def to_node(value: Any) -> Node:
    if isinstance(value, str):
        return Scalar(value)
    if isinstance(value, NonString):
        return Scalar(value.text, string=False)
    if isinstance(value, list):
        return Items([to_node(child) for child in value])
    if isinstance(value, dict):
        return Fields([(Scalar(key, role="key"), to_node(child)) for key, child in value.items()])
    if isinstance(value, Scalar | Items | Fields | Alias):
        return value
    raise TypeError(value)


def data_of(node: Node, anchors: dict[str, Any]) -> Any:
    """Return what `node` holds; `anchors` collects what the anchors stand for, in the order of writing."""
    data: Any
    if isinstance(node, Alias):
        return anchors[node.name]
    if isinstance(node, Scalar):
        data = node.value if node.string else NonString(node.value)
    elif isinstance(node, Items):
        data = [data_of(child, anchors) for child in node.children]
    else:
        data = {}
        merged: dict[str, Any] = {}
        for key, child in node.pairs:
            value = data_of(child, anchors)
            if key is MERGE:
                for source in reversed(value if isinstance(value, list) else [value]):
                    merged |= source
            else:
                data[key.value] = value
        data = merged | data
    if node.anchor is not None:
        anchors[node.anchor] = data
    return data


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all nodes in it, in the order of writing."""
    yield node
    for child in children_of(node):
        yield from walk(child)


def children_of(node: Node) -> list[Node]:
    if isinstance(node, Items):
        return node.children
    return [child for _, child in node.pairs] if isinstance(node, Fields) else []


def replace(node: Node, old: Node, new: Node) -> None:
    """Put `new` in the place of `old` (the same object), somewhere in `node`."""
    for parent in walk(node):
        if isinstance(parent, Items):
            parent.children[:] = [new if child is old else child for child in parent.children]
        elif isinstance(parent, Fields):
            parent.pairs[:] = [(key, new if child is old else child) for key, child in parent.pairs]


# --- choices ------------------------------------------------------------------------------------------------------

UP_TO: Final = [st.integers(0, n) for n in range(130)]
MASK: Final = st.integers(0, 2**24 - 1)


class Choices:
    """What hypothesis draws for one text, and the features that came of it."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int], *, aliases: bool, directives: bool) -> None:
        self.draw = draw
        self.seen: set[str] = set()
        self.on = self._enabled(STYLES_ONE) | self._enabled(STYLES_TWO)
        if aliases:
            self.on |= set(ALIASES)
        if directives:
            self.on |= set(DIRECTIVES)
        self.trivia = [name for name in TRIVIA if name in self.on]
        self.line_ends = [name for name in LINE_ENDS if name in self.on]

    def _enabled(self, names: Sequence[str]) -> set[str]:
        level = self.pick(3)
        mask = 0 if level == 0 else self.draw(MASK)
        if level == 1:
            mask &= self.draw(MASK)
        return {name for i, name in enumerate(names) if mask >> i & 1}

    def pick(self, count: int) -> int:
        return self.draw(UP_TO[count - 1]) if count > 1 else 0

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.pick(len(options))]

    def chance(self, odds: int) -> bool:
        """Return True once in `odds` times."""
        return self.pick(odds) == odds - 1

    def use(self, feature: str, odds: int = 3) -> bool:
        """Return whether to use a style here, and note it."""
        if feature not in self.on or not self.chance(odds):
            return False
        self.seen.add(feature)
        return True

    def note(self, feature: str) -> None:
        self.seen.add(feature)

    def rarely(self, options: Sequence[str], weight: int = 5) -> str | None:
        """Return one of the options, each equally likely, or mostly None."""
        if not options:
            return None
        chosen = self.pick((weight + 1) * len(options)) - weight * len(options)
        return options[chosen] if chosen >= 0 else None


# --- data ---------------------------------------------------------------------------------------------------------


def mapping(c: Choices, fields: dict[str, Any], role: str = "") -> Fields:
    """Return `fields` as a node, in some order."""
    node = Fields([(Scalar(key, role="key"), to_node(value)) for key, value in fields.items()], role)
    if len(node.pairs) > 1 and c.use("key order", 2):
        turn = c.pick(len(node.pairs))
        node.pairs = node.pairs[turn:] + node.pairs[:turn]
        if c.chance(2):
            node.pairs.reverse()
    return node


def text_scalar(c: Choices, role: str = "text") -> Node:
    kind = c.pick(6)
    if kind < 3:
        value = c.one_of(TEXTS)
        if not value.isascii():
            c.note("astral" if max(value) > "\uffff" else "unicode")
        if value == LONG:
            c.note("long line")
        return Scalar(value, role=role)
    c.note("odd value")
    if kind == 3:
        return Scalar(c.one_of(PLAIN_ODDITIES), role=role)
    return Scalar(c.one_of(NON_STRINGS), string=False)


def image(c: Choices) -> Node | None:
    kind = c.pick(12)
    if kind < 8:
        return Scalar(c.one_of(IMAGES), role="image")
    if kind == 8:
        c.note("invalid image")
        return Scalar(c.one_of(INVALID_IMAGES), role="image")
    if kind == 9:
        c.note("padded image")
        return Scalar(c.one_of(PADDED_IMAGES), role="image")
    return odd_image(c)


def odd_image(c: Choices) -> Node | None:
    name, options = c.one_of(
        (
            ("absent", ()),
            ("null", (NonString(""), NonString("null"), NonString("~"))),
            ("number", (NonString("123"), NonString("1.20"))),
            ("empty", ("",)),
            ("bool", (NonString("true"), NonString("off"))),
            ("list", (["nginx:1"],)),
            ("mapping", ({"repository": "nginx", "tag": "1"},)),
        )
    )
    c.note(f"odd image: {name}")
    return to_node(c.one_of(options)) if options else None


def metadata(c: Choices) -> dict[str, Any]:
    data: dict[str, Any] = {"name": Scalar(c.one_of(("app", "web", "nginx", "nginx.1", "db-0")), role="name")}
    extra = c.pick(8)
    if extra == 1:
        data["labels"] = mapping(c, {"app": text_scalar(c), c.one_of(KEYS): text_scalar(c)})
    elif extra == 2:
        data["annotations"] = mapping(c, {c.one_of(KEYS): text_scalar(c)})
    elif extra == 3:
        c.note("containers under metadata")
        data["spec"] = mapping(c, {"containers": [{"name": "not", "image": c.one_of(IMAGES)}]})
    elif extra == 4:
        c.note("orchestrator annotations")
        data["annotations"] = {
            "config.kubernetes.io/path": "a b.yaml",
            "config.kubernetes.io/index": "0",
            "internal.config.kubernetes.io/id": "1",
        }
    return data


def container(c: Choices, name: str) -> Node:
    fields: dict[str, Any] = {"name": Scalar(name, role="name")}
    found = image(c)
    if found is not None:
        fields["image"] = found
    extra = c.pick(9)
    if extra == 1:
        fields["env"] = [mapping(c, {"name": "A", "value": text_scalar(c)})]
    elif extra == 2:
        fields["args"] = ["--image=nginx:1", text_scalar(c)]
    elif extra == 3:
        fields["resources"] = {"limits": {"cpu": NonString("1.20"), "memory": "1Gi"}}
    elif extra == 4:
        fields["command"] = ["sh", "-c", block_text(c)]
    elif extra == 5:
        fields["imagePullPolicy"] = "Always"
    return mapping(c, fields, "container")


def containers(c: Choices, key: str) -> Node:
    c.note(f"{key} list")
    kind = c.pick(14)
    if kind < 12:
        return Items([container(c, f"c{i}") for i in range(1 + c.one_of((0, 0, 1, 2)))])
    name, value = c.one_of(
        (
            ("null", NonString("")),
            ("empty", []),
            ("strings", ["nginx:1", NonString("~")]),
            ("mapping", {"main": {"image": "nginx:1"}}),
            ("nested", [[{"image": "nginx:1"}], {"image": "other/app:2"}]),
        )
    )
    c.note(f"odd containers: {name}")
    return to_node(value)


def volume(c: Choices) -> Node:
    kind = c.pick(6)
    fields: dict[str, Any] = {"name": Scalar("data", role="name")}
    found = image(c) if kind < 3 else None
    if found is not None:
        c.note("image volume")
        fields["image"] = mapping(c, {"reference": found, "pullPolicy": "IfNotPresent"})
    elif kind == 3:
        c.note("image volume without reference")
        fields["image"] = "nginx:1"
    elif kind == 4:
        c.note("image volume without reference")
        fields["image"] = {"pullPolicy": "Always"}
    else:
        fields["emptyDir"] = {}
    return mapping(c, fields)


def pod_spec(c: Choices, *, ephemeral: bool = False) -> Node:
    fields: dict[str, Any] = {}
    if c.chance(3):
        fields["initContainers"] = containers(c, "initContainers")
    fields["containers"] = containers(c, "containers")
    if ephemeral or c.chance(8):
        fields["ephemeralContainers"] = containers(c, "ephemeralContainers")
    if c.chance(4 if not ephemeral else 2):
        c.note("volumes list")
        fields["volumes"] = [volume(c) for _ in range(1 + c.pick(2))]
    return mapping(c, fields)


def resource_head(c: Choices, api_version: str, kind: str) -> dict[str, Any]:
    head: dict[str, Any] = {"apiVersion": api_version, "kind": kind}
    if c.chance(8):
        c.note("no metadata")
    else:
        head["metadata"] = mapping(c, metadata(c))
    return head


def deployment(c: Choices) -> Node:
    kind = c.one_of(("Deployment", "StatefulSet", "Job"))
    c.note("kind Deployment")
    template: dict[str, Any] = {"spec": pod_spec(c)}
    if c.chance(3):
        template = {"metadata": mapping(c, metadata(c)), **template}
    spec: dict[str, Any] = {"template": mapping(c, template, "template")}
    if c.chance(3):
        spec["replicas"] = NonString("2")
    return mapping(c, {**resource_head(c, "apps/v1", kind), "spec": mapping(c, spec)}, "resource")


def pod(c: Choices) -> Node:
    c.note("kind Pod")
    return mapping(c, {**resource_head(c, "v1", "Pod"), "spec": pod_spec(c, ephemeral=True)}, "resource")


def kafka_connect(c: Choices) -> Node:
    kind = c.one_of(("KafkaConnect", "KafkaConnect", "KafkaConnector"))
    c.note(f"kind {kind}")
    spec: dict[str, Any] = {"version": NonString("3.9") if c.chance(2) else "3.9.0"}
    found = image(c)
    if found is not None:
        spec["image"] = found
    if c.chance(3):
        spec["template"] = {"pod": pod_spec(c)}
    head = resource_head(c, "kafka.strimzi.io/v1beta2", kind)
    return mapping(c, {**head, "spec": mapping(c, spec)}, "resource")


def custom_resource_definition(c: Choices) -> Node:
    c.note("kind CustomResourceDefinition")
    found = c.one_of(IMAGES)
    schema = {
        "properties": {
            "image": {"type": "string", "default": found},
            "containers": {"items": {"properties": {"image": {"type": "string"}}}},
            "enum": ["=", NonString("1.20"), "2024-01-01"],
        },
        "example": {"containers": [{"name": "a", "image": found}], "volumes": [{"image": {"reference": found}}]},
    }
    head = resource_head(c, "apiextensions.k8s.io/v1", "CustomResourceDefinition")
    return mapping(c, {**head, "spec": {"versions": [{"name": "v1", "schema": schema}]}}, "resource")


def block_text(c: Choices) -> Node:
    c.note("block text")
    return Scalar(c.one_of(BLOCKS), role="text")


def config_map(c: Choices) -> Node:
    c.note("kind ConfigMap")
    data: dict[str, Any] = {"a.yaml": block_text(c)}
    if c.chance(2):
        data["b.yaml"] = block_text(c)
    if c.chance(2):
        data[c.one_of(KEYS)] = text_scalar(c)
    return mapping(c, {**resource_head(c, "v1", "ConfigMap"), "data": mapping(c, data)}, "resource")


def widget(c: Choices) -> Node:
    c.note("kind Widget")
    spec: dict[str, Any] = {c.one_of(KEYS): text_scalar(c), "value": text_scalar(c), "items": [text_scalar(c)]}
    if c.chance(3):
        spec["parts"] = {"deep": [pod_spec(c)]}
    fields = {**resource_head(c, "example.org/v1", "Widget"), "spec": mapping(c, spec)}
    if c.chance(4):
        del fields["kind"]
    return mapping(c, fields, "resource")


def resource_of(c: Choices, depth: int = 0) -> Node:
    kind = c.pick(9)
    if kind < 3:
        return deployment(c)
    if kind == 3:
        return pod(c)
    if kind == 4:
        return kafka_connect(c)
    if kind == 5:
        return custom_resource_definition(c)
    if kind == 6:
        return config_map(c)
    if kind == 7 or depth:
        return widget(c)
    c.note("kind List")
    head: dict[str, Any] = {"apiVersion": "v1", "kind": c.one_of(("List", "PodList"))}
    if c.chance(3):
        head["metadata"] = {}
    items = [resource_of(c, depth + 1) for _ in range(c.one_of((1, 2, 0, 3)))]
    return mapping(c, {**head, "items": items}, "resource")


# --- aliases ------------------------------------------------------------------------------------------------------


def share(c: Choices, root: Node) -> None:
    """Put anchors and aliases into a document."""
    if not c.on.intersection(ALIASES) or not c.chance(3):
        return
    names = [f"{c.one_of(('a', 'img', 'x-1', 'A_b'))}{i}" for i in range(8)]

    def anchored(node: Scalar | Items | Fields) -> Alias:
        node.anchor = node.anchor or names.pop()
        return Alias(node.anchor)

    for _ in range(1 + c.pick(3)):
        if len(names) < 3:
            break
        (share_scalar, share_container, share_template, merge_from_elsewhere)[c.pick(4)](c, root, anchored)
    redefine_anchor(c, root)


Anchored: TypeAlias = Callable[[Scalar | Items | Fields], Alias]


def has_anchor(node: Node) -> bool:
    return any(not isinstance(inner, Alias) and inner.anchor for inner in walk(node))


def share_scalar(c: Choices, root: Node, anchored: Anchored) -> None:
    scalars = [node for node in walk(root) if isinstance(node, Scalar) and node.role in {"image", "name", "text"}]
    pairs = [
        (i, j) for j in range(len(scalars)) for i in range(j) if "image" in {scalars[i].role, scalars[j].role}
    ]
    pairs = [(i, j) for i, j in pairs if not scalars[j].anchor][:100]
    if pairs:
        i, j = c.one_of(pairs)
        c.note(f"alias: {scalars[i].role} as {scalars[j].role}")
        replace(root, scalars[j], anchored(scalars[i]))


def share_container(c: Choices, root: Node, anchored: Anchored) -> None:
    found = [node for node in walk(root) if isinstance(node, Fields) and node.role == "container"]
    if len(found) < 2:
        return
    last = 1 + c.pick(len(found) - 1)
    target, sources = found[last], found[:last]
    if has_anchor(target):
        return
    source = c.one_of(sources)
    how = c.pick(4)
    if how == 0:
        c.note("alias of a container")
        replace(root, target, anchored(source))
        return
    merged: Node = anchored(source)
    if how == 3 and len(sources) > 1:
        c.note("merge list")
        merged = Items([merged, anchored(next(node for node in sources if node is not source))])
    merge_into(c, target, merged)


def merge_into(c: Choices, target: Fields, merged: Node) -> None:
    """Give `target` a merge key, and let it keep none or some of its own keys."""
    c.note("merge")
    pairs = target.pairs[: c.pick(len(target.pairs) + 1)]
    if any(key.value == "image" for key, _ in pairs):
        c.note("merge overridden")
    place = c.pick(len(pairs) + 1)
    if place:
        c.note("merge after other keys")
    target.pairs = [*pairs[:place], (MERGE, merged), *pairs[place:]]


def share_template(c: Choices, root: Node, anchored: Anchored) -> None:
    found = [node for node in walk(root) if isinstance(node, Fields) and node.role == "template"]
    last = root
    while isinstance(last, Items | Fields) and last.role != "resource" and children_of(last):
        last = children_of(last)[-1]  # what is appended to the last resource comes after all anchors
    if not found or not isinstance(last, Fields) or last.role != "resource":
        return
    alias = anchored(c.one_of(found))
    c.note("alias of a template")
    if c.chance(2):
        last.pairs.append((Scalar("x-template", role="key"), alias))
    else:
        c.note("merge")
        own: list[tuple[Scalar, Node]] = [(Scalar("note", role="key"), Scalar("own"))]
        last.pairs.append((Scalar("x-template", role="key"), Fields([*own, (MERGE, alias)])))


def merge_from_elsewhere(c: Choices, root: Node, anchored: Anchored) -> None:
    found = [node for node in walk(root) if isinstance(node, Fields) and node.role == "container"]
    first = next((node for node in walk(root) if isinstance(node, Fields) and node.role == "resource"), None)
    if (
        not found
        or first is None
        or has_anchor(found[0])
        or any(key.value == "x-common" for key, _ in first.pairs)
    ):
        return
    c.note("merge from elsewhere")
    common = Fields([(Scalar("image", role="key"), Scalar(c.one_of(IMAGES), role="image"))])
    first.pairs.insert(0, (Scalar("x-common", role="key"), common))
    merge_into(c, found[0], anchored(common))


def redefine_anchor(c: Choices, root: Node) -> None:
    """Give two anchors one name, where no alias of the first comes after the second."""
    order = [node for node in walk(root) if isinstance(node, Alias) or node.anchor]
    for i, node in enumerate(order):
        if isinstance(node, Alias) or node.anchor is None:
            continue
        for earlier in order[:i]:
            if isinstance(earlier, Alias) or earlier.anchor is None or earlier.anchor == node.anchor:
                continue
            if Alias(earlier.anchor) in order[i:] or not c.use("anchor redefined", 2):
                continue
            for alias in order[i:]:
                if isinstance(alias, Alias) and alias.name == node.anchor:
                    alias.name = earlier.anchor
            node.anchor = earlier.anchor
            return


# --- the writer ---------------------------------------------------------------------------------------------------

RESOLVED: Final = re.compile(
    r"""
      | ~ | null | Null | NULL
      | [yY] | yes | Yes | YES | [nN] | no | No | NO | true | True | TRUE | false | False | FALSE
      | on | On | ON | off | Off | OFF
      | [-+]? 0b [01_]+ | [-+]? 0x [0-9a-fA-F_]+ | 0o [0-7]+ | [-+]? [0-9][0-9_]*
      | [-+]? [0-9][0-9_]* (?: : [0-5]?[0-9] )+ (?: \. [0-9_]* )?
      | [-+]? (?: [0-9][0-9_]* (?: \. [0-9_]* )? | \. [0-9][0-9_]* ) (?: [eE] [-+]? [0-9]+ )?
      | [-+]? \. (?: inf | Inf | INF ) | \. (?: nan | NaN | NAN )
    """,
    re.VERBOSE,
)
PLAIN: Final = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`\x00-\x1f](?:[^\x00-\x1f\x7f\x85\u2028\u2029]*[^\s:])?")
FOLDABLE: Final = re.compile(r"(?<=[^\s]) (?=[^\s#])")
RAW: Final = re.compile(
    r"[\n\t\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
SHORT_ESCAPES: Final = {
    "\n": "\\n",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
    "\x85": "\\N",
    "\u2028": "\\L",
    "\u00a0": "\\_",
}


def is_plain(value: str, *, in_flow: bool) -> bool:
    """Say whether all parsers read `value` as it stands (careful: not all that may be plain)."""
    if not PLAIN.fullmatch(value) or ": " in value or " #" in value or "\t" in value:
        return False
    return not (in_flow and re.search(r"[,?\[\]{}]", value))


def hexed(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08x}"


class Writer:
    """Writes nodes as YAML text; every method that ends a line leaves the writer at the start of the next."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.out: list[str] = []
        # After a block scalar, blank and deep lines would belong to it.
        self.block_column: int | None = None
        self.block_keeps = False

    def line(self, text: str) -> None:
        self.out.append(text + "\n")
        self.block_column = None

    def end_line(self) -> None:
        ending = self.choices.rarely(self.choices.line_ends)
        if ending is None:
            self.line("")
            return
        self.choices.note(ending)
        spaces = " " * (1 + self.choices.pick(3))
        self.line(spaces if ending == "trailing spaces" else spaces + self.choices.one_of(COMMENTS))

    def trivia(self, column: int) -> None:
        """Write blank lines or a comment, or mostly nothing, before what stands at `column`."""
        c = self.choices
        chosen = c.rarely(c.trivia)
        if chosen is None or (self.block_keeps and self.block_column is not None and "comment" not in chosen):
            return
        if chosen == "blank line with spaces" and self.block_column is not None:
            return
        c.note(chosen)
        if chosen == "blank line":
            column_was = self.block_column
            self.line("")
            self.block_column = column_was
        elif chosen == "blank line with spaces":
            self.line(" " * (1 + c.pick(6)))
        else:
            indent = column if chosen == "own-line comment" else c.pick(12)
            if self.block_column is not None:
                indent = min(indent, self.block_column - 1)
            self.line(" " * indent + c.one_of(COMMENTS))

    def step(self) -> int:
        return 1 + self.choices.pick(7) if self.choices.use("odd indentation") else 2

    def gap(self) -> str:
        return " " * (2 + self.choices.pick(4)) if self.choices.use("wide gap") else " "

    # Scalars.

    def style(self, scalar: Scalar, *, in_flow: bool, block: bool, in_line: bool = False) -> tuple[str, bool]:
        """Return the style to write `scalar` in, and whether it needs the tag !!str."""
        c, value = self.choices, scalar.value
        resolves = RESOLVED.fullmatch(value) is not None
        plain = is_plain(value, in_flow=in_flow) or (value == "" and not in_flow)
        if not scalar.string:
            return "plain", False
        tag = plain and not in_line and c.use("!!str")
        raw = RAW.fullmatch(value) is not None
        several_lines = "\n" in value
        folds = not re.search(r"[ \t]\n|\n[ \t]|^\n", value) and not in_line
        options: list[str] = []
        if plain and (tag or not resolves):
            options.append("plain")
        if block and raw and is_block_text(value):
            options += ["literal", "folded"] if several_lines or "block styles" in c.on else []
        if raw and "'" not in value and not several_lines:
            options.append("single quoted")
        options.append("double quoted")
        if raw and ("'" in value or (several_lines and folds)):
            options.append("single quoted")
        if len(options) > 1 and c.on.intersection(("quoted styles", "block styles")):
            style = options[max(0, c.pick(len(options) + 2) - 2)]
        else:
            style = options[0]
        if scalar.role in {"image", "text"}:
            c.note(f"{style} {scalar.role}")
        return style, tag

    def inline(self, value: str, style: str, column: int | None) -> str:
        """Return `value` in a plain or quoted style; lines that continue it stand at `column`, if it may have any."""
        c = self.choices
        if style == "double quoted":
            return '"' + self.double_quoted(value, column) + '"'
        folded = value
        place = None
        spaces = [match.start() for match in FOLDABLE.finditer(value)]
        if spaces and column is not None and c.use("folded lines", 2):
            place = spaces[c.pick(min(len(spaces), 100))]
            folded = value[:place] + "\0" + value[place + 1 :]
        if style == "single quoted":
            indent = " " * (column or 0)
            folded = re.sub(r"\n+", lambda breaks: "\n" + breaks[0] + indent, folded.replace("'", "''"))
            return "'" + folded.replace("\0", "\n" + indent) + "'"
        return folded.replace("\0", "\n" + " " * (column or 0))

    def double_quoted(self, value: str, column: int | None) -> str:
        c = self.choices
        chars = [SHORT_ESCAPES.get(char, char if RAW.fullmatch(char) else hexed(char)) for char in value]
        if value and c.use("escapes", 2):
            for _ in range(1 + c.pick(3)):
                place = c.pick(min(len(value), 100))
                chars[place] = hexed(value[place])
        if "/" in value and c.use("escaped slash", 2):
            chars[value.index("/")] = "\\/"
        spaces = [match.start() for match in FOLDABLE.finditer(value)]
        if column is not None and spaces and c.use("folded lines", 2):
            chars[spaces[c.pick(min(len(spaces), 100))]] = " " * c.pick(3) + "\n" + " " * column
        if column is not None and value and c.use("escaped line break", 2):
            place = c.pick(min(len(value), 100))
            around = chars[place], chars[place - 1] if place else ""
            if not any("\n" in char for char in around):
                chars[place] = "\\\n" + " " * column + ("\\ " if chars[place] == " " else chars[place])
        return "".join(chars)

    def block_scalar(self, value: str, style: str, parent: int) -> None:
        """Write the header and the lines of a block scalar in a collection at column `parent`."""
        c = self.choices
        body = value.rstrip("\n")
        newlines = len(value) - len(body)
        chomp = "-" if newlines == 0 else "+" if newlines > 1 or c.chance(6) else ""
        c.note("chomping " + {"-": "strip", "": "clip", "+": "keep"}[chomp])
        step = max(self.step(), 2 if parent < 0 else 1)
        column = parent + step
        needed = value[0] in " \t\n"
        indicator = str(step) if needed or (parent >= 0 and c.use("indentation indicator")) else ""
        if needed:
            c.note("indentation indicator")
        header = ("|" if style == "literal" else ">") + (chomp + indicator if c.chance(3) else indicator + chomp)
        self.out.append(header)
        self.end_line()
        lines = body.split("\n")
        if style == "folded":
            lines = self.folded(lines)
        for text in lines + [""] * (newlines - 1 if chomp == "+" else 0):
            self.line(" " * column + text if text else "")
        self.block_column, self.block_keeps = column, chomp == "+"

    def folded(self, lines: list[str]) -> list[str]:
        """Return the lines of a folded scalar that reads back as `lines`."""
        written: list[str] = []
        deep = True  # as was the last line that is not empty; where one of two is deep, a line break stays
        for text in lines:
            if text:
                if not deep and text[0] not in " \t":
                    written.append("")
                deep = text[0] in " \t"
                spaces = [match.start() for match in FOLDABLE.finditer(text)]
                if spaces and not deep and self.choices.use("folded lines", 2):
                    place = spaces[self.choices.pick(min(len(spaces), 100))]
                    written += [text[:place], text[place + 1 :]]
                    continue
            written.append(text)
        return written

    def properties(self, node: Scalar | Items | Fields, tag: str) -> str:
        """Return a node's anchor and tag, with the space before each."""
        found = [f"&{node.anchor}"] if node.anchor else []
        if tag:
            found.insert(self.choices.pick(len(found) + 1), tag)
        return "".join(" " + text for text in found)

    def collection_properties(self, node: Items | Fields) -> str:
        tag = "!!map" if isinstance(node, Fields) else "!!seq"
        return self.properties(node, tag if self.choices.use("collection tag", 8) else "")

    def key(self, key: Scalar, *, in_flow: bool) -> str:
        style, _ = self.style(key, in_flow=in_flow, block=False, in_line=True)
        if style == "plain" and key is not MERGE and self.choices.use("quoted key", 6):
            style = self.choices.one_of(("double quoted", "single quoted"))
        return self.inline(key.value, style, None)

    # Block style.

    def value(self, node: Node, parent: int, here: int | None) -> None:
        """Write what follows an indicator (`key:`, `-`, `:`) of a collection at column `parent`.

        `here` is the column after a `-` or `:` indicator: a collection may begin on that line.
        """
        c = self.choices
        if isinstance(node, Alias):
            self.out.append(f"{self.gap()}*{node.name}")
            self.end_line()
        elif isinstance(node, Scalar):
            self.scalar(node, parent)
        elif not children_of(node) or (not self.keeps_block(node) and c.use("flow", 6)):
            properties = self.collection_properties(node)
            self.out.append(properties + self.gap() + self.flow(node, parent))
            self.end_line()
        else:
            properties = self.collection_properties(node)
            compact = here is not None and not properties and not c.use("break after the indicator", 4)
            if compact and here is not None:
                gap = self.gap()
                self.out.append(gap)
                self.collection(node, here + len(gap), begun=True)
                return
            self.out.append(properties)
            self.end_line()
            column = parent + (1 if parent < 0 else self.step())
            if isinstance(node, Items) and here is None and parent >= 0:
                if node.dash is not None:
                    column = parent + node.dash
                elif not c.use("indented dashes", 2):
                    column = parent
            self.collection(node, column)

    def keeps_block(self, node: Node) -> bool:
        return isinstance(node, Items) and node.dash is not None

    def collection(self, node: Items | Fields, column: int, *, begun: bool = False) -> None:
        """Write a block collection at `column`; `begun`: the writer is there already."""
        c = self.choices
        for child in node.children if isinstance(node, Items) else node.pairs:
            if not begun:
                self.trivia(column)
                self.out.append(" " * column)
            begun = False
            if not isinstance(child, tuple):
                self.out.append("-")
                self.value(child, column, column + 1)
                continue
            key, value = child
            if key is not MERGE and c.use("complex key", 12):
                self.out.append("? " + self.key(key, in_flow=False))
                self.end_line()
                self.trivia(column)
                self.out.append(" " * column + ":")
                self.value(value, column, column + 1)
            else:
                self.out.append(
                    self.key(key, in_flow=False) + (" :" if c.use("space before the colon", 8) else ":")
                )
                self.value(value, column, None)

    def scalar(self, node: Scalar, parent: int) -> None:
        style, tag = self.style(node, in_flow=False, block=True)
        self.out.append(self.properties(node, "!!str" if tag else ""))
        if style in {"literal", "folded"}:
            self.out.append(self.gap())
            self.block_scalar(node.value, style, parent)
            return
        if style == "plain" and not node.value:
            self.end_line()
            return
        column = max(1, parent + self.step())
        text = self.inline(node.value, style, column)
        if self.choices.use("value on its own line", 8):
            self.end_line()
            self.out.append(" " * column + text)
        else:
            self.out.append(self.gap() + text)
        self.end_line()

    # Flow style.

    def flow(self, node: Node, outer: int) -> str:
        """Return `node` in flow style, in a block collection at column `outer`."""
        if isinstance(node, Alias):
            return "*" + node.name
        if isinstance(node, Scalar):
            style, tag = self.style(node, in_flow=True, block=False)
            text = self.inline(node.value, style, max(1, outer + 2))
            return (
                self.properties(node, "!!str" if tag else "").lstrip() + (" " if tag or node.anchor else "") + text
            )
        c = self.choices
        opening, closing = "[]" if isinstance(node, Items) else "{}"
        entries = [self.flow_entry(child, outer) for child in node.children] if isinstance(node, Items) else []
        if isinstance(node, Fields):
            entries = [self.flow_field(key, value, outer) for key, value in node.pairs]
        first, between, last = "", ", ", ""
        if entries and c.use("flow over several lines", 2):
            first = between = last = "\n" + " " * max(1, outer + self.step())
            between = "," + between
            if c.use("flow comment"):
                between = ", " + c.one_of(COMMENTS) + between[1:]
            if c.use("flow closed at the parent's column"):
                last = "\n" + " " * max(0, outer)
        elif c.use("flow tight"):
            between = ","
        elif c.use("wide gap"):
            first, last = "  ", " "
        if entries and c.use("flow trailing comma"):
            last = "," + last
        return opening + first + between.join(entries) + last + closing

    def flow_entry(self, node: Node, outer: int) -> str:
        if (
            isinstance(node, Fields)
            and len(node.pairs) == 1
            and not node.anchor
            and self.choices.use("flow pair", 2)
        ):
            return self.flow_field(*node.pairs[0], outer)
        return self.nested_flow(node, outer)

    def flow_field(self, key: Scalar, value: Node, outer: int) -> str:
        text = self.key(key, in_flow=True)
        if text[0] in "\"'" and self.choices.use("flow tight"):
            return text + ":" + (self.nested_flow(value, outer) or " ")
        if key is not MERGE and self.choices.use("complex key", 12):
            return f"? {text} : {self.nested_flow(value, outer)}"
        return f"{text}: {self.nested_flow(value, outer)}"

    def nested_flow(self, node: Node, outer: int) -> str:
        if isinstance(node, Items | Fields):
            return (self.collection_properties(node) + " ").lstrip() + self.flow(node, outer)
        return self.flow(node, outer)

    # Documents.

    def document(self, node: Node | None, *, marker: bool) -> None:
        """Write a document; None is an empty one."""
        c = self.choices
        if marker:
            self.out.append("---")
        if node is None:
            self.marker_end()
            self.trivia(0)
        elif (
            isinstance(node, Items | Fields)
            and children_of(node)
            and (self.keeps_root(node) or not c.use("flow", 8))
        ):
            if marker:
                self.out.append(self.collection_properties(node))
                self.marker_end()
            column = c.pick(6) if not self.keeps_root(node) and c.use("indented root") else 0
            self.collection(node, column)
        elif marker and c.use("content after ---", 2):
            self.value(node, -1, None)
        else:
            if marker:
                self.marker_end()
            written = len(self.out)
            self.value(node, -1, None)
            self.out[written:] = ["".join(self.out[written:]).lstrip(" ")]

    def keeps_root(self, node: Node) -> bool:
        return any(self.keeps_block(child) for child in children_of(node))

    def marker_end(self) -> None:
        ending = self.choices.pick(6)
        if ending == 4:
            self.choices.note("spaces after ---")
            self.line("  ")
        elif ending == 5:
            self.choices.note("comment after ---")
            self.line(" " + self.choices.one_of(COMMENTS))
        else:
            self.line("")


def is_block_text(value: str) -> bool:
    """Say whether `value` may be a block scalar: some text, and no line of nothing but white space."""
    return bool(value.strip()) and not re.search(r"(?m)^[ \t]+$", value)


def write_stream(c: Choices, documents: Sequence[Node | None]) -> str:
    writer = Writer(c)
    ended = True  # a directive may stand only where no document is open
    for i, node in enumerate(documents):
        writer.trivia(0)
        if i and c.use("document end"):
            writer.line("... # end" if c.chance(3) else "...")
            ended = True
        directive = ended and c.use("%YAML directive", 10)
        if directive:
            writer.line("%YAML 1.2 # c" if c.chance(4) else "%YAML 1.2")
        marker = i > 0 or directive or node is None or c.chance(3)
        if i == 0:
            c.note("leading ---" if marker else "no leading ---")
        writer.document(node, marker=marker)
        ended = False
    writer.trivia(0)
    if documents and c.use("document end", 6):
        writer.line("...")
    return finished(c, "".join(writer.out), after_block=writer.block_column is not None)


def finished(c: Choices, text: str, *, after_block: bool = False) -> str:
    # The last newline of a block scalar is part of its value.
    if not after_block and text.endswith("\n") and c.use("no final newline", 2):
        text = text[:-1]
    if "\n" in text and c.use("CRLF", 2):
        text = text.replace("\n", "\r\n")
    if c.use("BOM", 2):
        text = "\ufeff" + text
    return text


def to_json(c: Choices, node: Node, indent: int | None, level: int = 0) -> str:
    """Return `node` as JSON; what JSON has no word for must not be in it."""
    comma, colon = (",", ":") if "JSON compact" in c.seen else (", ", ": ")
    if isinstance(node, Items | Fields):
        opening, closing = "[]" if isinstance(node, Items) else "{}"
        entries = [to_json(c, child, indent, level + 1) for child in children_of(node)]
        if isinstance(node, Fields):
            entries = [
                to_json(c, key, None) + colon + text for (key, _), text in zip(node.pairs, entries, strict=True)
            ]
        if indent is None or not entries:
            return opening + comma.join(entries) + closing
        line = "\n" + " " * indent * (level + 1)
        return opening + line + ("," + line).join(entries) + "\n" + " " * indent * level + closing
    if isinstance(node, Alias):
        raise TypeError(node)
    if not node.string:
        return node.value or "null"
    chars = [SHORT_ESCAPES.get(char, char) if char in '\n\t"\\' else char for char in node.value]
    chars = [char if RAW.fullmatch(char) else hexed(char) for char in chars]
    if node.value and node.role != "key" and "JSON escapes" in c.on and c.chance(2):
        c.note("JSON escapes")
        place = c.pick(min(len(chars), 100))
        char = node.value[place]
        chars[place] = "\\/" if char == "/" else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char
    return '"' + "".join(chars) + '"'


def as_json_data(node: Node) -> None:
    """Make strings of the plain scalars that are no JSON."""
    for inner in walk(node):
        if isinstance(inner, Scalar) and not inner.string:
            inner.string = not re.fullmatch(
                r"|null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[0-9]+)?", inner.value
            )
            inner.value = inner.value if inner.string or inner.value else "null"


# --- the strategies -----------------------------------------------------------------------------------------------


def resource_list(c: Choices) -> Fields:
    c.note("ResourceList")
    place = c.pick(3)
    c.note(("functionConfig before items", "functionConfig after items", "no functionConfig")[place])
    dash = c.one_of((0, 2, 4))
    c.note(f"items at column {dash}")
    items = Items([resource_of(c, 1 - c.pick(2)) for _ in range(c.one_of((1, 2, 3, 0)))], dash=dash)
    if not items.children:
        items.dash = None
    head: dict[str, Any] = {
        "apiVersion": c.one_of(("config.kubernetes.io/v1", "config.kubernetes.io/v1beta1")),
        "kind": "ResourceList",
    }
    config = {
        "apiVersion": "krm-image-setter.dev/v1alpha1",
        "kind": "ImageSetter",
        "metadata": {"name": "set-images"},
        "images": [{"name": "nginx", "newTag": "9"}],
    }
    rest: list[dict[str, Any]] = [
        {"functionConfig": config, "items": items},
        {"items": items, "functionConfig": config},
        {"items": items},
    ]
    node = to_node(head | rest[place])
    assert isinstance(node, Fields)
    return node


def described(c: Choices, text: str, documents: Sequence[Node | None]) -> Written:
    data = [NonString("") if node is None else data_of(node, {}) for node in documents]
    return Written(Stream(text, frozenset(c.seen)), data)


@st.composite
def written_streams(draw: st.DrawFn, *, aliases: bool = True, directives: bool = True) -> Written:
    c = Choices(draw, aliases=aliases, directives=directives)
    documents: list[Node | None] = []
    count = c.one_of((1, 2, 3, 4, 0))
    c.note("no documents" if count == 0 else "several documents" if count > 1 else "no documents")
    if count:
        c.seen.discard("no documents")
    for _ in range(count):
        kind = c.pick(14)
        if kind < 12:
            node = resource_of(c)
            share(c, node)
            documents.append(node)
        elif kind == 12:
            c.note("empty document")
            documents.append(None)
        else:
            c.note("scalar document")
            documents.append(to_node(c.one_of(("text", "nginx:1", "image: nginx:1\n", ["nginx:1"]))))
    return described(c, write_stream(c, documents), documents)


@st.composite
def written_resource_lists(draw: st.DrawFn, *, aliases: bool = True, directives: bool = True) -> Written:
    c = Choices(draw, aliases=aliases, directives=directives)
    node = resource_list(c)
    items = next(child for key, child in node.pairs if key.value == "items")
    share(c, items)
    return described(c, write_stream(c, [node]), [node])


@st.composite
def written_json_streams(draw: st.DrawFn) -> Written:
    c = Choices(draw, aliases=False, directives=False)
    c.on.add("JSON escapes")
    c.note("JSON")
    documents: list[Node] = []
    if c.chance(3):
        c.note("JSON ResourceList")
        documents.append(resource_list(c))
    else:
        documents += [resource_of(c) for _ in range(c.one_of((1, 1, 1, 2)))]
    c.seen = {"JSON"}
    layout = c.pick(3)
    c.note(("JSON indented", "JSON compact", "JSON spaced")[layout])
    indent = 1 + c.pick(4) if layout == 0 else None
    if len(documents) > 1:
        c.note("JSON documents")
    texts = []
    for node in documents:
        as_json_data(node)
        texts.append(to_json(c, node, indent) + "\n")
    return described(c, finished(c, "---\n".join(texts)), documents)
