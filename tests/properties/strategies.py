"""Kubernetes YAML as people write it, and configurations for it.

The text is written by a small random writer of our own, never dumped, so that every style can occur. First the
data of a document is drawn (nodes), then how it is written. Every choice's 0 is the simplest: hypothesis shrinks
to block style, plain scalars and no comments. Which styles may occur at all is drawn once a text (a swarm): it
keeps the number of draws low and makes combinations that a flat choice would never reach.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import yaml
from hypothesis import strategies as st
from properties.reader import NonString, is_non_string

T = TypeVar("T")


class Written(NamedTuple):
    """A stream, the styles and data in it, and what its documents hold (`load(text)` must be equal)."""

    text: str
    features: frozenset[str]
    documents: list[Any]


# --- the pools ---------------------------------------------------------------------------------------------------

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
    "🐳: nginx:1",
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
    "a \U0001d4b3 plane",
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

#: Styles that a text may use; which are on is drawn once a text. (A list must fit one integer draw of 24 bits.)
GATES: Final = ("block styles", "quoted styles")  # no features of their own: they allow SCALAR_STYLES to vary
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
    "odd indentation",
    "indented dashes",
    "break after the indicator",
    "wide gap",
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
WRITTEN_AS: Final = (
    *(f"{style} {role}" for style in SCALAR_STYLES for role in ("image", "text")),
    "chomping clip",
    "chomping strip",
    "chomping keep",
    "flow pair",
    "flow pair tight",
)
KINDS: Final = (
    "Deployment",
    "StatefulSet",
    "Job",
    "Pod",
    "KafkaConnect",
    "KafkaConnector",
    "CustomResourceDefinition",
    "ConfigMap",
    "Widget",
    "List",
    "PodList",
)
DATA: Final = (
    *(f"kind {kind}" for kind in KINDS),
    *(f"{key} list" for key in ("containers", "initContainers", "ephemeralContainers", "volumes")),
    *(f"odd image: {kind}" for kind in ("null", "number", "empty", "bool", "list", "mapping", "absent")),
    *(f"odd containers: {kind}" for kind in ("null", "empty", "strings", "mapping", "nested")),
    "container without name",
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
MARKERS: Final = ("leading ---", "no leading ---", "comment after ---", "spaces after ---")
STREAM: Final = (
    *MARKERS,
    "no documents",
    "several documents",
    "empty document",
    "comment-only document",
    "scalar document",
    "content after ---",
    "indented root",
)
LISTS: Final = (
    "ResourceList",
    "functionConfig before items",
    "functionConfig after items",
    "no functionConfig",
)
DASHES: Final = ("items at column 0", "items at column 2", "items at column 4")
JSON: Final = (
    "JSON",
    "JSON compact",
    "JSON spaced",
    "JSON indented",
    "JSON escapes",
    "JSON documents",
    "JSON ResourceList",
)

#: Features of texts that PyYAML reads, C and pure, and ruamel.yaml's pure parser refuses.
RUAMEL_REFUSES: Final = frozenset(("flow pair tight",))

#: All that `Written.features` of each strategy can name.
STREAM_FEATURES: Final = frozenset((*STYLES_ONE, *STYLES_TWO, *ALIASES, *DIRECTIVES, *DATA, *WRITTEN_AS, *STREAM))
RESOURCE_LIST_FEATURES: Final = STREAM_FEATURES.difference(STREAM).union(LISTS, DASHES, MARKERS)
JSON_FEATURES: Final = frozenset((*JSON, *LISTS, *DATA, "key order", "BOM", "CRLF", "no final newline"))

# --- nodes -------------------------------------------------------------------------------------------------------


@dataclass
class Scalar:
    value: str
    string: bool = True
    role: str = "value"
    anchor: str | None = None


@dataclass
class Items:
    children: list[Node]
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
        return fields_of(value)
    if value is None or isinstance(value, bool | int | float):
        return Scalar(json.dumps(value), string=False)
    node: Node = value
    return node


def fields_of(fields: dict[str, Any], role: str = "") -> Fields:
    return Fields([(Scalar(key, role="key"), to_node(value)) for key, value in fields.items()], role)


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


def dash_of(node: Node) -> int | None:
    return node.dash if isinstance(node, Items) else None


def replace(node: Node, old: Node, new: Node) -> None:
    """Put `new` in the place of `old` (the same object), somewhere in `node`."""
    for parent in walk(node):
        if isinstance(parent, Items):
            parent.children[:] = [new if child is old else child for child in parent.children]
        elif isinstance(parent, Fields):
            parent.pairs[:] = [(key, new if child is old else child) for key, child in parent.pairs]


# --- choices -----------------------------------------------------------------------------------------------------

UP_TO: Final = [st.integers(0, n) for n in range(130)]
MASK: Final = st.integers(0, 2**24 - 1)


class Choices:
    """What hypothesis draws for one text, and the features that came of it."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int], *, aliases: bool, directives: bool) -> None:
        self.draw = draw
        self.seen: set[str] = set()
        self.on = self._enabled((*STYLES_ONE, *GATES)) | self._enabled(STYLES_TWO)
        if aliases:
            self.on |= set(ALIASES)
        if directives:
            self.on |= set(DIRECTIVES)

    def _enabled(self, names: Sequence[str]) -> set[str]:
        density = self.pick(4)
        mask = 0 if density == 0 else self.draw(MASK)
        if density == 1:
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

    def rarely(self, features: Sequence[str]) -> str:
        """Return one of those that are on, each equally likely, and note it; or mostly nothing."""
        options = [feature for feature in features if feature in self.on]
        chosen = self.pick(6 * len(options)) - 5 * len(options)
        if not options or chosen < 0:
            return ""
        self.note(options[chosen])
        return options[chosen]


# --- data --------------------------------------------------------------------------------------------------------


def mapping(c: Choices, fields: dict[str, Any], role: str = "") -> Fields:
    """Return `fields` as a node, in some order."""
    node = fields_of(fields, role)
    if len(node.pairs) > 1 and c.use("key order", 2):
        turn = c.pick(len(node.pairs))
        node.pairs = node.pairs[turn:] + node.pairs[:turn]
        if c.chance(2):
            node.pairs.reverse()
    return node


def text_scalar(c: Choices) -> Node:
    kind = c.pick(6)
    if kind < 3:
        value = c.one_of(TEXTS)
        if not value.isascii():
            c.note("astral" if max(value) > "\uffff" else "unicode")
        if value == LONG:
            c.note("long line")
        return Scalar(value, role="text")
    c.note("odd value")
    if kind == 3:
        return Scalar(c.one_of(PLAIN_ODDITIES), role="text")
    return Scalar(c.one_of(NON_STRINGS), string=False)


def image(c: Choices) -> Node | None:
    kind = c.pick(12)
    if kind < 8:
        return Scalar(c.one_of(IMAGES), role="image")
    if kind < 10:
        feature, pool = (("invalid image", INVALID_IMAGES), ("padded image", PADDED_IMAGES))[kind - 8]
        c.note(feature)
        return Scalar(c.one_of(pool), role="image")
    name = c.one_of([*ODD_IMAGES])
    c.note(f"odd image: {name}")
    found: Any = c.one_of(ODD_IMAGES[name])
    return None if found is None else to_node(found)


ODD_IMAGES: Final = {
    "absent": (None,),
    "null": (NonString(""), NonString("null"), NonString("~")),
    "empty": ("",),
    "number": (NonString("123"), NonString("1.20")),
    "bool": (NonString("true"), NonString("off")),
    "list": (["nginx:1"],),
    "mapping": ({"repository": "nginx", "tag": "1"},),
}
ODD_CONTAINERS: Final[dict[str, Any]] = {
    "null": NonString(""),
    "empty": [],
    "strings": ["nginx:1", NonString("~")],
    "mapping": {"main": {"image": "nginx:1"}},
    "nested": [[{"image": "nginx:1"}], {"image": "other/app:2"}],
}


def metadata(c: Choices) -> dict[str, Any]:
    data: dict[str, Any] = {"name": Scalar(c.one_of(("app", "web", "nginx", "nginx.1", "db-0")), role="name")}
    extra = c.pick(6)
    if extra == 1:
        data["labels"] = mapping(c, {"app": text_scalar(c), c.one_of(KEYS): text_scalar(c)})
    elif extra == 2:
        data["annotations"] = mapping(c, {c.one_of(KEYS): text_scalar(c)})
    elif extra == 3:
        c.note("containers under metadata")
        data["spec"] = mapping(c, {"containers": [{"name": "not", "image": c.one_of(IMAGES)}]})
    elif extra == 4:
        c.note("orchestrator annotations")
        data["annotations"] = {"config.kubernetes.io/path": "a b.yaml", "config.kubernetes.io/index": "0"}
    return data


def container(c: Choices, name: str) -> Node:
    fields: dict[str, Any] = {"name": Scalar(name, role="name")}
    found = image(c)
    if found is not None:
        fields["image"] = found
        if c.chance(6):
            c.note("container without name")
            return mapping(c, {"image": found}, "container")
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
        return Items([container(c, f"c{i}") for i in range(1 + c.one_of((0, 1, 0, 2)))])
    name = c.one_of([*ODD_CONTAINERS])
    c.note(f"odd containers: {name}")
    return to_node(ODD_CONTAINERS[name])


def volume(c: Choices) -> Node:
    found = image(c) if c.chance(2) else None
    if found is not None:
        c.note("image volume")
        source: Any = {"image": mapping(c, {"reference": found, "pullPolicy": "IfNotPresent"})}
    else:
        source = c.one_of(({"emptyDir": {}}, {"image": "nginx:1"}, {"image": {"pullPolicy": "Always"}}))
        if "image" in source:
            c.note("image volume without reference")
    return mapping(c, {"name": Scalar("data", role="name"), **source})


def pod_spec(c: Choices, *, ephemeral: bool = False) -> Node:
    fields: dict[str, Any] = {}
    if c.chance(3):
        fields["initContainers"] = containers(c, "initContainers")
    fields["containers"] = containers(c, "containers")
    if ephemeral or c.chance(8):
        fields["ephemeralContainers"] = containers(c, "ephemeralContainers")
    if c.chance(2 if ephemeral else 4):
        c.note("volumes list")
        fields["volumes"] = [volume(c) for _ in range(1 + c.pick(2))]
    return mapping(c, fields)


def resource(c: Choices, api_version: str, kind: str, **fields: Any) -> Fields:
    c.note(f"kind {kind}")
    head: dict[str, Any] = {"apiVersion": api_version, "kind": kind}
    if c.chance(8):
        c.note("no metadata")
    else:
        head["metadata"] = mapping(c, metadata(c))
    return mapping(c, head | fields, "resource")


def deployment(c: Choices) -> Node:
    template: dict[str, Any] = {"metadata": mapping(c, metadata(c))} if c.chance(3) else {}
    template["spec"] = pod_spec(c)
    spec: dict[str, Any] = {"template": mapping(c, template, "template")}
    if c.chance(3):
        spec["replicas"] = NonString("2")
    return resource(c, "apps/v1", c.one_of(("Deployment", "StatefulSet", "Job")), spec=mapping(c, spec))


def pod(c: Choices) -> Node:
    return resource(c, "v1", "Pod", spec=pod_spec(c, ephemeral=True))


def kafka_connect(c: Choices) -> Node:
    spec: dict[str, Any] = {"version": NonString("3.9") if c.chance(2) else "3.9.0"}
    found = image(c)
    if found is not None:
        spec["image"] = found
    if c.chance(3):
        spec["template"] = {"pod": pod_spec(c)}
    kind = c.one_of(("KafkaConnect", "KafkaConnect", "KafkaConnector"))
    return resource(c, "kafka.strimzi.io/v1beta2", kind, spec=mapping(c, spec))


def custom_resource_definition(c: Choices) -> Node:
    found = c.one_of(IMAGES)
    properties = {
        "image": {"type": "string", "default": found},
        "containers": {"items": {"properties": {"image": {"type": "string"}}}},
        "enum": ["=", NonString("1.20"), "2024-01-01"],
    }
    example = {"containers": [{"name": "a", "image": found}], "volumes": [{"image": {"reference": found}}]}
    schema = {"properties": properties, "example": example}
    spec = {"versions": [{"name": "v1", "schema": schema}]}
    return resource(c, "apiextensions.k8s.io/v1", "CustomResourceDefinition", spec=spec)


def block_text(c: Choices) -> Node:
    c.note("block text")
    return Scalar(c.one_of(BLOCKS), role="text")


def config_map(c: Choices) -> Node:
    data: dict[str, Any] = {"a.yaml": block_text(c)}
    if c.chance(2):
        data["b.yaml"] = block_text(c)
    if c.chance(2):
        data[c.one_of(KEYS)] = text_scalar(c)
    return resource(c, "v1", "ConfigMap", data=mapping(c, data))


def widget(c: Choices) -> Node:
    spec: dict[str, Any] = {c.one_of(KEYS): text_scalar(c), "value": text_scalar(c), "items": [text_scalar(c)]}
    if c.chance(3):
        spec["parts"] = {"deep": [pod_spec(c)]}
    node = resource(c, "example.org/v1", "Widget", spec=mapping(c, spec))
    if c.chance(4):
        node.pairs = [pair for pair in node.pairs if pair[0].value != "kind"]
    return node


def list_of_resources(c: Choices) -> Node:
    kind = c.one_of(("List", "PodList"))
    return resource(c, "v1", kind, items=[resource_of(c, lists=False) for _ in range(c.one_of((1, 2, 0, 3)))])


def resource_of(c: Choices, *, lists: bool = True) -> Node:
    last = list_of_resources if lists else widget
    makers = (*[deployment] * 4, pod, pod, kafka_connect, custom_resource_definition, config_map)
    return c.one_of((*makers, widget, last))(c)


# --- aliases -----------------------------------------------------------------------------------------------------


def share(c: Choices, root: Node) -> None:
    """Put anchors and aliases into a document."""
    if not c.on.intersection(ALIASES) or not c.chance(2):
        return
    prefix = c.one_of(("a", "img", "x-1", "A_b"))
    names = [f"{prefix}{i}" for i in range(8)]

    def anchored(node: Scalar | Items | Fields) -> Alias:
        node.anchor = node.anchor or names.pop()
        return Alias(node.anchor)

    for _ in range(1 + c.pick(3)):
        shares = (share_scalar, share_container, share_template, merge_from_elsewhere, share_scalar)
        c.one_of(shares)(c, root, anchored)
    redefine_anchor(c, root)


Anchored: TypeAlias = Callable[[Scalar | Items | Fields], Alias]


def keys_of(node: Fields) -> set[str]:
    return {key.value for key, _ in node.pairs}


def nodes_of(root: Node, role: str) -> list[Fields]:
    return [node for node in walk(root) if isinstance(node, Fields) and node.role == role]


def may_merge(target: Fields) -> bool:
    """Say whether some of `target` may give way to a merge key: no alias needs it, and it has none."""
    anchors = any(not isinstance(node, Alias) and node.anchor for node in walk(target))
    return not anchors and "<<" not in keys_of(target)


def share_scalar(c: Choices, root: Node, anchored: Anchored) -> None:
    scalars = [node for node in walk(root) if isinstance(node, Scalar) and node.role in {"image", "name", "text"}]
    pairs = [
        (source, target)
        for j, target in enumerate(scalars)
        for source in scalars[:j]
        if "image" in {source.role, target.role} and not target.anchor
    ]
    if pairs:
        source, target = c.one_of(pairs[:100])
        c.note(f"alias: {source.role} as {target.role}")
        replace(root, target, anchored(source))


def share_container(c: Choices, root: Node, anchored: Anchored) -> None:
    found = nodes_of(root, "container")
    if len(found) < 2:
        return
    last = 1 + c.pick(len(found) - 1)
    target, sources = found[last], found[:last]
    if not may_merge(target):
        return
    source = c.one_of(sources)
    how = c.pick(4)
    if how < 2:
        c.note("alias of a container")
        replace(root, target, anchored(source))
        return
    merged: Node = anchored(source)
    if how == 3:
        c.note("merge list")
        others = [node for node in sources if node is not source][:1]
        merged = Items([merged, *map(anchored, others)])
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
    templates, resources = nodes_of(root, "template"), nodes_of(root, "resource")
    if not templates or "x-template" in keys_of(resources[-1]):
        return
    c.note("alias of a template")
    shared: Node = anchored(c.one_of(templates))
    if not c.chance(2):
        c.note("merge")
        shared = Fields([*fields_of({"note": "own"}).pairs, (MERGE, shared)])
    resources[-1].pairs.append((Scalar("x-template", role="key"), shared))


def merge_from_elsewhere(c: Choices, root: Node, anchored: Anchored) -> None:
    containers, resources = nodes_of(root, "container"), nodes_of(root, "resource")
    if not containers or not may_merge(containers[0]) or "x-common" in keys_of(resources[0]):
        return
    c.note("merge from elsewhere")
    common = fields_of({"image": Scalar(c.one_of(IMAGES), role="image")})
    resources[0].pairs.insert(0, (Scalar("x-common", role="key"), common))
    merge_into(c, containers[0], anchored(common))


def redefine_anchor(c: Choices, root: Node) -> None:
    """Give two anchors one name, where no alias of the first comes after the second."""
    order = [node for node in walk(root) if isinstance(node, Alias) or node.anchor]
    for (_, earlier), (i, node) in combinations(enumerate(order), 2):
        if isinstance(earlier, Alias) or isinstance(node, Alias) or earlier.anchor == node.anchor:
            continue
        later = [alias for alias in order[i:] if isinstance(alias, Alias)]
        if any(alias.name == earlier.anchor for alias in later) or not c.use("anchor redefined", 2):
            continue
        for alias in later:
            if alias.name == node.anchor:
                alias.name = str(earlier.anchor)
        node.anchor = earlier.anchor
        return


# --- the writer --------------------------------------------------------------------------------------------------

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
JSON_WORD: Final = re.compile(r"|null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[0-9]+)?")


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
        self.block_chomp = ""

    def line(self, text: str) -> None:
        self.out.append(text + "\n")
        self.block_column = None

    def end_line(self) -> None:
        c = self.choices
        ending = c.rarely(LINE_ENDS)
        spaces = " " * (1 + c.pick(3)) if ending else ""
        self.line(spaces + c.one_of(COMMENTS) if ending == "trailing comment" else spaces)

    def trivia(self, column: int) -> None:
        """Write blank lines or a comment, or mostly nothing, before what stands at `column`."""
        c = self.choices
        allowed: Sequence[str] = TRIVIA
        if self.block_column is not None:
            blank = () if self.block_chomp == "+" else ("blank line",)
            allowed = (*blank, "own-line comment", "odd comment column")
        chosen = c.rarely(allowed)
        if chosen == "blank line":
            self.out.append("\n")
        elif chosen == "blank line with spaces":
            self.line(" " * (1 + c.pick(6)))
        elif chosen:
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
        plain = is_plain(value, in_flow=in_flow) or (value == "" and not in_flow)
        if not scalar.string:
            return "plain", False
        tag = plain and not in_line and c.use("!!str")
        raw = RAW.fullmatch(value) is not None
        several_lines = "\n" in value
        folds = not re.search(r"[ \t]\n|\n[ \t]|^\n", value) and not in_line
        single = raw and (folds or not several_lines)
        options = ["plain"] if plain and (tag or not is_non_string(value)) else []
        if block and raw and value.strip() and not re.search(r"(?m)^[ \t]+$", value):
            options += ["literal", "folded"] if several_lines or "block styles" in c.on else []
        quoted = ["single quoted", "double quoted"] if single else ["double quoted"]
        options += quoted[::-1] if "'" in value or several_lines else quoted
        varied = len(options) > 1 and not in_line and c.on.intersection(GATES)
        style = options[max(0, c.pick(len(options) + 1) - 1) if varied else 0]
        if scalar.role in {"image", "text"}:
            c.note(f"{style} {scalar.role}")
        return style, tag

    def inline(self, value: str, style: str, column: int | None) -> str:
        """Return `value` in a plain or quoted style; its further lines, if it may have any, stand at `column`."""
        c = self.choices
        if style == "double quoted":
            return '"' + self.double_quoted(value, column) + '"'
        folded = value
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
            if "\n" not in "".join(chars[max(0, place - 1) : place + 1]):
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
        self.out.append("|" if style == "literal" else ">")
        self.out.append(chomp + indicator if c.chance(3) else indicator + chomp)
        self.end_line()
        lines = body.split("\n") if style == "literal" else self.folded(body.split("\n"))
        for text in lines + [""] * (newlines - 1 if chomp == "+" else 0):
            self.line(" " * column + text if text else "")
        self.block_column, self.block_chomp = column, chomp

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
        elif not children_of(node) or (dash_of(node) is None and c.use("flow", 5)):
            self.out.append(self.gap() + self.flow(node, parent))
            self.end_line()
        else:
            properties = self.collection_properties(node)
            if here is not None and not properties and not c.use("break after the indicator", 4):
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
            text = self.key(key, in_flow=False)
            if key is not MERGE and c.use("complex key", 12):
                self.out.append("? " + text)
                self.end_line()
                self.trivia(column)
                self.out.append(" " * column + ":")
                self.value(value, column, column + 1)
            else:
                self.out.append(text + (" :" if c.use("space before the colon", 8) else ":"))
                self.value(value, column, None)

    def scalar(self, node: Scalar, parent: int) -> None:
        style, tag = self.style(node, in_flow=False, block=True)
        self.out.append(self.properties(node, "!!str" if tag else ""))
        if style in {"literal", "folded"}:
            self.out.append(self.gap())
            self.block_scalar(node.value, style, parent)
            return
        if style != "plain" or node.value:
            column = max(1, parent + self.step())
            if self.choices.use("value on its own line", 8):
                self.end_line()
                self.out.append(" " * column)
            else:
                self.out.append(self.gap())
            self.out.append(self.inline(node.value, style, column))
        self.end_line()

    # Flow style.

    def flow(self, node: Node, outer: int) -> str:
        """Return `node` in flow style, in a block collection at column `outer`."""
        if isinstance(node, Alias):
            return "*" + node.name
        if isinstance(node, Scalar):
            style, tag = self.style(node, in_flow=True, block=False)
            text = self.inline(node.value, style, max(1, outer + 2))
            return f"{self.properties(node, '!!str' if tag else '')} {text}".lstrip()
        c = self.choices
        properties = self.collection_properties(node)
        if isinstance(node, Items):
            entries, opening, closing = [self.flow_entry(child, outer) for child in node.children], "[", "]"
        else:
            entries, opening, closing = [self.flow_field(*pair, outer) for pair in node.pairs], "{", "}"
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
        return f"{properties} {opening}{first}{between.join(entries)}{last}{closing}".lstrip()

    def flow_entry(self, node: Node, outer: int) -> str:
        """Return an item of a flow sequence; a mapping of one key may stand there without braces."""
        c = self.choices
        if not isinstance(node, Fields) or len(node.pairs) != 1 or node.anchor:
            return self.flow(node, outer)
        key, value = node.pairs[0]
        if not c.chance(2):
            return self.flow(node, outer)
        c.note("flow pair")
        # A merge key in quotes would be a key as any other, and without C there is only the parser that refuses it.
        if key is MERGE or not yaml.__with_libyaml__ or not c.chance(2):
            return f"{self.key(key, in_flow=True)}: {self.flow(value, outer)}"
        c.note("flow pair tight")
        return f"{self.inline(key.value, 'double quoted', None)}:{self.flow(value, outer) or ' '}"

    def flow_field(self, key: Scalar, value: Node, outer: int) -> str:
        text = self.key(key, in_flow=True)
        if text[0] in "\"'" and self.choices.use("flow tight"):
            return text + ":" + (self.flow(value, outer) or " ")
        if key is not MERGE and self.choices.use("complex key", 12):
            return f"? {text} : {self.flow(value, outer)}"
        return f"{text}: {self.flow(value, outer)}"

    # Documents.

    def document(self, node: Node | None, *, marker: bool) -> None:
        """Write a document; None is an empty one."""
        c = self.choices
        keeps_block = any(dash_of(child) is not None for child in children_of(node)) if node else False
        if marker:
            self.out.append("---")
        if node is None:
            self.marker_end()
            written = len(self.out)
            self.trivia(0)
            if c.chance(3):
                self.line(c.one_of(COMMENTS))
            if "#" in "".join(self.out[written:]):
                c.note("comment-only document")
        elif isinstance(node, Items | Fields) and children_of(node) and (keeps_block or not c.use("flow", 4)):
            if marker:
                self.out.append(self.collection_properties(node))
                self.marker_end()
            column = c.pick(6) if not keeps_block and c.use("indented root") else 0
            self.collection(node, column)
        else:
            on_marker_line = marker and c.chance(2)
            if on_marker_line:
                c.note("content after ---")
            elif marker:
                self.marker_end()
            written = len(self.out)
            if isinstance(node, Items | Fields):
                self.out.append(self.gap() + self.flow(node, -1))
                self.end_line()
            else:
                self.value(node, -1, None)
            if not on_marker_line:
                self.out[written:] = ["".join(self.out[written:]).lstrip(" ")]

    def marker_end(self) -> None:
        c = self.choices
        ending = c.one_of(("", "", "", "", "spaces after ---", "comment after ---"))
        if ending:
            c.note(ending)
        self.line(" " + c.one_of(COMMENTS) if ending == "comment after ---" else "  " if ending else "")


def write_stream(c: Choices, documents: Iterable[Node | None]) -> str:
    """Write documents, each as soon as it is drawn: so it can be shrunk away as a whole."""
    writer = Writer(c)
    ended = True  # a directive may stand only where no document is open
    for i, node in enumerate(documents):
        writer.trivia(0)
        if i and c.use("document end"):
            writer.line("... # end" if c.chance(3) else "...")
            ended = True
        directive = ended and c.use("%YAML directive", 10)
        if directive:
            writer.line(c.one_of(("%YAML 1.2", "%YAML 1.1", "%YAML 1.2 # c")))
        marker = i > 0 or directive or node is None or c.chance(3)
        if i == 0:
            c.note("leading ---" if marker else "no leading ---")
        writer.document(node, marker=marker)
        ended = False
    writer.trivia(0)
    if not ended and c.use("document end"):
        writer.line("...")
    # The last newline may be part of a block scalar's value.
    valued = writer.block_column is not None and writer.block_chomp != "-"
    return finished(c, "".join(writer.out), keep_end=valued)


def finished(c: Choices, text: str, *, keep_end: bool = False) -> str:
    if not keep_end and text.endswith("\n") and c.use("no final newline", 2):
        text = text[:-1]
    if "\n" in text and c.use("CRLF", 2):
        text = text.replace("\n", "\r\n")
    if c.use("BOM", 2):
        text = "\ufeff" + text
    return text


def as_json_data(data: Any) -> Any:
    """Return what documents hold as JSON has it; of what JSON has no word for, the text."""
    if isinstance(data, NonString):
        return json.loads(data.text or "null") if JSON_WORD.fullmatch(data.text) else data.text
    if isinstance(data, dict):
        return {key: as_json_data(value) for key, value in data.items()}
    return [as_json_data(value) for value in data] if isinstance(data, list) else data


def to_json(c: Choices, data: Any) -> str:
    indent = 1 + c.pick(4) if "JSON indented" in c.seen else None
    separators = (",", ":") if "JSON compact" in c.seen else None
    text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=False)
    if c.chance(3):
        c.note("JSON escapes")
        letter = c.one_of("/gidkmop")  # outside of strings, JSON has none of these
        escape = "\\/" if letter == "/" else f"\\u{ord(letter):04x}"
        text = text.replace(letter, escape, 1 + c.pick(100))
    return re.sub(r"[\x7f-\x9f\xa0\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


# --- the strategies ----------------------------------------------------------------------------------------------


def resource_list(c: Choices) -> Fields:
    c.note("ResourceList")
    place = c.one_of(LISTS[1:])
    c.note(place)
    dash = c.one_of((0, 2, 4))
    c.note(f"items at column {dash}")
    api_version = c.one_of(("config.kubernetes.io/v1", "config.kubernetes.io/v1beta1"))
    fields: dict[str, Any] = {"apiVersion": api_version, "kind": "ResourceList"}
    items = Items([resource_of(c, lists=c.chance(2)) for _ in range(c.one_of((1, 2, 3, 0)))], dash=dash)
    head = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter"}
    config = head | {"images": draw_image_rules(c)}
    if place == "functionConfig before items":
        fields["functionConfig"] = config
    fields["items"] = items
    if place == "functionConfig after items":
        fields["functionConfig"] = config
    return fields_of(fields)


def drawn_documents(c: Choices, documents: list[Node | None]) -> Iterator[Node | None]:
    """Draw 0 to 4 documents, and add them to `documents`."""
    if c.chance(12):
        c.note("no documents")
        return
    for i in range(4):
        if i and not c.pick(2):
            return
        if i:
            c.note("several documents")
        node, kind = None, c.pick(14)
        if kind < 12:
            node = resource_of(c)
            share(c, node)
        elif kind == 12:
            c.note("empty document")
        else:
            c.note("scalar document")
            node = to_node(c.one_of(("text", "nginx:1", "image: nginx:1\n", ["nginx:1"])))
        documents.append(node)
        yield node


def written(c: Choices, text: str, documents: Sequence[Node | None]) -> Written:
    data = [NonString("") if node is None else data_of(node, {}) for node in documents]
    return Written(text, frozenset(c.seen), data)


def draw_stream(c: Choices) -> Written:
    documents: list[Node | None] = []
    text = write_stream(c, drawn_documents(c, documents))
    return written(c, text, documents)


def draw_resource_list(c: Choices) -> Written:
    node = resource_list(c)
    share(c, next(child for key, child in node.pairs if key.value == "items"))
    return written(c, write_stream(c, [node]), [node])


def draw_json_stream(c: Choices) -> Written:
    c.note("JSON")
    if c.chance(3):
        c.note("JSON ResourceList")
        nodes: list[Node] = [resource_list(c)]
        c.seen.difference_update(DASHES)
    else:
        nodes = [resource_of(c) for _ in range(c.one_of((1, 1, 1, 2)))]
    if len(nodes) > 1:
        c.note("JSON documents")
    c.note(c.one_of(("JSON indented", "JSON compact", "JSON spaced")))
    documents = [as_json_data(data_of(node, {})) for node in nodes]
    text = finished(c, "---\n".join(to_json(c, document) for document in documents))
    return Written(text, frozenset(c.seen), [data_of(to_node(document), {}) for document in documents])


@st.composite
def streams(draw: st.DrawFn, *, aliases: bool = True, directives: bool = True) -> Written:
    """Streams of 0 to 4 documents, most of them resources."""
    return draw_stream(Choices(draw, aliases=aliases, directives=directives))


@st.composite
def resource_lists(draw: st.DrawFn, *, aliases: bool = True, directives: bool = True) -> Written:
    """One ResourceList; its functionConfig, if any, is an ImageSetter with `image_rules()`."""
    return draw_resource_list(Choices(draw, aliases=aliases, directives=directives))


@st.composite
def json_streams(draw: st.DrawFn) -> Written:
    """A resource, List or ResourceList as JSON text; or several, with `---` between."""
    return draw_json_stream(Choices(draw, aliases=False, directives=False))


# Spellings of one name each. A list of rules has one rule a name, and new names are none of these: no rule can
# match what another one made.
RULE_NAMES: Final = (
    ("nginx", "library/nginx", "docker.io/library/nginx", "index.docker.io/library/nginx", "docker.io/nginx"),
    ("other/app", "docker.io/other/app"),
    ("gcr.io/foo/bar",),
    ("localhost:5000/nginx",),
    ("[::1]:5000/nginx",),
)
# Without quotes, some of these would be numbers, times, null, or the start of a list.
NEW_NAMES: Final = (
    "mirror.example.com/nginx",
    "fresh/app",
    "example.org:8443/team/app",
    "fresh",
    "12",
    "null",
    "[::1]:5000/fresh",
)
NEW_TAGS: Final = ("2", "1.25", "9-alpine", "v1.20.3", "1e3", "latest", "30")


def draw_image_rules(c: Choices) -> list[dict[str, str]]:
    first, count = c.one_of((0, 0, 0, 0, 1, 2, 3, 4)), 1 + c.pick(4)
    rules = []
    for i in range(count):
        spellings = RULE_NAMES[(first + i) % len(RULE_NAMES)]
        rule = {"name": c.one_of(spellings) + c.one_of(("", "", "", "", "", ":1", f"@{DIGEST}"))}
        form = c.pick(10)
        if form in {0, 4, 5}:
            rule["newTag"] = c.one_of(NEW_TAGS)
        if form in {1, 4, 6}:
            rule["digest"] = OTHER_DIGEST
        if form in {2, 5, 6}:
            rule["newName"] = c.one_of(NEW_NAMES)
        if form == 3:
            rule["newImage"] = c.one_of(NEW_NAMES) + c.one_of(("", ":7", f":7@{DIGEST}"))
        if form == 7:
            rule["newImage"] = f"{c.one_of(spellings)}:{c.one_of(NEW_TAGS)}"
        if form == 8:
            rule["newName"] = c.one_of(spellings)
        if form == 9:
            rule["tagSuffix"] = "-rc.1"
        rules.append(rule)
    return rules


@st.composite
def image_rules(draw: st.DrawFn) -> list[dict[str, str]]:
    """Entries of `images` that never chain: applying them twice is applying them once."""
    return draw_image_rules(Choices(draw, aliases=False, directives=False))


KIND_PATHS: Final = {
    "KafkaConnect": ("{.spec.image}", ".spec.image", "spec.image", "$.spec.image", "spec/image", "{...*}"),
    "KafkaConnector": ("{.spec.image}", "{.spec.missing.image}"),
    "Deployment": (
        "{.spec.template.spec.containers[*].image}",
        "spec/template/spec/initContainers[]/image",
        "{..image}",
    ),
    "Pod": (
        "{.spec.containers[*].image}",
        "{.spec.volumes[*].image.reference}",
        "$.spec.ephemeralContainers[*].image",
    ),
    "ConfigMap": ("{.data.image}",),
    "Widget": ("{.spec.image}", "{.spec.note}", "{.spec.parts.deep[0].containers[0].image}"),
    "Absent": ("{.spec.image}",),
}


def draw_kind_rules(c: Choices) -> list[dict[str, Any]]:
    first = c.pick(len(KIND_PATHS))
    rules: list[dict[str, Any]] = []
    for i in range(1 + c.pick(3)):
        kind, paths = [*KIND_PATHS.items()][(first + i) % len(KIND_PATHS)]
        chosen = list(paths[c.pick(len(paths)) :])
        rules.append({"kind": kind, "paths": chosen if c.chance(2) else chosen[0]})
    return rules


@st.composite
def kind_rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Entries of `kinds`, one a kind; `paths` is one path or a list of different ones."""
    return draw_kind_rules(Choices(draw, aliases=False, directives=False))
