r"""Kubernetes JSONPath, as kubectl documents it and client-go implements it in `util/jsonpath`.

    template := { text | "{" action "}" }
    action   := "range" steps | "end" | steps
    steps    := { step }
    step     := "." field | "." "*" | ".." | "[" item { "," item } "]" | "[?(" filter ")]" | "@" | "$" | literal
    field    := characters up to one of . , [ ] $ @ { } or a blank; "\" takes the next one as it is
    item     := "*" | "'" key "'" | index | [start] ":" [end] [":" step]
    filter   := steps | steps operator steps,  operator := == != < <= > >=

See https://kubernetes.io/docs/reference/kubectl/jsonpath/. A path of krm-image-setter matches only fields.
Therefore this module differs from client-go in three ways:

- Text between actions is ignored.
- A missing key, an index out of bounds and a filter on a mapping match nothing; client-go reports an error.
- `['a.b']` matches the key `a.b` if it exists.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

from krm_image_setter.paths.path import Location, Match, PathError, each_once
from krm_image_setter.typed import Any, Final, Record

Nodes = list[Match]


class KubernetesPath(Record):
    """A parsed template. If it consists only of keys, such as `.spec.image`, `fields` contains the keys."""

    text: str
    actions: tuple[Action, ...]
    fields: tuple[str, ...] | None
    keyword: str

    @property
    def last_key(self) -> str:
        """The key of the last step; see `Path.last_key`."""
        (steps, body), *others = self.actions or (Action((), ()),)
        last = steps[-1] if steps and body is None and not others else None
        return last.key if isinstance(last, Field) else ""

    def find(self, data: Any) -> list[Match]:
        """Find the matches in `data`, as specified in `Path.find`."""
        if self.fields is not None:
            for key in self.fields:
                if not isinstance(data, dict) or key not in data:
                    return []
                data = data[key]
            return [Match(self.fields, data)]
        matches = _run(self.actions, [Match((), data)], set())
        located = (match for match in matches if match.location is not _NOWHERE)
        return each_once(located, _LOCATION) if matches else matches

    def steps(self, data: Any) -> Iterator[tuple[Nodes, str | None]]:
        """Follow a path without text, literals, `..` and ranges, as specified in `Path.steps`."""
        (steps, body), *others = self.actions or (Action((), ()),)
        if others or body is not None or any(isinstance(step, Descent | Literal) for step in steps):
            return
        nodes = [Match((), data)]
        for step in steps:
            yield nodes, getattr(step, "key", None)
            nodes = step.walk(nodes)
            if not nodes:
                return


# The following classes are the steps of a path. `walk` starts from `nodes`, and returns the nodes that the step
# matches.


class Field(Record):
    """The step `.key`, which matches the value of the key in a mapping."""

    key: str

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the values under the key."""
        key = self.key
        return [
            Match((*location, key), value[key])
            for location, value in nodes
            if isinstance(value, dict) and key in value
        ]


class QuotedKey(Record):
    """The step `['a.b']`, which matches the key `a.b`, or the path `.a.b` if no such key exists.

    `fields` are the steps of the path. They are empty if the key is not a valid path.
    """

    key: str
    fields: tuple[Step, ...]

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the values under the key."""
        found: Nodes = []
        for node in nodes:
            found += Field(self.key).walk([node]) or (_walk(self.fields, [node]) if self.fields else [])
        return found


class Wildcard(Record):
    """The step `.*` or `[*]`, which matches all children. As in client-go, `[*]` matches only items of lists."""

    lists_only: bool

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the children of all nodes."""
        return [
            child
            for node in nodes
            if isinstance(node.value, list) or not self.lists_only
            for child in _children(node)
        ]


# Use a tuple for `isinstance`: `dict | list` takes seven times as long, and `..` visits all values of a resource.
_COLLECTIONS: Final = (dict, list)


class Descent(Record):
    """The step `..`, which matches the current nodes and all values inside them that are non-empty collections."""

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the collections, parents first. Each collection occurs once, even after a second `..`."""
        found: dict[Location, Match] = {}
        pending = [node for node in reversed(nodes) if isinstance(node.value, _COLLECTIONS)]
        while pending:
            node = pending.pop()
            location, value = node
            if location in found or not value:
                continue
            found[location] = node
            items = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [Match((*location, key), item) for key, item in items if isinstance(item, _COLLECTIONS)]
            pending += reversed(inner)
        return list(found.values())


class Slice(Record):
    """An index or a slice, such as `[1]`, `[1:3]`, `[-2:]` or `[::2]`. An index is a slice of one item."""

    start: int | None
    end: int | None
    step: int
    single: bool

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the items in the slice."""
        found: Nodes = []
        for location, value in nodes:
            length = len(value) if isinstance(value, list) else 0
            start = self.start or 0
            start += length if start < 0 else 0
            end = start + 1 if self.single else length if self.end is None else self.end
            end += length if end < 0 else 0
            # If the slice is longer than the list, client-go reports an error, but Python would shorten the slice.
            if 0 <= start < end <= length:
                found += (Match((*location, i), value[i]) for i in range(start, end, self.step))
        return found


class Union(Record):
    """A union, such as `[0,2]` or `['a','b']`, which matches everything that one of its parts matches."""

    parts: tuple[tuple[Step, ...], ...]

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the nodes of all parts in order. Each node occurs once: `[0,0]` must not double their number."""
        return each_once((match for part in self.parts for match in _walk(part, nodes)), _LOCATION)


class Filter(Record):
    """A filter, such as `[?(@.name=="x")]`, which matches the items of a list for which the comparison is true.

    A filter can have no operator. For example, `[?(@.name)]` matches the items in which `left` matches something.
    """

    left: tuple[Step, ...]
    operator: str
    right: tuple[Step, ...]

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the items for which the filter is true."""
        return [
            item
            for node in nodes
            if isinstance(node.value, list)
            for item in _children(node)
            if self._is_true(item)
        ]

    def _is_true(self, item: Match) -> bool:
        left = _walk(self.left, [item])
        if not self.operator:
            return bool(left)
        right = _walk(self.right, [item])
        return len(left) == len(right) == 1 and _compare(left[0].value, self.operator, right[0].value)


class Literal(Record):
    """A number, a boolean or a quoted text in a path. Its value has no location in the data."""

    value: Any

    def walk(self, nodes: Nodes) -> Nodes:
        """Return the value once per node, but a quoted string only once in total, as client-go does."""
        count = 1 if isinstance(self.value, str) else len(nodes)
        return [Match(_NOWHERE, self.value)] * count


Step = Field | QuotedKey | Wildcard | Descent | Slice | Union | Filter | Literal


class Action(Record):
    """An action `{…}` with its steps. The `body` of a range is run for each node that the steps match."""

    steps: tuple[Step, ...]
    body: tuple[Action, ...] | None = None


_NOWHERE: Final[Location] = ("", -1, "")
_LOCATION: Final[Callable[[Match], Location]] = operator.attrgetter("location")


def _run(actions: tuple[Action, ...], nodes: Nodes, done: set[tuple[int, Location]]) -> Nodes:
    """Return the nodes that actions match. No range is run twice for the same node.

    `done` records each run of a range, as the id of its body and the location of its node.
    """
    found: Nodes = []
    for steps, body in actions:
        reached = _walk(steps, nodes)
        if body is None:
            found += reached
            continue
        for match in reached:
            key = (id(body), match.location)
            if key not in done:
                done.add(key)
                found += _run(body, [match], done)
    return found


def _walk(steps: tuple[Step, ...], nodes: Nodes) -> Nodes:
    for step in steps:
        # In most resources, most paths of the catalog match nothing after the second step.
        if not nodes:
            break
        nodes = step.walk(nodes)
    return nodes


def _children(node: Match) -> Nodes:
    location, value = node
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [Match((*location, key), child) for key, child in items]


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _compare(left: Any, sign: str, right: Any) -> bool:
    """Compare two booleans, two numbers or two strings, as text/template in Go does.

    The result for other types is False. JSON has only one type of number, so `4 == 4.0` is true.
    """
    kinds = {bool if isinstance(value, bool) else float if isinstance(value, int | float) else type(value)
             for value in (left, right)}  # fmt: skip
    is_comparable = kinds in ({float}, {str}) or (kinds == {bool} and sign in ("==", "!="))
    return is_comparable and _OPERATORS[sign](left, right)


# The following patterns and classes parse a path.

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
# The maximum nesting depth of ranges. A useful path has one or two levels.
_MAX_RANGES: Final = 20
_NAME_CHARACTERS: Final = r"[^\\ \t\r\n.,\[\]$@{}]*"
_NAME: Final = rf"{_NAME_CHARACTERS}(?:\\(?s:.?){_NAME_CHARACTERS})*"
_SLICE: Final = r"(-?[0-9]*)(?::(-?[0-9]*))?(?::(-?[0-9]*))?"
_KEY: Final = r"'[^']*'"
_NUMBER: Final = r"[-+]?[0-9.]+"
_COMPARISON: Final = r"([^!<>=]+)([!<>=]+)(.+)"
_WORD: Final = r"[^\s.,\[\]$@{}]+"
# This pattern matches the start of a filter, up to the first `)` outside quotes.
_FILTER: Final = r"""\[\?\(((?:[^"')\n]++|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')*+)\)"""


def parse(text: str) -> KubernetesPath:
    """Parse a path in Kubernetes JSONPath. Raises PathError if the path is invalid.

    kubectl's relaxed form is accepted: `spec.image`, `.spec.image` and `{spec.image}` mean `{.spec.image}`.
    """
    source = text.strip()
    shift = len(text) - len(text.lstrip())
    if "{" not in _outside_brackets(source):
        source, shift = "{" + source + "}", shift - 1
    word = re.compile(_WORD).match(source, 1)
    if word and source.startswith("{") and "{" not in _outside_brackets(source[1:]) and _starts_field(word[0]):
        source, shift = "{." + source[1:], shift - 1
    actions = _Parser(source, shift).template()
    steps = actions[0].steps if len(actions) == 1 and actions[0].body is None else (None,)
    fields = tuple(step.key for step in steps if isinstance(step, Field))
    return KubernetesPath(
        text, actions, fields if len(fields) == len(steps) else None, max(fields, key=len, default="")
    )


def _starts_field(word: str) -> bool:
    return (word[0].isalpha() or word[0] in "_\\") and word not in ("range", "end", "true", "false")


def _outside_brackets(text: str) -> str:
    # Apply the pattern only up to the last `]`, because thousands of `[` without `]` take quadratic time.
    last = text.rfind("]") + 1
    return re.sub(r"\[[^\]]*\]", "", text[:last]) + text[last:]


class _Parser:
    """A parser of one template. `shift` is the offset of its text in the user's text, in code points."""

    def __init__(self, text: str, shift: int) -> None:
        self.text = text
        self.shift = shift
        self.position = 0

    def fail(self, message: str, position: int | None = None) -> PathError:
        at = self.position if position is None else position
        return PathError(message, column=max(1, at + self.shift + 1))

    def template(self) -> tuple[Action, ...]:
        """Parse actions up to the end of the text."""
        open_ranges: list[tuple[int, tuple[Step, ...], list[Action]]] = []
        actions: list[Action] = []
        while (start := self.text.find("{", self.position)) >= 0:
            self.position = start + 1
            word = re.compile(r"[ \t]*(range|end)\b").match(self.text, self.position)
            self.position = word.end() if word else self.position
            if word is None:
                actions.append(Action(self.steps()))
            elif word[1] == "end":
                if not open_ranges:
                    raise self.fail("{end} without {range}", start)
                self.steps()
                _, steps, outer = open_ranges.pop()
                outer.append(Action(steps, tuple(actions)))
                actions = outer
            else:
                if len(open_ranges) == _MAX_RANGES:
                    raise self.fail(f"{{range}} is nested more than {_MAX_RANGES} levels deep", start)
                open_ranges.append((start, self.steps(), actions))
                actions = []
            self.position += 1
        if open_ranges:
            raise self.fail("{range} without {end}", open_ranges[-1][0])
        return tuple(actions)

    def steps(self) -> tuple[Step, ...]:
        """Parse steps up to a `}`, which is not consumed."""
        steps: list[Step] = []
        while True:
            character = self.text[self.position : self.position + 1]
            if character == "}":
                return tuple(steps)
            if not character or character in "\r\n":
                raise self.fail("missing closing }")
            if character in " \t@$":
                self.position += 1
            elif self.text.startswith("..", self.position):
                if steps and isinstance(steps[-1], Descent):
                    raise self.fail("two consecutive `..`; remove one")
                self.position += 2
                steps.append(Descent())
                if re.compile(r"\w").match(self.text, self.position):
                    steps.append(self._field())
            elif character == ".":
                self.position += 1
                steps.append(self._field())
            elif self.text.startswith("[?(", self.position):
                steps.append(self._filter())
            elif character == "[":
                steps.append(self._array())
            else:
                steps.append(self._literal(character))

    def _field(self) -> Step:
        # The pattern always matches, because a name can be empty.
        found = next(re.compile(_NAME).finditer(self.text, self.position))
        self.position = found.end()
        name = re.sub(r"\\((?s:.?))", r"\1", found[0])
        return Wildcard(lists_only=False) if name == "*" else Field(name)

    def _literal(self, character: str) -> Literal:
        start = self.position
        if character in "\"'":
            return Literal(self._quoted(character))
        number = re.compile(_NUMBER).match(self.text, start)
        if number:
            self.position = number.end()
            try:
                return Literal(float(number[0]) if "." in number[0] else int(number[0]))
            except ValueError:
                raise self.fail(f'invalid number "{number[0]}"', start) from None
        word = re.compile(_WORD).match(self.text, start)
        if word and word[0] in ("true", "false"):
            self.position = word.end()
            return Literal(word[0] == "true")
        shown = word[0] if word and (character.isalnum() or character == "_") else character
        raise self.fail(f'unexpected "{shown}"; a field starts with a dot', start)

    def _quoted(self, quote: str) -> str:
        start = self.position
        match = re.compile(rf"{quote}((?:[^\\{quote}\r\n]|\\.)*){quote}").match(self.text, start)
        if match is None:
            raise self.fail(f"missing closing {quote}", start)
        self.position = match.end()
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match[1])

    def _array(self) -> Step:
        start = self.position
        end = self.text.find("]", start)
        if end < 0 or "\n" in self.text[start:end]:
            raise self.fail("missing closing ]", start)
        self.position = end + 1
        items = self.text[start + 1 : end].split(",")
        if len(items) == 1:
            return self._item(items[0], start)
        return Union(tuple((self._item(item.strip(" "), start),) for item in items))

    def _item(self, text: str, start: int) -> Step:
        if text == "*":
            return Wildcard(lists_only=True)
        if re.fullmatch(_KEY, text):
            key = text[1:-1]
            try:
                fields = _Parser(f".{key}}}", 0).steps()
            except PathError:
                fields = ()
            return QuotedKey(re.sub(r"\\(.)", r"\1", key), fields)
        match = re.fullmatch(_SLICE, text)
        if match is None or not text or (match[2] is None and not re.search(r"\d", match[1])):
            raise self.fail(f'invalid index "[{text}]"; expected a number, a slice, * or a quoted key', start)
        try:
            first, end, step = (int(part) if part else None for part in match.groups())
        except ValueError:
            raise self.fail(f'invalid slice "[{text}]"; expected numbers', start) from None
        if step is not None and step <= 0:
            raise self.fail("the step of a slice must be positive", start)
        return Slice(first, end, step or 1, single=match[2] is None)

    def _filter(self) -> Filter:
        start = self.position
        match = re.compile(_FILTER, re.DOTALL).match(self.text, start)
        if match is None:
            raise self.fail("missing closing )] of the filter", start)
        if not self.text.startswith("]", match.end()):
            raise self.fail("missing ] after the ) of the filter", start)
        inside = match[1]
        self.position = match.end() + 1
        comparison = re.fullmatch(_COMPARISON, inside)
        if comparison is None:
            return Filter(self._inner(inside, start + 3), "", ())
        left, sign, right = comparison.groups()
        if sign not in _OPERATORS:
            message = f'unknown operator "{sign}"; expected ==, !=, <, <=, > or >='
            raise self.fail(message, start + 3 + comparison.start(2))
        return Filter(self._inner(left, start + 3), sign, self._inner(right, start + 3 + comparison.start(3)))

    def _inner(self, text: str, position: int) -> tuple[Step, ...]:
        inner = _Parser(text + "}", self.shift + position)
        steps = inner.steps()
        if inner.position < len(text):
            raise inner.fail('unexpected "}" in the filter; quote it')
        return steps
