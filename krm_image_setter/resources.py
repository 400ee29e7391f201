"""Find the resources in a tree. A resource is a document, an item of a list, or a document in a string."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import NotResourceError
from krm_image_setter.yaml.stream import Source
from krm_image_setter.yaml.tree import Collection, Document, Location, Mapping, Sequence, start_mark

_PATH_ANNOTATIONS: Final = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
#: The kinds whose items can be of any kind.
LISTS: Final = ("List", "ResourceList")
#: The kind of resources whose values must not be in a message.
SECRET: Final = "Secret"  # noqa: S105  (a kind)
_LONG_INDEX: Final = 20  # digits
_INDEX_ANNOTATIONS: Final = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


class ResourceRef(NamedTuple):
    """The identity of a resource, as in `resourceRef` of the KRM functions spec. `str` returns `KIND/NAME`."""

    api_version: str
    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.name) if part)


#: The identity of a document that is not a resource.
NO_REF: Final = ResourceRef("", "", "", "")


class Tree(NamedTuple):
    """The tree of a document, or of one item of a list, and its source.

    If `is_item` is true, the root is a sequence that contains only this item. If the document is a list, its items
    before index `first` are ignored.
    """

    document: Document
    source: Source
    is_item: bool = False
    first: int = 0

    def resources(self) -> Iterator[Resource]:
        """Yield the resources, also the items of lists. Raises NotResourceError if a node is not a resource."""
        root = self.document.root
        if self.is_item:
            yield from _items(self, root, (), None)
        elif root is not None:
            yield from _resources(self, root, (), None)

    def resources_in_string(self) -> Iterator[Resource]:
        """Yield the nodes of a document in a string that can contain images.

        If the document is a resource, a list or a sequence of resources, the resources are yielded. (For example,
        the annotation `alm-examples` of operators contains a sequence.) `apiVersion` can be missing. Any other
        root is yielded itself, because it can be a pod spec or a part of a pod spec.

        Raises NotResourceError if an item of a list is not a resource.
        """
        root = self.document.root
        if self.is_item or is_resource(root):
            yield from self.resources()
        elif isinstance(root, Sequence) and root and all(map(_has_kind, root)):
            for index, item in enumerate(root):
                if is_resource(item):
                    yield from _resources(self, item, (index,), None)
                else:
                    yield _in_string(self, item, (index,))
        elif isinstance(root, Mapping | Sequence):
            yield _in_string(self, root, ())


class Resource(NamedTuple):
    """A Kubernetes object: its mapping, its identity, and its location in a tree.

    For a document in a string, `node` can also be a sequence, or a mapping that is not a Kubernetes object.
    """

    node: Any
    ref: ResourceRef
    tree: Tree
    location: Location

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, slash, _ = self.ref.api_version.partition("/")
        return group if slash else ""

    @property
    def is_secret(self) -> bool:
        """Whether the resource is a Secret, so that messages must not show its values."""
        return self.ref.kind == SECRET

    @property
    def file(self) -> tuple[str, int | None] | None:
        """The path of the file and the index in the file, from annotations; None without these annotations."""
        annotations = _mapping(_mapping(_mapping(self.node).get("metadata")).get("annotations"))
        if not annotations:
            return None
        path = next((_scalar(annotations[key]) for key in _PATH_ANNOTATIONS if key in annotations), None)
        if path is None:
            return None
        index = next((_scalar(annotations[key]) for key in _INDEX_ANNOTATIONS if key in annotations), None)
        # `int` raises ValueError for a text of thousands of digits.
        return path, int(index) if index and index.isdecimal() and len(index) < _LONG_INDEX else None

    def line(self, location: Location) -> int:
        """Return the line of the value at `location`, counted from 1 in the stream."""
        return self.tree.source.line(start_mark(self.written(location)).index)

    def offset(self, location: Location) -> int:
        """Return the offset in the stream of the start of the value at `location`."""
        return self.tree.source.start + start_mark(self.written(location)).index

    def written(self, location: Location) -> Any:
        """Return the node of the source for the value at `location` (see tree.Written)."""
        holder: Any = self.node
        for step in location[:-1]:
            holder = holder[step]
        return holder.origin(location[-1]) if location else holder


def is_resource(root: Any) -> bool:
    """Return whether the root of a document is a resource, or a list of resources."""
    return isinstance(root, Mapping) and isinstance(root.get("kind"), str) and "apiVersion" in root


def _has_kind(node: Any) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get("kind"), str)


def _in_string(parsed: Tree, node: Any, location: Location) -> Resource:
    return Resource(node, _ref(node, node["kind"], "") if _has_kind(node) else NO_REF, parsed, location)


def _listed(node: Mapping) -> Sequence | None:
    """Return the items of a list of resources, or None if `node` is a resource itself."""
    kind, items = node.get("kind"), node.get("items")
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, Sequence):
        return None
    # A kind such as AllowList can be a resource whose `items` are not mappings. A List is always a list.
    return items if kind in LISTS or all(isinstance(item, Mapping) for item in items) else None


def _resources(parsed: Tree, node: Any, location: Location, listed_in: Mapping | None) -> Iterator[Resource]:
    """Yield the resource `node`, or the resources among its items if it is a list."""
    if not isinstance(node, Mapping):
        got = "a list" if isinstance(node, Sequence) else "a scalar"
        raise _error(parsed, location, f"not a Kubernetes resource: expected a mapping, got {got}")
    items = _listed(node)
    if items is not None:
        yield from _items(parsed, items, (*location, "items"), node)
        return
    if node.get("kind") == "ResourceList":
        raise _error(parsed, location, "the ResourceList has no list `items`; add `items: []` if it is empty")
    kind = node.get("kind", _item_kind(listed_in))
    if not isinstance(kind, str) or not kind:
        raise _error(parsed, location, "not a Kubernetes resource: `kind` is missing; pass only manifests")
    inherited = "" if listed_in is None or "kind" in node else listed_in.get("apiVersion")
    yield Resource(node, _ref(node, kind, inherited), parsed, location)


def _ref(node: Mapping, kind: str, api_version: Any) -> ResourceRef:
    metadata = _mapping(node.get("metadata"))
    return ResourceRef(
        _string(node.get("apiVersion", api_version)),
        kind,
        _string(metadata.get("name")),
        _string(metadata.get("namespace")),
    )


def _items(parsed: Tree, items: Sequence, location: Location, listed_in: Mapping | None) -> Iterator[Resource]:
    for index, item in enumerate(items):
        if index >= parsed.first or location != ("items",):
            yield from _resources(parsed, item, (*location, index), listed_in)


def _item_kind(listed_in: Mapping | None) -> str:
    """Return the kind that an item without `kind` gets from its list: Deployment in a DeploymentList."""
    if listed_in is None or listed_in["kind"] in LISTS:
        return ""
    kind: str = listed_in["kind"].removesuffix("List")
    return kind


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _scalar(value: Any) -> str | None:
    """Return a string or a number as a string.

    Return None for a collection, because aliases can expand the text of a collection to terabytes.
    """
    return str(value) if isinstance(value, str | int | float) else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _error(parsed: Tree, location: Location, message: str) -> NotResourceError:
    holder: Any = parsed.document.root
    written = holder if isinstance(holder, Collection) else None
    for step in location:
        written = holder.origin(step)
        holder = holder[step]
    line = parsed.source.line(start_mark(written).index) if written is not None else None
    return NotResourceError(message, line=line)
