"""Reads kustomizations, and the texts that they refer to, in the same way as kustomize.

Keys are not case-sensitive. If a key is repeated, the last one counts. Only the first document of a file counts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping

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
    """The texts of a run. `names` contains the keys of the texts that can be changed, and the names for messages.

    A key is a path with slashes. `read` returns the text with a key, even if the text must not be changed. It
    returns None if there is no such text. `real` returns a path without symbolic links. `other_name` returns the
    name of any other text for messages.
    """

    names: Mapping[str, str]
    read: Callable[[str], str | None]
    real: Callable[[str], str] = str
    other_name: Callable[[str], str] = str

    def shown(self, key: str) -> str:
        """Return the name of a text that messages show."""
        return self.names.get(key) or self.other_name(key)

    def kustomizations(self) -> list[str]:
        """Return the keys of the kustomizations that can be changed. A directory has at most one kustomization."""
        return [key for key in self.names if posixpath.basename(key) in FILE_NAMES]


class Text:
    """A YAML text that contains entries or patches: a file, or a string in another text.

    `key` identifies the text in the run. If the text is a string, `parent` is the node of that string. `roots`
    contains the root of each document, in the form of a resource. `documents` omits empty documents.
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
        """The outermost text: the file around this string, or this text itself if it is a file."""
        return self.parent.text.file if self.parent else self

    def line_in_file(self, line: int) -> int:
        """Convert a line number of this text to a line number of its file. Both count from 1."""
        if self.parent is None:
            return line
        return self.parent.text.line_in_file(lines_in_string(self.parent.root, self.parent.location)(line))


class Node:
    """A value in a YAML document, and its location. Its child nodes are cached, because many builds need them."""

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
        """The keys of a mapping by their lower case. kustomize ignores case, and uses the last of equal keys."""
        if self._names is None:
            self._names = {name.lower(): name for name in self.value} if isinstance(self.value, dict) else {}
        return self._names

    def child(self, key: str) -> Node:
        """Return the child node at a key. The value of the node is None if the key does not exist."""
        child = self._children.get(key)
        if child is None:
            location = (*self.location, self.names.get(key.lower(), key))
            child = self._children[key] = Node(self.text, self.number, location, self._value(key))
        return child

    def _value(self, key: str) -> Any:
        name = self.names.get(key.lower())
        return None if name is None else self.value[name]

    def items(self, key: str = "") -> list[Node]:
        """Return the items of this list, or of the list at `key`. Return no items if the value is not a list."""
        if key:
            return self.child(key).items() if key.lower() in self.names else []
        if self._items is None:
            values = self.value if isinstance(self.value, list) else ()
            self._items = [
                Node(self.text, self.number, (*self.location, index), value) for index, value in enumerate(values)
            ]
        return self._items

    def string(self, key: str = "") -> str:
        """Return this string, or the string at `key`. Return an empty string if the value is not a string."""
        value = self._value(key) if key else self.value
        return value if isinstance(value, str) else ""

    @property
    def root(self) -> Resource:
        """The root of the document, in the form of a resource."""
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
        """The line of the value in its file, counted from 1. It is computed on access, to save time."""
        return self.text.line_in_file(self.root.line(self.location))

    @property
    def column(self) -> int | None:
        """The column of the value in its file, counted from 1. None if the value is inside a string."""
        return None if self.text.parent else self.root.position(self.location)[1]


class Entry(Node):
    """An entry of `images`, or the `imageTag` of an ImageTagTransformer, and its location in a text."""

    __slots__ = ("is_writable", "keys")

    def __init__(self, node: Node, *, is_writable: bool) -> None:
        super().__init__(node.text, node.number, node.location, node.value)
        self.keys = entry_keys(node.value)
        self.is_writable = is_writable


def _directories_of(paths: Iterable[str]) -> set[str]:
    """Return all directories above some paths."""
    found = {""}
    for path in paths:
        directory = path.rpartition("/")[0]
        while directory not in found:
            found.add(directory)
            directory = directory.rpartition("/")[0]
    return found


class Reader:
    """Reads each text of a run only once."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._texts: dict[str, Text | None] = {}
        self._entries: dict[tuple[str, int, Location], Entry] = {}
        self._kustomizations: dict[str, Node | None] = {}
        self._resolved: dict[tuple[str, str], str | None] = {}
        # These directories have no symbolic links. Asking the system took 60 ms for 2,500 kustomizations.
        self._directories = _directories_of(sources.names)

    def text(self, key: str) -> Text | None:
        """Return the file with a key; None if the file does not exist or is not YAML."""
        if key not in self._texts:
            source = self.sources.read(key)
            self._texts[key] = None if source is None else _parsed(key, source, None)
        return self._texts[key]

    def documents(self, directory: str, reference: str) -> list[Node]:
        """Return the documents of the file `reference`, relative to `directory`; [] if it cannot be read."""
        path = self.resolved(directory, reference)
        text = None if path is None else self.text(path)
        return [] if text is None else text.documents

    def resolved(self, directory: str, reference: str) -> str | None:
        """Return the key of a file or directory, without symbolic links. None if it is remote.

        `reference` is relative to `directory`. kustomize also removes `..` before it follows a link.
        """
        pair = directory, reference
        if pair not in self._resolved:
            path = posixpath.normpath(posixpath.join(directory, reference))
            if any(mark in reference for mark in _REMOTE):
                self._resolved[pair] = None
            elif path in self.sources.names or path in self._directories:
                self._resolved[pair] = path
            else:
                self._resolved[pair] = "" if path == "." else self.sources.real(path)
        return self._resolved[pair]

    def files(self) -> dict[str, Text]:
        """Return the files that were read and are YAML."""
        return {key: text for key, text in self._texts.items() if text is not None and text.parent is None}

    def string(self, node: Node) -> Text | None:
        """Return the YAML text inside a string; None if the string is not YAML."""
        key = f"{node.text.key}#{node.number}{node.location}"
        if key not in self._texts:
            self._texts[key] = _parsed(key, node.value, node)
        return self._texts[key]

    def kustomization(self, directory: str) -> Node | None:
        """Return the root of the kustomization in a directory; None if its file does not exist or is not YAML."""
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
        """Return the entry of `images` in a node; None if the node is not a mapping."""
        if not isinstance(node.value, tree.Mapping):
            return None
        place = node.text.key, node.number, node.location
        if place not in self._entries:
            self._entries[place] = Entry(node, is_writable=node.file in self.sources.names)
        return self._entries[place]


def _parsed(key: str, source: str, parent: Node | None) -> Text | None:
    try:
        return Text(key, source, parent)
    except InputError:
        return None
