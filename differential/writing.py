"""Writes nodes as YAML in random styles, without changing their data.

In rare cases, parsers read other data from the written text. mutate.py parses each text and drops such texts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

from differential.model import NonString
from differential.source import Node, data_of, is_merge, non_string, scalar_of

#: The styles, and the share of the nodes to which each style is applied. Writer scales it at random.
STYLES: Final = {
    "flow collection": 0.25,
    "line break in flow": 0.3,
    "comment": 0.08,
    "blank line": 0.06,
    "anchor": 0.06,
    "alias": 0.5,
    "merge key": 0.06,
    "complex key": 0.04,
    "tag": 0.05,
    "quoted": 0.35,
    "escape": 0.2,
    "block scalar": 0.2,
    "folded scalar": 0.1,
    "multi-line scalar": 0.08,
    "wide indent": 0.3,
    "trailing comma": 0.25,
    "quoted key": 0.1,
}

_COMMENTS: Final = (
    "# a comment", "#", "# image: nginx:1", "# - *a", "# }", "#\tx: 'y", "# \u00fc\u4e2d \U0001f600", "# --- {", "# renovate: docker",
)  # fmt: skip


class Writer:
    """Writes nodes. `used` counts the applied styles. `shares` overrides the shares of STYLES."""

    def __init__(self, random: Random, shares: dict[str, float] | None = None) -> None:
        self.random = random
        # Most texts use few styles often. A text that shows a fault then has few other styles.
        self.shares = {name: share * random.choice((0, 0, 0.3, 1, 2)) for name, share in STYLES.items()} | (
            shares or {}
        )
        self.used: Counter[str] = Counter()
        self.step = random.choice((2, 2, 2, 1, 3, 4))
        self.clear()

    def clear(self) -> None:
        """Forget the anchors of the last document."""
        self.anchors: dict[Any, str] = {}
        self.mergeable: list[tuple[str, Node, dict[Any, Any]]] = []
        self.names = 0
        self.counts: Counter[Any] = Counter()
        self.kept = False  # whether the last scalar keeps its trailing line ends, so that no blank line can follow

    def does(self, style: str) -> bool:
        """Choose at random whether to apply a style, and count it."""
        if self.random.random() >= self.shares[style]:
            return False
        self.used[style] += 1
        return True

    # --- documents ---------------------------------------------------------------------------------------------

    def document(self, node: Node) -> str:
        """Write a document without `---`."""
        self.clear()
        for each in node.walk():
            if each.kind != "alias":
                self.counts[frozen(each)] += 1
        if node.kind == "scalar":
            return self.scalar(node, 0, flow=False) + "\n"
        if not node.value or self.does("flow collection"):
            return self.flow(node, -1) + self.end_of_line()
        indent = self.random.choice((0, 0, 0, 0, 0, 1, 2))
        return self.block(node, indent)

    # --- block style -------------------------------------------------------------------------------------------

    def block(self, node: Node, indent: int, *, compact: bool = False) -> str:
        """Write a collection in block style, with its lines at `indent`. The collection must not be empty.

        If `compact` is true, the first line follows an indicator such as `-`, and is not indented.
        """
        margin = " " * indent
        entries: list[Any] = node.value if node.kind == "sequence" else self.pairs(node)
        written = ""
        for number, entry in enumerate(entries):
            written += "" if compact and not number else self.between(margin) + margin
            if node.kind == "sequence":
                written += f"-{self.entry(entry, indent, compact=True)}"
            else:
                written += self.pair(entry[0], entry[1], indent)
        return written

    def pair(self, key: Node, value: Node, indent: int) -> str:
        """Write a pair in block style, without the indentation of its first line."""
        if not is_merge(key) and self.does("complex key"):
            before = f"? {self.key(key, flow=False)}{self.end_of_line()}"
            if value.kind == "scalar" and value.value == "" and not value.style and self.random.random() < 0.5:
                return before
            return f"{before}{' ' * indent}:{self.entry(value, indent, compact=True)}"
        written = self.key(key, flow=False)
        colon = " :" if written.startswith("*") else self.random.choice((":", ":", ":", ":", " :"))
        return f"{written}{colon}{self.entry(value, indent, compact=False)}"

    def entry(self, node: Node, indent: int, *, compact: bool) -> str:
        """Write the node after `-`, `:` or `?` at `indent`, with its line end.

        If `compact` is true, a block collection can begin in the same line.
        """
        node = resolved(node)
        space = " " * (1 if not self.does("wide indent") else self.random.choice((2, 3, 4)))
        alias = self.alias(node)
        if alias:
            return space + alias + self.end_of_line()
        properties = self.properties(node)
        if node.kind in ("scalar", "alias"):
            written = self.scalar(node, indent, flow=False, tagged="!" in properties)
            if not written:
                return (space + properties.rstrip() if properties else "") + self.end_of_line()
            return space + properties + written + ("" if written.startswith(("|", ">")) else self.end_of_line())
        if not node.value or self.does("flow collection"):
            return space + properties + self.flow(node, indent) + self.end_of_line()
        if compact and not properties and self.random.random() < 0.85:
            return space + self.block(node, indent + 1 + len(space), compact=True)
        if node.kind == "sequence" and not compact and self.random.random() < 0.5:
            inner = indent
        else:
            inner = indent + (self.step if not self.does("wide indent") else self.random.randint(1, 7))
        return (space + properties.rstrip() if properties else "") + self.end_of_line() + self.block(node, inner)

    def end_of_line(self) -> str:
        """Return a line end, sometimes after a comment."""
        self.kept = False
        if self.does("comment"):
            return f"{self.random.choice((' ', ' ', '   ', chr(9)))}{self.random.choice(_COMMENTS)}\n"
        return self.random.choice(("\n", "\n", "\n", "\n", "\n", " \n"))

    def between(self, margin: str) -> str:
        """Return the lines before an entry: comments and blank lines, or none."""
        lines = ""
        if self.does("comment"):
            lines += f"{margin}{self.random.choice(_COMMENTS)}\n"
        if not self.kept and self.does("blank line"):
            lines += self.random.choice(("\n", "\n\n", f"{margin}\n"))
        self.kept = False
        return lines

    # --- flow style --------------------------------------------------------------------------------------------

    def flow(self, node: Node, indent: int) -> str:
        """Write a collection in flow style. Its lines after the first are indented by more than `indent`."""
        is_list = node.kind == "sequence"
        opening, closing = "[]" if is_list else "{}"
        if is_list:
            entries = [self.flow_item(item, indent) for item in node.value]
        else:
            entries = [self.flow_pair(key, value, indent) for key, value in self.pairs(node)]
        if not entries:
            return opening + self.random.choice(("", "", " ")) + closing
        written = opening + self.gap(indent, self.random.choice(("", "", " ")))
        for number, entry in enumerate(entries):
            comma = "," if number < len(entries) - 1 or self.does("trailing comma") else ""
            last = number == len(entries) - 1
            written += entry + self.random.choice(("", "", "", " ")) * bool(comma) + comma
            written += self.gap(
                indent, self.random.choice(("", " ")) if last else self.random.choice((" ", " ", " ", "  "))
            )
        return written + closing

    def flow_item(self, node: Node, indent: int) -> str:
        """Write an item of a flow sequence, sometimes a mapping with one pair without braces."""
        item = resolved(node)
        if item.kind == "mapping" and len(item.value) == 1 and self.random.random() < 0.15:
            key, value = item.value[0]
            if key.kind == "scalar" and not is_merge(key):
                return self.flow_pair(key, value, indent)
        return self.flow_node(node, indent)

    def gap(self, indent: int, otherwise: str) -> str:
        """Return the white space between two tokens of a flow collection."""
        if not self.does("line break in flow"):
            return otherwise
        end = f" {self.random.choice(_COMMENTS)}\n" if self.does("comment") else "\n"
        return end + " " * (max(indent, 0) + self.random.choice((1, 2, 4)))

    def flow_node(self, node: Node, indent: int) -> str:
        node = resolved(node)
        alias = self.alias(node)
        if alias:
            return alias + " "
        properties = self.properties(node)
        if node.kind in ("scalar", "alias"):
            written = self.scalar(node, indent, flow=True, tagged="!" in properties)
            return properties + written + (" " if properties and not written else "")
        return properties + self.flow(node, indent)

    def flow_pair(self, key: Node, value: Node, indent: int) -> str:
        mark = "? " if self.does("complex key") else ""
        written = self.key(key, flow=True)
        item = self.flow_node(value, indent)
        if not item and self.random.random() < 0.5:
            return f"{mark}{written}" + (" " if written.startswith("*") else "")
        if written.startswith("*") or (
            not item.startswith(("{", "[", '"', "'")) or not written.startswith(('"', "'"))
        ):
            return f"{mark}{written}{' ' if written.startswith('*') else ''}: {item}"
        return f"{mark}{written}:{self.random.choice(('', ' '))}{item}"

    # --- anchors, tags and merge keys --------------------------------------------------------------------------

    def alias(self, node: Node) -> str:
        """Return an alias of an equal node that was written before; an empty string if there is none."""
        anchor = self.anchors.get(frozen(node)) if self.anchors and node.kind != "alias" else None
        return f"*{anchor}" if anchor and self.does("alias") else ""

    def properties(self, node: Node) -> str:
        """Return an anchor and a tag for a node, each with a space after it, or an empty string."""
        if node.kind == "alias":
            return ""
        tag = ""
        if node.kind == "scalar":
            data = scalar_of(node)
            if isinstance(data, str) and self.does("tag"):
                tag = self.random.choice(("!!str ", "!!str ", "!<tag:yaml.org,2002:str> "))
            elif isinstance(data, NonString) and re.fullmatch("[1-9][0-9]*", data.text) and self.does("tag"):
                tag = "!!int "
        elif self.does("tag"):
            tag = "!!map " if node.kind == "mapping" else "!!seq "
        again = self.counts[frozen(node)] > 1
        if self.random.random() < self.shares["anchor"] * (4 if again else 0.5):
            self.used["anchor"] += 1
            self.names += 1
            anchor = f"{self.random.choice(('a', 'x-', 'id00', 'image'))}{self.names}"
            self.anchors[frozen(node)] = anchor
            if node.kind == "mapping":
                self.mergeable.append((anchor, node, data_of(node, [10**6])))
            return f"&{anchor} {tag}" if self.random.random() < 0.7 else f"{tag}&{anchor} "
        return tag

    def pairs(self, node: Node) -> list[tuple[Node, Node]]:
        """Return the pairs of a mapping, sometimes with a merge key instead of some pairs."""
        pairs: list[tuple[Node, Node]] = node.value
        names = [key.value for key, _ in pairs if key.kind == "scalar" and isinstance(scalar_of(key), str)]
        if len(names) < len(pairs) or "<<" in names or not pairs or not self.does("merge key"):
            return pairs
        data = data_of(node, [10**6])
        known = [
            (anchor, merged_node, merged)
            for anchor, merged_node, merged in self.mergeable
            if merged.keys() <= data.keys() and any(data[key] == value for key, value in merged.items())
        ]
        if known and self.random.random() < 0.7:
            anchor, merged_node, merged = self.random.choice(known)
            source = Node("alias", merged_node, anchor=anchor, style="*")
            rest = [(key, value) for key, value in pairs if merged.get(key.value, self) != data[key.value]]
        else:
            taken = [self.random.random() < 0.4 for _ in pairs]
            taken[self.random.randrange(len(taken))] = True
            rest = [pair for pair, is_taken in zip(pairs, taken, strict=True) if not is_taken]
            inside = [pair for pair, is_taken in zip(pairs, taken, strict=True) if is_taken]
            if rest and self.random.random() < 0.3:  # a pair of the mapping itself overrides it
                inside.append((self.random.choice(rest)[0], text_node("overridden")))
            source = Node("mapping", inside)
        if self.random.random() < 0.25:
            source = Node("sequence", [source])
        place = 0 if self.random.random() < 0.7 else self.random.randint(0, len(rest))
        return [*rest[:place], (Node("scalar", "<<"), source), *rest[place:]]

    # --- scalars -----------------------------------------------------------------------------------------------

    def key(self, key: Node, *, flow: bool) -> str:
        """Write a key on one line."""
        if is_merge(key):
            return "<<"
        key = resolved(key)
        if key.kind != "scalar":
            return self.one_line(lambda: self.flow(key, 0))
        alias = self.alias(key) if self.random.random() < 0.3 else ""
        if alias:
            return alias
        properties = self.properties(key) if self.random.random() < 0.2 else ""
        data = scalar_of(key)
        if isinstance(data, NonString) or (
            is_plain(data, flow=flow) and "\n" not in data and not self.does("quoted key")
        ):
            return f"{properties}{key.value}"
        return properties + (
            double(data, self) if self.random.random() < 0.7 or not is_printable(data) else single(data)
        )

    def one_line(self, write: Callable[[], str]) -> str:
        """Call `write` without line breaks and comments in flow collections and scalars."""
        shares = self.shares
        self.shares = shares | {"line break in flow": 0, "comment": 0, "multi-line scalar": 0}
        written = write()
        self.shares = shares
        return written

    def scalar(self, node: Node, indent: int, *, flow: bool, tagged: bool = False) -> str:
        """Write a scalar without its anchor and tag. Only a block scalar ends with a line end."""
        if node.kind == "alias":
            return f"*{node.anchor} "
        data = scalar_of(node)
        if isinstance(data, NonString):
            if tagged and self.random.random() < 0.5:
                return f'"{data.text}"'
            return "~" if flow and node.value == "" and self.random.random() < 0.5 else node.value
        margin = " " * (max(indent, 0) + self.random.choice((1, 2, 2, 4)))
        if not flow and data and is_printable(data) and not re.search("[\r\x85\u2028\u2029]", data):
            if self.does("folded scalar") and (written := self.folded(data, margin, indent)):
                return written
            if (("\n" in data) or self.random.random() < 0.2) and self.does("block scalar"):
                return self.literal(data, margin, indent)
        lines = self.does("multi-line scalar")
        if is_plain(data, flow=flow, tagged=tagged) and not self.does("quoted"):
            return folded_at_spaces(data, margin, self.random) if lines and "#" not in data else data
        if is_printable(data) and not re.search("[\r\x85\u2028\u2029]", data) and self.random.random() < 0.4:
            return single(
                folded_at_spaces(data, margin, self.random) if lines and "\n" not in data else data, margin
            )
        return double(data, self, margin if lines else None)

    def literal(self, text: str, margin: str, indent: int) -> str:
        """Write a string as a literal block scalar."""
        header, lines = self.header(text, "|", margin, indent)
        return header + "".join(f"{margin}{line}\n" if line else "\n" for line in lines)

    def header(self, text: str, style: str, margin: str, indent: int) -> tuple[str, list[str]]:
        """Return the first line of a block scalar, such as `|-`, and the lines of the text."""
        body = text.rstrip("\n")
        trailing = len(text) - len(body)
        lines = body.split("\n")
        if body == "":
            lines = []
        chomping = "-" if trailing == 0 else "" if trailing == 1 and body else "+"
        if chomping == "" and self.random.random() < 0.1:
            chomping = "+"
        digit = len(margin) - max(indent, 0)
        indicator = str(digit) if text[:1] in (" ", "\n", "\t") or self.random.random() < 0.05 else ""
        lines += [""] * ((trailing - 1) if body else trailing)
        marks = indicator + chomping if self.random.random() < 0.5 else chomping + indicator
        comment = f" {self.random.choice(_COMMENTS)}" if self.does("comment") else ""
        self.kept = chomping == "+"
        return f"{style}{marks}{comment}\n", lines

    def folded(self, text: str, margin: str, indent: int) -> str:
        """Write a string as a folded block scalar. Return an empty string if this is not possible."""
        body = text.rstrip("\n")
        if not body or text[0] in " \n\t" or re.search("[ \t]\n", text) or body.endswith((" ", "\t")):
            return ""
        header, _ = self.header(text, ">", margin, indent)
        written, before, last = "", "", ""
        for run in re.findall("[^\n]+|\n+", body):
            if run[0] == "\n":
                before = run
                continue
            if before:
                normal = last[0] not in " \t" and run[0] not in " \t"
                written += "\n" * (len(before) + normal)
            words = re.split("(?<=[^ \t]) (?=[^ \t])", run) if run[0] not in " \t" else [run]
            line = words[0]
            for word in words[1:]:
                line += self.random.choice((" ", " ", f"\n{margin}")) + word
            written += margin + line
            last = run
        return header + written + "\n" * max(1, len(text) - len(body))


# --- scalars as text -------------------------------------------------------------------------------------------


def is_printable(text: str) -> bool:
    """Return whether a text can be written without escapes."""
    return not re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]", text)


def is_plain(text: str, *, flow: bool, tagged: bool = False) -> bool:
    """Return whether a string can be written without quotes."""
    if (
        not text
        or not is_printable(text)
        or text != text.strip()
        or re.search("[\n\r\t\x85\xa0\u2028\u2029\ufeff]", text)
    ):
        return False
    if not tagged and non_string(text) is not None:
        return False
    if re.match(r"[,\[\]{}#&*!|>'\"%@`]|[-?:](?:\s|$)|---|\.\.\.", text) or re.search(r":(?:\s|$)|\s#", text):
        return False
    return not flow or not (re.search(r"[,\[\]{}?]|:[,\[\]{}]", text) or text[0] in "-?:")


def single(text: str, margin: str = " ") -> str:
    """Write a string in single quotes. A line end in the string becomes an empty line."""
    if re.search(r"\s\n|\n\s|^\n|\n$", text) and not text.startswith(margin):
        folded = text.split("\n" + margin)
        if any("\n" in part for part in folded):
            return json.dumps(text, ensure_ascii=False)
        return "'" + text.replace("'", "''") + "'"
    return "'" + text.replace("'", "''").replace("\n", f"\n\n{margin}") + "'"


def folded_at_spaces(text: str, margin: str, random: Random) -> str:
    """Replace some single spaces between words with line ends."""
    parts = re.split(r"(?<=[\w,;)]) (?=[\w(])", text)
    return parts[0] + "".join(random.choice((" ", f"\n{margin}")) + part for part in parts[1:])


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P", "\x00": "\\0", "\x07": "\\a", "\x1b": "\\e", "\xa0": "\\_", "\ufeff": "\\uFEFF"}  # fmt: skip


def double(text: str, writer: Writer, margin: str | None = None) -> str:
    """Write a string in double quotes, sometimes with unneeded escapes or on several lines."""
    random = writer.random
    escapes = writer.does("escape")
    written = '"'
    for index, character in enumerate(text):
        if character in _ESCAPES:
            written += _ESCAPES[character]
        elif not is_printable(character):
            written += f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
        elif escapes and random.random() < 0.15:
            code = ord(character)
            if character == "/":
                written += "\\/"
            elif code < 0x100 and random.random() < 0.5:
                written += f"\\x{code:02x}"
            else:
                written += f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08x}"
        else:
            written += character
        if (
            margin is not None
            and random.random() < 0.04
            and 0 < index < len(text) - 1
            and not text[index + 1].isspace()
        ):
            if not character.isspace():
                written += f"\\\n{margin}"
            elif character == " " and not text[index - 1].isspace():
                written = f"{written[:-1]}\n{margin}" if written.endswith(" ") else written
    return written + '"'


# --- nodes -----------------------------------------------------------------------------------------------------


def frozen(node: Node) -> Any:
    """Return the data of a node as a hashable value."""
    return _frozen(data_of(node, [10**6]))


def _frozen(data: Any) -> Any:
    if isinstance(data, NonString):
        return data
    if isinstance(data, dict):
        return frozenset((key, _frozen(value)) for key, value in data.items())
    # NonString is a tuple too: `true` must differ from `["true"]`.
    return ("list", *map(_frozen, data)) if isinstance(data, list) else data


def resolved(node: Node) -> Node:
    """Return the target of an alias of the old text. Return other nodes unchanged."""
    return node.value if node.kind == "alias" and node.style != "*" else node


def text_node(text: str) -> Node:
    """Return a scalar node with a string value."""
    return Node("scalar", text, style='"')


def node_of(data: Any) -> Node:
    """Convert plain data to nodes."""
    if isinstance(data, dict):
        return Node("mapping", [(node_of(key), node_of(value)) for key, value in data.items()])
    if isinstance(data, list):
        return Node("sequence", [node_of(item) for item in data])
    if isinstance(data, NonString):
        return Node("scalar", data.text)
    if isinstance(data, str):
        return text_node(data)
    return Node("scalar", json.dumps(data))
