"""Find the resources in a tree.

A resource is a document, an item of a list, a document in a string, or a mapping inside another resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from krm_image_setter.errors import NotResourceError
from krm_image_setter.typed import Any, Final, Record, TypeGuard
from krm_image_setter.yaml.stream import Source
from krm_image_setter.yaml.tree import Collection, Document, Location, Mapping, Sequence, at, start_mark

_PATH_ANNOTATIONS: Final = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
#: The kind of the input of a KRM function.
RESOURCE_LIST: Final = "ResourceList"
#: The kinds whose items can be of any kind.
LISTS: Final = ("List", RESOURCE_LIST)
#: The kind of resources whose values must not occur in messages.
SECRET: Final = "Secret"  # noqa: S105  (a kind)
#: The kind of resources that contain schemas. A schema can look like a resource with images.
CRD: Final = "CustomResourceDefinition"
# A mapping inside a resource is a resource too if it has a kind, an API version and one of these mappings.
# References to resources, such as `ownerReferences`, `scaleTargetRef`, `resourceRef` and `involvedObject`, have
# none of them. A resource can omit `metadata`, as in a Composition (Crossplane) or in `taskSpec` (Tekton).
_CONTENTS: Final = ("metadata", "spec", "data", "stringData")
_LONG_INDEX: Final = 20  # digits
_INDEX_ANNOTATIONS: Final = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


class ResourceRef(Record):
    """The identity of a resource, as in `resourceRef` of the KRM functions spec. `str` returns `KIND/NAME`."""

    api_version: str
    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.name) if part)


#: The identity of a document that is not a resource.
NO_REF: Final = ResourceRef("", "", "", "")


class Tree(Record):
    """The tree of a document, or of one item of a list, and its source.

    If `list_kind` is set, the root is a sequence that contains only this item, which is from a list of this kind.
    If the document is a list, its items before index `first` are ignored.
    """

    document: Document
    source: Source
    list_kind: str = ""
    first: int = 0

    def resources(self) -> Iterator[Resource]:
        """Yield all resources, including items of lists. Raises NotResourceError if a node is not a resource."""
        for resource in self.nodes():
            yield resource.checked()

    def nodes(self) -> Iterator[Resource]:
        """Yield the resources, including the items of lists. A node that is not a resource has the `ref` NO_REF.

        Raises NotResourceError if a ResourceList has no items.
        """
        root = self.document.root
        if self.list_kind:
            yield from _items(self, root, (), None)
        elif root is not None:
            yield from _resources(self, root, (), None)

    def resources_in_string(self) -> Iterator[Resource]:
        """Yield the nodes that can contain images in a document that comes from a string.

        If the document is a resource, a list or a sequence of resources, the resources are yielded. (For example,
        the annotation `alm-examples` of operators contains a sequence.) `apiVersion` can be missing. Any other
        root is yielded itself, because it can be a pod spec or a part of a pod spec.

        Raises NotResourceError if an item of a list is not a resource.
        """
        root = self.document.root
        if self.list_kind or is_resource(root):
            yield from self.resources()
        elif isinstance(root, Sequence) and root and all(map(_has_kind, root)):
            for index, item in enumerate(root):
                if is_resource(item):
                    yield from (resource.checked() for resource in _resources(self, item, (index,), None))
                else:
                    yield _in_string(self, item, (index,))
        elif isinstance(root, Mapping | Sequence):
            yield _in_string(self, root, ())


class Resource(Record):
    """A Kubernetes object: its mapping, its identity, and its location in a tree.

    A node that is not a Kubernetes object is a Resource with the identity NO_REF. Such a node can be any value.
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
    def is_sealed(self) -> bool:
        """Whether a MAC of SOPS covers all values: https://getsops.io/docs/#message-authentication-code."""
        sops = _mapping(_mapping(self.node).get("sops"))
        return "mac" in sops and sops.get("mac_only_encrypted") is not True

    @property
    def file(self) -> tuple[str, int | None] | None:
        """The path of the file and the index in the file, from annotations; None without these annotations."""
        return file_of(self.node)

    def checked(self) -> Resource:
        """Return this resource. Raises NotResourceError if it is not a Kubernetes object."""
        if self.ref != NO_REF:
            return self
        if isinstance(self.node, Mapping):
            raise _error(
                self.tree, self.location, "not a Kubernetes resource: `kind` is missing; pass only manifests"
            )
        got = "a list" if isinstance(self.node, Sequence) else "a scalar"
        message = f"not a Kubernetes resource: expected a mapping, got {got}"
        raise _error(self.tree, self.location, message)

    def nested(self) -> list[Resource]:
        """Return the resources inside this resource, at any depth, such as the manifests of a ManifestWork.

        Metadata, the status and the schemas of CustomResourceDefinitions are not searched.
        """
        # Skip the search if the text shows that there is nothing to find. An alias can hide it.
        found: list[Resource] = []
        if self.ref.kind != CRD and (self.tree.document.aliased or _can_nest(self.node, self.tree.source.text)):
            _find_nested(self, self.node, (), found)
        return found

    def inner_ref(self, location: Location) -> ResourceRef:
        """Return the identity of the innermost resource around a location: this resource, or one inside it."""
        ref, node = self.ref, self.node
        if self.tree.document.aliased or _can_nest(node, self.tree.source.text):
            for step in location:
                node = node[step]
                if is_resource(node):
                    ref = _ref(node, node["kind"], "")
        return ref

    def is_secret_at(self, location: Location) -> bool:
        """Return whether the value at `location` is in a Secret: this resource, or a Secret inside it."""
        *_, can_have_secret = _words(self.tree.source.text)
        if can_have_secret or self.tree.document.aliased:  # an alias can hide the kind
            node: Any = self.node
            for step in location:
                if is_secret(node):
                    return True
                node = node[step]
        return self.is_secret

    def line(self, location: Location) -> int:
        """Return the line of the value at `location`, counted from 1 in the stream."""
        return self.tree.source.line(start_mark(self.written(location)).index)

    def position(self, location: Location) -> tuple[int, int]:
        """Return the line and column of the value at `location`, counted from 1 in the stream."""
        return self.tree.source.position(start_mark(self.written(location)).index)

    def offset(self, location: Location) -> int:
        """Return the offset in the stream of the start of the value at `location`."""
        return self.tree.source.start + start_mark(self.written(location)).index

    def written(self, location: Location) -> Any:
        """Return the node of the source for the value at `location` (see tree.Written)."""
        return at(self.node, location[:-1]).origin(location[-1]) if location else self.node


def file_of(node: Any) -> tuple[str, int | None] | None:
    """Return the path of the file and the index in it, from the annotations of `node`; None without them."""
    annotations = _mapping(_mapping(_mapping(node).get("metadata")).get("annotations"))
    if not annotations:
        return None
    path, index = (
        next((_scalar(annotations[key]) for key in keys if key in annotations), None)
        for keys in (_PATH_ANNOTATIONS, _INDEX_ANNOTATIONS)
    )
    if path is None:
        return None
    # `int` raises ValueError for a text of thousands of digits.
    return path, int(index) if index and index.isdecimal() and len(index) < _LONG_INDEX else None


def is_resource(root: Any) -> TypeGuard[Mapping]:
    """Return whether the root of a document is a resource, or a list of resources."""
    return isinstance(root, Mapping) and isinstance(root.get("kind"), str) and "apiVersion" in root


def is_secret(node: Any) -> bool:
    """Return whether a node is a Secret, which can be inside another resource."""
    return isinstance(node, Mapping) and node.get("kind") == SECRET and "apiVersion" in node


def _can_nest(node: Any, source: str) -> bool:
    """Return whether the text of a resource can contain another resource."""
    kinds, versions, can_have_escapes, _ = _words(source)
    own = node if isinstance(node, dict) else ()  # a search in a list of thousands of operations is slow
    return can_have_escapes or (kinds > ("kind" in own) and versions > ("apiVersion" in own))


# Thousands of resources can share a text, as the items of a JSON list do. A text and the documents in its strings
# are used in turn.
@lru_cache(maxsize=8)
def _words(source: str) -> tuple[int, int, bool, bool]:
    """Return how often two keys occur in a text, whether it can have escapes, and whether it can have a Secret."""
    can_have_escapes = "\\" in source
    return source.count("kind"), source.count("apiVersion"), can_have_escapes, can_have_escapes or SECRET in source


def _find_nested(outer: Resource, node: Any, location: Location, found: list[Resource]) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        # Use a tuple for `isinstance`: `dict | list` takes seven times as long, and this loop visits all values.
        if not isinstance(value, (dict, list)) or key == "metadata" or (key == "status" and "kind" in node):
            continue
        here = (*location, key)
        if is_resource(value) and any(isinstance(value.get(name), dict) for name in _CONTENTS):
            found.append(Resource(value, _ref(value, value["kind"], ""), outer.tree, outer.location + here))
            if value["kind"] == CRD:
                continue
        _find_nested(outer, value, here, found)


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
    return items if kind in LISTS or all(item is None or isinstance(item, Mapping) for item in items) else None


def _resources(parsed: Tree, node: Any, location: Location, listed_in: Mapping | None) -> Iterator[Resource]:
    """Yield the resource `node`, or its items if it is a list of resources. See `Tree.nodes`."""
    if not isinstance(node, Mapping):
        yield Resource(node, NO_REF, parsed, location)
        return
    items = _listed(node)
    if items is not None:
        yield from _items(parsed, items, (*location, "items"), node)
        return
    if node.get("kind") == RESOURCE_LIST:
        raise _error(parsed, location, "the ResourceList has no list `items`; add `items: []` if it is empty")
    kind = node.get("kind", _item_kind(listed_in))
    is_other = not isinstance(kind, str) or not kind
    inherited = "" if listed_in is None or "kind" in node else listed_in.get("apiVersion")
    yield Resource(node, NO_REF if is_other else _ref(node, kind, inherited), parsed, location)


def _ref(node: Mapping, kind: str, api_version: Any) -> ResourceRef:
    metadata = _mapping(node.get("metadata"))
    return ResourceRef(
        _string(node.get("apiVersion", api_version)),
        kind,
        _string(metadata.get("name")),
        _string(metadata.get("namespace")),
    )


def _items(parsed: Tree, items: Sequence, location: Location, listed_in: Mapping | None) -> Iterator[Resource]:
    # kustomize ignores null items of lists. In a ResourceList, kpt reports them as errors.
    ignores_null = (parsed.list_kind if listed_in is None else listed_in["kind"]) != RESOURCE_LIST
    for index, item in enumerate(items):
        if item is None and ignores_null:
            continue
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
