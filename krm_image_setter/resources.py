"""Which nodes of a tree are resources: documents, items of lists, and documents in strings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import NotResourceError
from krm_image_setter.yaml.stream import Source
from krm_image_setter.yaml.tree import Collection, Document, Location, Mapping, Sequence, start_mark

_PATH_ANNOTATIONS: Final = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
#: The kinds whose items can be of any kind.
LISTS: Final = ("List", "ResourceList")
#: The kind whose values no message shows.
SECRET: Final = "Secret"  # noqa: S105  (a kind)
_LONG_INDEX: Final = 20  # digits
_INDEX_ANNOTATIONS: Final = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


class ResourceRef(NamedTuple):
    """The identity of a resource, as in `resourceRef` of the KRM functions spec. As a string: `KIND/NAME`."""

    api_version: str
    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.name) if part)


#: For a document that is not a resource.
NO_REF: Final = ResourceRef("", "", "", "")


class Tree(NamedTuple):
    """The tree of a document, or of one item of a list, and its source.

    If `is_item`, the root is a sequence that contains only this item. Items of a list before index `first` are
    ignored.
    """

    document: Document
    source: Source
    is_item: bool = False
    first: int = 0

    def resources(self) -> Iterator[Resource]:
        """Yield the resources, also those in lists. Raises NotResourceError if a node is not a resource."""
        root = self.document.root
        if self.is_item:
            yield from _items(self, root, (), None)
        elif root is not None:
            yield from _resources(self, root, (), None)

    def resources_in_string(self) -> Iterator[Resource]:
        """Yield the nodes of a document in a string that can contain images.

        These are its resources, also those in a sequence (`alm-examples` of operators). If the document is not a
        resource, it is the root, which can be a pod spec or a part of one. `apiVersion` can be missing.

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

    A document in a string is a Resource even if it is another mapping, or a sequence.
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
        """Whether messages must not show its values."""
        return self.ref.kind == SECRET

    @property
    def file(self) -> tuple[str, int | None] | None:
        """The path and index that the orchestrator annotated, or None."""
        annotations = _mapping(_mapping(_mapping(self.node).get("metadata")).get("annotations"))
        if not annotations:
            return None
        path = next((_scalar(annotations[key]) for key in _PATH_ANNOTATIONS if key in annotations), None)
        if path is None:
            return None
        index = next((_scalar(annotations[key]) for key in _INDEX_ANNOTATIONS if key in annotations), None)
        # Python refuses to convert thousands of digits.
        return path, int(index) if index and index.isdecimal() and len(index) < _LONG_INDEX else None

    def line(self, location: Location) -> int:
        """Return the line of the stream, from 1, of the value at `location`."""
        return self.tree.source.line(start_mark(self.written(location)).index)

    def written(self, location: Location) -> Any:
        """Return the value at `location` as written (tree.Written)."""
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
    # An AllowList can have items that are not resources; a List cannot.
    return items if kind in LISTS or all(isinstance(item, Mapping) for item in items) else None


def _resources(parsed: Tree, node: Any, location: Location, listed_in: Mapping | None) -> Iterator[Resource]:
    """Yield `node`, or its items if it is a list."""
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
    """Return the kind of an item without `kind`: the items of a DeploymentList are Deployments."""
    if listed_in is None or listed_in["kind"] in LISTS:
        return ""
    kind: str = listed_in["kind"].removesuffix("List")
    return kind


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _scalar(value: Any) -> str | None:
    """Return a string or a number as a string; None for a collection, which aliases can expand to terabytes."""
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
