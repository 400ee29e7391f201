"""Reads kustomizations, and the texts that they refer to, as kustomize reads them.

Keys are compared without case, the last of several equal keys counts, and so does the first of several documents.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import lru_cache

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.locators.kustomize_entry import entry_keys
from krm_image_setter.resources import NO_REF, Resource
from krm_image_setter.scan import lines_in_string
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

_REMOTE: Final = ("://", "?ref=", "git@", "github.com/")


class Sources(Record):
    """The texts of a run. The keys of `names` identify the texts that can be changed; the values are for messages.

    A key is a path with slashes. `read` returns a text by its key, also texts that must not be changed. It returns
    None if there is no text.
    """

    names: Mapping[str, str]
    read: Callable[[str], str | None]

    def shown(self, key: str) -> str:
        """Return the name of a text for messages."""
        return self.names.get(key, key)

    def kustomizations(self) -> list[str]:
        """Return the keys of the kustomizations that can be changed. A directory has at most one kustomization."""
        return [key for key in self.names if posixpath.basename(key) in FILE_NAMES]


class Text:
    """A YAML text that contains entries or patches: a file, or a string in another text.

    `key` identifies the text in the run. For a string, `parent` is the string in the text that contains it.
    `roots` contains the root of each document as if it were a resource, and `documents` those that are not empty.
    """

    def __init__(self, key: str, source: str, parent: Node | None) -> None:
        self.key = key
        self.source = source
        self.parent = parent
        self.roots = [Resource(one.document.root, NO_REF, one, ()) for one in Stream(source).documents()]
        roots = enumerate(self.roots)
        self.documents = [Node(self, number, (), root.node) for number, root in roots if root.node is not None]

    @property
    def file(self) -> Text:
        """The text of the file that contains this text."""
        return self.parent.text.file if self.parent else self

    def line_in_file(self, line: int) -> int:
        """Return the line in the file for a line of this text. Both count from 1."""
        if self.parent is None:
            return line
        return self.parent.text.line_in_file(lines_in_string(self.parent.root, self.parent.location)(line))


class Node:
    """A value in a document of a text, and its location. It keeps its children, because many builds need them."""

    __slots__ = ("_children", "_items", "_names", "location", "number", "text", "value")

    def __init__(self, text: Text, number: int, location: Location, value: Any) -> None:
        self.text = text
        self.number = number
        self.location = location
        self.value = value
        self._children: dict[str, Node] = {}
        self._items: list[Node] | None = None
        self._names: dict[str, str] | None = None

    @property
    def names(self) -> dict[str, str]:
        """The keys of a mapping by their lower case. kustomize ignores the case, and the last one counts."""
        if self._names is None:
            self._names = {name.lower(): name for name in self.value} if isinstance(self.value, dict) else {}
        return self._names

    def child(self, key: str) -> Node:
        """Return a child of a mapping. A key that does not exist has the value None."""
        child = self._children.get(key)
        if child is None:
            location = (*self.location, self.names.get(key.lower(), key))
            child = self._children[key] = Node(self.text, self.number, location, self._value(key))
        return child

    def _value(self, key: str) -> Any:
        name = self.names.get(key.lower())
        return None if name is None else self.value[name]

    def items(self, key: str = "") -> list[Node]:
        """Return the items of a list: of this node, or of its child. A value that is not a list has no items."""
        if key:
            return self.child(key).items() if key.lower() in self.names else []
        if self._items is None:
            values = self.value if isinstance(self.value, list) else ()
            self._items = [
                Node(self.text, self.number, (*self.location, index), value) for index, value in enumerate(values)
            ]
        return self._items

    def string(self, key: str = "") -> str:
        """Return a string: this node, or its child. Any other value is an empty string."""
        value = self._value(key) if key else self.value
        return value if isinstance(value, str) else ""

    @property
    def root(self) -> Resource:
        """The root of the document, as if it were a resource."""
        return self.text.roots[self.number]

    @property
    def offset(self) -> int:
        """The offset of the value in its text, in code points."""
        return self.root.offset(self.location)

    @property
    def file(self) -> str:
        """The key of the file that contains the value."""
        return self.text.file.key

    @property
    def line(self) -> int:
        """The line of the value in its file, counted from 1. It is computed when a message or a list needs it."""
        return self.text.line_in_file(self.root.line(self.location))

    @property
    def column(self) -> int | None:
        """The column of the value in its file, counted from 1. In a string, it is not known."""
        return None if self.text.parent else self.root.position(self.location)[1]


class Entry(Node):
    """An entry of `images`, or the `imageTag` of an ImageTagTransformer, and its location in a text."""

    __slots__ = ("is_writable", "keys")

    def __init__(self, node: Node, *, is_writable: bool) -> None:
        super().__init__(node.text, node.number, node.location, node.value)
        self.keys = entry_keys(node.value)
        self.is_writable = is_writable


class Reader:
    """Reads the texts of a run, each of them once."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._texts: dict[str, Text | None] = {}
        self._entries: dict[tuple[str, int, Location], Entry] = {}
        self._kustomizations: dict[str, Node | None] = {}

    def text(self, key: str) -> Text | None:
        """Return a file; None if it does not exist, or is not YAML."""
        if key not in self._texts:
            source = self.sources.read(key)
            self._texts[key] = None if source is None else _parsed(key, source, None)
        return self._texts[key]

    def documents(self, directory: str, reference: str) -> list[Node]:
        """Return the documents of a file to which a kustomization in `directory` refers, if it can be read."""
        path = resolved(directory, reference)
        text = None if path is None else self.text(path)
        return [] if text is None else text.documents

    def files(self) -> dict[str, Text]:
        """Return the files that were read and are YAML."""
        return {key: text for key, text in self._texts.items() if text is not None and text.parent is None}

    def string(self, node: Node) -> Text | None:
        """Return the text in a string; None if it is not YAML."""
        key = f"{node.text.key}#{node.number}{node.location}"
        if key not in self._texts:
            self._texts[key] = _parsed(key, node.value, node)
        return self._texts[key]

    def kustomization(self, directory: str) -> Node | None:
        """Return the root of the kustomization in a directory; None if there is none, or if it is not YAML."""
        if directory not in self._kustomizations:
            is_file = directory in self.sources.names
            self._kustomizations[directory] = None if is_file else self._found(directory)
        return self._kustomizations[directory]

    def _found(self, directory: str) -> Node | None:
        for name in FILE_NAMES:
            key = posixpath.join(directory, name)
            text = self.text(key)
            if text is not None:
                return next((node for node in text.documents if isinstance(node.value, dict)), None)
        return None

    def entry(self, node: Node) -> Entry | None:
        """Return an entry of `images`; None if it is not a mapping with a name."""
        if not isinstance(node.value, tree.Mapping):
            return None
        place = node.text.key, node.number, node.location
        if place not in self._entries:
            self._entries[place] = Entry(node, is_writable=node.file in self.sources.names)
        return self._entries[place]


@lru_cache(maxsize=65536)
def resolved(directory: str, reference: str) -> str | None:
    """Return the key of the file or directory to which a kustomization in `directory` refers; None if remote."""
    if any(mark in reference for mark in _REMOTE):
        return None
    path = posixpath.normpath(posixpath.join(directory, reference))
    return "" if path == "." else path


def _parsed(key: str, source: str, parent: Node | None) -> Text | None:
    try:
        return Text(key, source, parent)
    except InputError:
        return None
