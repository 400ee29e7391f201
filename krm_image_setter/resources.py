"""Which nodes of a stream are resources: documents, items of a ResourceList, items of other lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import InputError, NotResourceError
from krm_image_setter.yaml import parsing, stream, tree
from krm_image_setter.yaml.stream import Slice, Source
from krm_image_setter.yaml.tree import Location

_PATH_ANNOTATIONS: Final = ("internal.config.kubernetes.io/path", "config.kubernetes.io/path")
_LISTS: Final = ("List", "ResourceList")
#: The kind whose values no message shows.
SECRET: Final = "Secret"  # noqa: S105  (a kind)
_LONG_INDEX: Final = 20  # digits
_INDEX_ANNOTATIONS: Final = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


class ResourceRef(NamedTuple):
    """Which resource, as `resourceRef` of a result says it (KRM functions spec)."""

    api_version: str
    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.name) if part)


#: Of what is no resource.
NO_REF: Final = ResourceRef("", "", "", "")


class Parsed(NamedTuple):
    """A parsed document, or one item that was cut out of a list, and where its text stands."""

    document: tree.Document
    source: Source
    is_item: bool


class Resource(NamedTuple):
    """One Kubernetes object: its mapping, who it is, and where it stands in the tree that it was parsed in.

    A document in a string that is no resource is one too, and may be a sequence.
    """

    node: Any
    ref: ResourceRef
    parsed: Parsed
    location: Location

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, slash, _ = self.ref.api_version.partition("/")
        return group if slash else ""

    @property
    def is_secret(self) -> bool:
        """Whether no message may show a value of it."""
        return self.ref.kind == SECRET

    @property
    def file(self) -> tuple[str, int | None] | None:
        """The path and index that an orchestrator has annotated, or None."""
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
        """Return the line of the stream, from 1, that the value at `location` is written in."""
        return self.parsed.source.line(tree.start_mark(self.written(location)).index)

    def written(self, location: Location) -> Any:
        """Return the value at `location` as it is written (tree.py)."""
        holder: Any = self.node
        for step in location[:-1]:
            holder = holder[step]
        return holder.origin(location[-1]) if location else holder


def read_slices(text: str, words: Iterable[str] | None) -> list[Slice | None]:
    """Return the slices of a stream that `read` takes one by one; None for a resource that it need not read.

    Such a one surely holds none of `words`; `words` of None leaves nothing out.
    """
    slices = stream.cut_documents(text)
    return [(0, len(text))] if slices is None else _without_words(text, slices, words, is_item=False)


def read(text: str, part: Slice, words: Iterable[str] | None, *, whole: bool = False) -> Iterator[Parsed | None]:
    """Yield the documents in `text[part]`, those of a list item by item; None for an item without `words`.

    `whole` parses each document in one piece.

    Raises Indivisible where that must be done, and InputError (line in `text`) where it is not YAML.
    """
    listing = None if whole else stream.cut_items(text, *part)
    if listing is not None and _is_list_frame(listing.frame):
        yield from read_items(text, listing.items, words)
    else:
        yield from _parse(text, part, is_item=False)


def read_items(text: str, items: list[Slice], words: Iterable[str] | None) -> Iterator[Parsed | None]:
    """Yield the items of a list, None for one without `words`. Raises Indivisible."""
    for item in _without_words(text, items, words, is_item=True):
        if item is None:
            yield None
            continue
        try:
            (parsed,) = _parse(text, item, is_item=True)
        except (InputError, ValueError) as error:
            raise Indivisible from error
        if not isinstance(parsed.document.root, tree.Sequence):
            raise Indivisible
        yield parsed


def is_resource(root: Any) -> bool:
    """Say whether the root of a document is meant as a resource, or a list of them."""
    return isinstance(root, tree.Mapping) and isinstance(root.get("kind"), str) and "apiVersion" in root


def resources_in(parsed: Parsed) -> Iterator[Resource]:
    """Yield the resources of a document. Raises InputError where something in it is none."""
    root = parsed.document.root
    if parsed.is_item:
        yield from _items(parsed, root, (), None)
    elif root is not None:
        yield from _resources(parsed, root, (), None)


class Indivisible(Exception):  # noqa: N818  (no error: the caller reads the document whole)
    """An item of a list does not parse by itself: an alias, say, whose anchor is in another item."""


def _without_words(
    text: str, slices: list[Slice], words: Iterable[str] | None, *, is_item: bool
) -> list[Slice | None]:
    """Return slices, with None for each that is certainly one resource without any of `words`.

    Which slices are read must not change what is reported. So a slice is left out only if its text proves that
    reading it could not fail and would find one resource.
    """
    if words is None:
        return [*slices]
    may_mention = stream.mention_test(text, words)
    kept: list[Slice | None] = []
    for one in slices:
        part = text[one[0] : one[1]]
        kept.append(one if may_mention(part) or not _prover()(part, is_item=is_item) else None)
    return kept


@cache
def _prover() -> Callable[..., bool]:
    from krm_image_setter.yaml import outline  # noqa: PLC0415  (a run that reads all slices does not need it)

    return outline.is_resource


def _parse(text: str, part: Slice, *, is_item: bool) -> list[Parsed]:
    start, end = part
    start += text.startswith("\ufeff", start)
    source = Source(text[start:end], text, start)
    try:
        return [Parsed(document, source, is_item) for document in parsing.parse(source.text)]
    except InputError as error:
        if error.line is not None:
            if error.line == 1 and error.column is not None:  # a JSON object can start within a line
                start_of_line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
                error.column += start - start_of_line - text.startswith("\ufeff", start_of_line, start)
            error.line += source.line(0) - 1
        raise


def resources_in_string(parsed: Parsed) -> Iterator[Resource]:
    """Yield what is searched for images in a document that a string holds.

    These are its resources, also those in a list (`alm-examples` of operators), and of a document that is no
    resource the root, which can be a pod spec or a part of one. Here a resource need not have an apiVersion.

    Raises InputError if something in a list of resources is not one.
    """
    root = parsed.document.root
    if parsed.is_item or is_resource(root):
        yield from resources_in(parsed)
    elif isinstance(root, tree.Sequence) and root and all(map(_has_kind, root)):
        for index, item in enumerate(root):
            if is_resource(item):
                yield from _resources(parsed, item, (index,), None)
            else:
                yield _in_string(parsed, item, (index,))
    elif isinstance(root, tree.Mapping | tree.Sequence):
        yield _in_string(parsed, root, ())


def _has_kind(node: Any) -> bool:
    return isinstance(node, tree.Mapping) and isinstance(node.get("kind"), str)


def _in_string(parsed: Parsed, node: Any, location: Location) -> Resource:
    return Resource(node, _ref(node, node["kind"], "") if _has_kind(node) else NO_REF, parsed, location)


def _is_list_frame(frame: str) -> bool:
    """Say whether a text is that of a list whose items were cut out: else the cut was wrong."""
    try:
        (document,) = parsing.parse(frame.removeprefix("\ufeff"))
    except (InputError, ValueError):
        return False
    root = document.root
    # In a string, what has no apiVersion is no list of resources.
    return is_resource(root) and root.get("kind") in _LISTS and root.get("items", "") is None


def _listed(node: tree.Mapping) -> tree.Sequence | None:
    """Return the resources that `node` lists, or None where it is a resource itself."""
    kind, items = node.get("kind"), node.get("items")
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, tree.Sequence):
        return None
    # An AllowList may have items that are no resources; a List may not.
    return items if kind in _LISTS or all(isinstance(item, tree.Mapping) for item in items) else None


def _resources(
    parsed: Parsed, node: Any, location: Location, listed_in: tree.Mapping | None
) -> Iterator[Resource]:
    """Yield the resource that `node` is, or those that it lists."""
    if not isinstance(node, tree.Mapping):
        raise _no_resource(parsed, location, "it is no mapping")
    items = _listed(node)
    if items is not None:
        yield from _items(parsed, items, (*location, "items"), node)
        return
    if node.get("kind") == "ResourceList":
        raise _no_resource(parsed, location, "the ResourceList has no list of items", "add `items: []`")
    kind = node.get("kind", _item_kind(listed_in))
    if not isinstance(kind, str) or not kind:
        raise _no_resource(parsed, location, "it has no kind")
    inherited = "" if listed_in is None or "kind" in node else listed_in.get("apiVersion")
    yield Resource(node, _ref(node, kind, inherited), parsed, location)


def _ref(node: tree.Mapping, kind: str, api_version: Any) -> ResourceRef:
    metadata = _mapping(node.get("metadata"))
    return ResourceRef(
        _string(node.get("apiVersion", api_version)),
        kind,
        _string(metadata.get("name")),
        _string(metadata.get("namespace")),
    )


def _items(
    parsed: Parsed, items: tree.Sequence, location: Location, listed_in: tree.Mapping | None
) -> Iterator[Resource]:
    for index, item in enumerate(items):
        yield from _resources(parsed, item, (*location, index), listed_in)


def _item_kind(listed_in: tree.Mapping | None) -> str:
    """Return the kind of an item that does not say it: a DeploymentList lists Deployments."""
    if listed_in is None or listed_in["kind"] in _LISTS:
        return ""
    kind: str = listed_in["kind"].removesuffix("List")
    return kind


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _scalar(value: Any) -> str | None:
    """Return a string or a number as a string; None for a collection, whose aliases could stand for terabytes."""
    return str(value) if isinstance(value, str | int | float) else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _no_resource(parsed: Parsed, location: Location, reason: str, cure: str = "") -> NotResourceError:
    holder: Any = parsed.document.root
    written = holder if isinstance(holder, tree.Mapping | tree.Sequence) else None
    for step in location:
        written = holder.origin(step)
        holder = holder[step]
    line = parsed.source.line(tree.start_mark(written).index) if written is not None else None
    return NotResourceError(
        f"this is no Kubernetes resource, {reason}: {cure or 'give only resources'}", line=line
    )
