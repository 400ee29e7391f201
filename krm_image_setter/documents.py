"""Read a text as a stream of Kubernetes documents: split it, skip irrelevant parts, and parse the other parts.

Other modules get the trees of documents only from this module. Splitting and skipping are private to this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial

from krm_image_setter.errors import InputError
from krm_image_setter.line_breaks import BREAKS, line_start
from krm_image_setter.resources import LISTS, RESOURCE_LIST, Tree, is_resource
from krm_image_setter.typed import Any, Final, Record, TypeAlias
from krm_image_setter.yaml import parsing, stream, tree
from krm_image_setter.yaml.stream import Listing, Slice, Source

# The files that can contain JSON with comments: https://containers.dev/implementors/json_reference/
_WITH_COMMENTS: Final = "devcontainer.json"


class Frame(Record):
    """A ResourceList as a mapping and its source. If `listing` is not None, neither contains the items."""

    root: tree.Mapping
    source: str
    listing: Listing | None


class Stream:
    """A text as a stream of documents.

    Each document and each item of a list is parsed alone. A resource is skipped if its text shows that it cannot
    matter. Skipping makes a run faster and does not change its result.

    `file` is the name of the file, relative to the directory that the user named; empty if it is not known.
    `directory` is the absolute path of this directory; empty if it is not known. `source` identifies the text
    among the texts of a run. `is_found` is true if a directory search found the file. Then the file need not
    contain a resource.
    """

    def __init__(
        self, text: str, file: str = "", directory: str = "", source: str = "", *, is_found: bool = False
    ) -> None:
        self.text = text
        if file.endswith(_WITH_COMMENTS):
            from krm_image_setter.yaml.json_comments import blanked  # noqa: PLC0415  (few files allow comments)

            self.text = blanked(text)
        self.file = file
        self.directory = directory
        self.source = source
        self.is_found = is_found
        self._listing: Listing | None = None  # if the whole text is one list

    @property
    def can_have_resource(self) -> bool:
        """Whether the text might contain a resource. If false, parsing is not necessary: the text contains none.

        True for an empty text, because it must not be reported as a text without resources. Dashboards in JSON
        contain many backslashes, but few escapes of letters. Parsing them took 25 of 640 ms for 3,002 files.
        """
        return "kind" in self.text or not self.text or self.text.isspace() or stream.has_escape(self.text)

    def documents(self, keyword: str = "") -> Iterator[Tree]:
        """Yield the documents whose text contains the keyword. A list of resources is one document.

        Raises NotYAMLError, with the line in the text, if a document is not valid YAML.
        """
        for start, end in stream.cut_documents(self.text) or [(0, len(self.text))]:
            if self.text.find(keyword, start, end) >= 0:
                yield from self._parsed((start, end))

    def trees(
        self, can_matter: Callable[[str], bool] | None = None, *, unproved: bool = False
    ) -> Iterator[Tree | None]:
        """Return the documents. A list of resources is replaced by its items, and a skipped resource by None.

        A resource is skipped if `can_matter` returns false for its text. It is called only after the earlier trees
        were returned. If `unproved` is true, any other text for which it returns false is skipped too, so its
        errors are not found. Raises NotYAMLError, with the line in the text, if a document is not valid YAML.
        """
        keep = partial(self._kept, can_matter, unproved)
        if self._listing is not None:
            return self._items(self._listing.items, (0, len(self.text)), keep, RESOURCE_LIST)
        return self._trees(keep)

    def _trees(self, keep: _Keep) -> Iterator[Tree | None]:
        slices = stream.cut_documents(self.text)
        parts = [(0, len(self.text))] if slices is None else keep(slices, is_item=False)
        for part in parts:
            if part is None:
                yield None
                continue
            listing = stream.cut_items(self.text, *part)
            kind = _kind_of_list(listing.frame) if listing is not None else ""
            if listing is not None and kind and not self._is_shared(listing.items):
                yield from self._items(listing.items, part, keep, kind)
            else:
                yield from self._parsed(part)

    def resource_list(self) -> Frame | None:
        """Return the frame of the ResourceList; None if the text is not a ResourceList or not YAML."""
        text = self.text
        if not _can_be_resource_list(text):
            return None
        start = int(text.startswith("\ufeff"))
        listing = stream.cut_items(text, start, len(text))
        # The list can be split only if its items are complete lines and do not refer to anchors in the frame.
        if listing is not None and text.endswith("\n") and "&" not in listing.frame:
            root = _resource_list_root(listing.frame)
            if root is not None and root.get("items", "") is None and not self._is_shared(listing.items):
                self._listing = listing
                return Frame(root, listing.frame, listing)
        root = _resource_list_root(text[start:])
        return None if root is None else Frame(root, text[start:], None)

    def has_resource_list(self) -> bool:
        """Return whether one of the documents is a ResourceList."""
        return _can_be_resource_list(self.text) and any(
            map(_is_resource_list, _roots(self.text.removeprefix("\ufeff")))
        )

    def _items(self, items: list[Slice], part: Slice, keep: _Keep, kind: str) -> Iterator[Tree | None]:
        for number, item in enumerate(keep(items, is_item=True)):
            if item is None:
                yield None
                continue
            try:
                (parsed,) = self._parsed(item, list_kind=kind)
            except (InputError, ValueError):
                parsed = None
            if parsed is None or not isinstance(parsed.document.root, tree.Sequence):
                # The split was wrong, or the item is not YAML. Parse the whole list, and skip the earlier items.
                for whole in self._parsed(part):
                    yield whole._replace(first=number)
                return
            yield parsed

    def _is_shared(self, items: list[Slice]) -> bool:
        """Return whether an alias in one item might refer to an anchor in another item."""
        text = self.text
        if "&" not in text or "*" not in text:
            return False
        start, end = items[0][0], items[-1][1]
        anchors = set(re.compile(_ANCHOR).findall(text, start, end))
        shared = anchors.intersection(re.compile(_ALIAS).findall(text, start, end))
        return bool(shared) and any(
            shared.intersection(re.compile(_ALIAS).findall(text, *item))
            - set(re.compile(_ANCHOR).findall(text, *item))
            for item in items
        )

    def _kept(
        self,
        can_matter: Callable[[str], bool] | None,
        unproved: bool,
        slices: list[Slice],
        *,
        is_item: bool,
    ) -> Iterator[Slice | None]:
        """Yield the slices, but None in place of each slice that can be skipped.

        A slice that cannot matter is skipped if it is certainly one resource in valid YAML. Skipping any other
        slice could hide an error, so it requires `unproved`.
        """
        if can_matter is None:
            yield from slices
            return
        for one in slices:
            part = self.text[one[0] : one[1]]
            is_skipped = not can_matter(part) and (unproved or _prover()(part, is_item=is_item))
            yield None if is_skipped else one

    def _parsed(self, part: Slice, *, list_kind: str = "") -> list[Tree]:
        text, (start, end) = self.text, part
        start += text.startswith("\ufeff", start)
        source = Source(text[start:end], text, start)
        try:
            documents = parsing.parse(source.text)
            return [Tree(document, source, list_kind) for document in documents]
        except InputError as error:
            if error.line is not None:
                # A slice can start in the middle of a line, after another JSON object.
                if error.line == 1 and error.column is not None:
                    first = line_start(text, start)
                    error.column += start - first - text.startswith("\ufeff", first, start)
                error.line += source.line(0) - 1
            raise


#: The arguments are slices, and whether they are items. Yields the slices, but None for each skipped slice.
_Keep: TypeAlias = Callable[..., Iterator[Slice | None]]

# These patterns for anchors and aliases also match inside scalars. The only effect is that a list is not split.
_ANCHOR: Final = r"&([^\s,\[\]{}]+)"
_ALIAS: Final = r"\*([^\s,\[\]{}]+)"


def _can_be_resource_list(text: str) -> bool:
    return "ResourceList" in text or ("\\" in text and re.search(_ESCAPED_KIND, text) is not None)


# This pattern matches the string "ResourceList" if it contains escapes. It ignores the key `kind`, because the key
# can contain escapes too, or be an alias.
_CONTINUED: Final = rf"(?:\\[{BREAKS}]\s*)*"
_ESCAPE: Final = r"\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_ESCAPED_KIND: Final = rf'"(?:{_CONTINUED}(?:[ResourcLit]|{_ESCAPE})){{12}}{_CONTINUED}"'


def _resource_list_root(source: str) -> tree.Mapping | None:
    roots = _roots(source)
    return roots[0] if len(roots) == 1 and _is_resource_list(roots[0]) else None


def _roots(source: str) -> list[Any]:
    try:
        return [document.root for document in parsing.parse(source) if document.root is not None]
    except InputError:
        return []


def _is_resource_list(root: Any) -> bool:
    return isinstance(root, tree.Mapping) and root.get("kind") == RESOURCE_LIST


@cache
def _prover() -> Callable[..., bool]:
    from krm_image_setter.yaml import outline  # noqa: PLC0415  (a run that reads all slices does not need it)

    return outline.is_resource


def _kind_of_list(frame: str) -> str:
    """Return the kind of a list of resources without items. If it is empty, the split was wrong."""
    try:
        (document,) = parsing.parse(frame.removeprefix("\ufeff"))
    except (InputError, ValueError):
        return ""
    root = document.root
    # A document in a string is not a list of resources if it has no `apiVersion`.
    is_list = is_resource(root) and root.get("kind") in LISTS and root.get("items", "") is None
    return root["kind"] if is_list else ""
