"""Paths that start with `$`, in the extended syntax of jsonpath-ng.

jsonpath-ng parses a path, and evaluates each of its steps and filters. This module combines the steps, so that it
visits no location twice. If jsonpath-ng combined them, the run times of several `..`, `parent` and unions would
multiply.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

from krm_image_setter.paths.path import Location, Match, PathError, each_once
from krm_image_setter.typed import Any, Final, Record, TypeAlias

#: An object of jsonpath-ng's class DatumInContext: a value, and the values that contain it.
_Datum: TypeAlias = Any
#: A node of the syntax tree of a path, as jsonpath-ng parses it.
_Node: TypeAlias = Any


class JsonPath(Record):
    """A path that jsonpath-ng has parsed."""

    text: str
    parsed: _Node
    keyword: str = ""  # with a step such as `parent`, a path can match data without its keys

    @property
    def last_key(self) -> str:
        """The key of the last step; see `Path.last_key`."""
        last: _Node = self.parsed.right if _kind(self.parsed) in _LINKS else self.parsed
        keys: tuple[str, ...] = last.fields if _kind(last) == "Fields" else ()
        return keys[0] if len(keys) == 1 and keys != ("*",) else ""

    def find(self, data: Any) -> list[Match]:
        """Find the matches in `data`, as specified in `Path.find`."""
        from jsonpath_ng import DatumInContext  # noqa: PLC0415  (see parse)

        try:
            found = _walk(self.parsed, [DatumInContext(data)])
        except Exception:  # noqa: BLE001  (jsonpath-ng raises many types if the data have an unexpected type)
            return []
        matches = (Match(_location(datum), datum.value) for datum in found)
        return [match for match in matches if _is_at(data, *match)]

    def steps(self, data: Any) -> Iterator[tuple[list[Match], str | None]]:
        """Follow a path of fields, indexes, slices and wildcards, as specified in `Path.steps`."""
        from jsonpath_ng import DatumInContext  # noqa: PLC0415  (see parse)

        root, chain = _chain(self.parsed, _LINKS)
        if _kind(root) != "Root" or {*map(_kind, chain)} - {"Child"}:
            return
        if {_kind(link.right) for link in chain} - {"Fields", "Index", "Wildcard", "Slice"}:
            return
        found = _step(root, [DatumInContext(data)])
        for link in chain:
            keys: tuple[str, ...] = getattr(link.right, "fields", ())
            yield [Match(_location(datum), datum.value) for datum in found], keys[0] if len(keys) == 1 else None
            found = _step(link.right, found)
            if not found:
                return


def _walk(node: _Node, data: Iterable[_Datum]) -> list[_Datum]:
    """Start from `data`, and return the values that a part of the path matches. No location occurs twice."""
    first, chain = _chain(node, _LINKS)
    found = _step(first, data)
    for link in chain:
        found = _step(link.right, _below(found) if _kind(link) == "Descendants" else found)
    return found


_LINKS: Final = ("Child", "Descendants")


def _chain(node: _Node, kinds: tuple[str, ...]) -> tuple[_Node, list[_Node]]:
    """Return the first step of a chain, and the nodes of these `kinds` that add the other steps, in order."""
    chain: list[_Node] = []
    # Recursion would be too deep for a chain of thousands of steps.
    while _kind(node) in kinds:
        chain.append(node)
        node = node.left
    return node, chain[::-1]


def _step(node: _Node, data: Iterable[_Datum]) -> list[_Datum]:
    match _kind(node):
        case "Child" | "Descendants":
            return _walk(node, data)
        case "Union":
            first, unions = _chain(node, ("Union",))
            parts = [first, *(union.right for union in unions)]
            return each_once((datum for one in data for part in parts for datum in _walk(part, [one])), _location)
        case "Where" | "WhereNot" as kind:
            left = _walk(node.left, data)
            return [datum for datum in left if bool(node.right.find(datum)) == (kind == "Where")]
    return each_once((datum for one in data for datum in node.find(one)), _location)


def _below(data: list[_Datum]) -> Iterator[_Datum]:
    """Yield the values `data` and all values inside them, parents first. No location occurs twice."""
    # A location can occur twice only if one value of `data` is inside another one.
    seen: set[Location] | None = set() if len(data) > 1 else None
    of_mapping, of_sequence = _children()
    pending = data[::-1]
    while pending:
        datum = pending.pop()
        if seen is not None:
            location = _location(datum)
            if location in seen:
                continue
            seen.add(location)
        yield datum
        if isinstance(datum.value, dict):
            pending += reversed(of_mapping.find(datum))
        elif isinstance(datum.value, list):
            pending += reversed(of_sequence.find(datum))


@cache
def _children() -> tuple[_Node, _Node]:
    """Return two parsed paths: to the children of a mapping (`*`) and to the items of a sequence (`[*]`)."""
    from jsonpath_ng.ext import parser  # noqa: PLC0415  (see parse)

    return parser.parse("*"), parser.parse("[*]")


def parse(text: str) -> JsonPath:
    """Parse a path that starts with `$`. The import of jsonpath-ng takes 32 ms. Raises PathError."""
    from jsonpath_ng.ext import parser  # noqa: PLC0415

    if len(text) > _LONGEST:
        raise PathError(f"path has {len(text):,} characters; the limit of a path with $ is {_LONGEST:,}")
    try:
        _check_tokens(text.strip(), parser.ExtendedJsonPathLexer())
        with warnings.catch_warnings():
            # jsonpath-ng warns that it will remove the operators | and &.
            warnings.simplefilter("ignore")
            parsed = parser.parse(text.strip())
        _check_filters(parsed)
        return JsonPath(text, parsed)
    except PathError:
        raise
    # The lexer and the parser of jsonpath-ng raise Exception itself.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        column = re.search(r"\b(?:1:|col(?:umn)? )(\d+)", reason)
        raise PathError(f"invalid JSONPath: {reason}", column=int(column[1]) + 1 if column else None) from error


# The maximum length of a path, in characters. Parsing takes quadratic time, because the parser of jsonpath-ng
# copies a list for each part of a union.
_LONGEST: Final = 10_000


def _check_tokens(text: str, lexer: Any) -> None:
    """Raise PathError for operators whose time or memory can grow faster than their operands.

    A path to a field does not need these operators. A regular expression can take exponential time. The product of
    a string and a number repeats the string. `str()` expands all aliases in a collection, and alternating
    `split()` and `str()` make a string longer each time. A sort looks up its fields again for each comparison.
    """
    before = ""
    for token in lexer.tokenize(text):
        named = str(token.value) if token.type == "NAMED_OPERATOR" else ""
        message = None
        if (token.type == "FILTER_OP" and token.value == "=~") or named.startswith("sub("):
            message = "cannot use a regular expression in a path; compare with =="
        elif token.type in ("+", "-") or (token.type in ("*", "SORT_DIRECTION") and before in _OPERANDS):
            message = _ARITHMETIC
        elif token.type == "SORT_DIRECTION" or named.startswith(("sorted", "split(", "str(")):
            message = "cannot sort, split or convert values in a path; name a field"
        if message:
            # jsonpath-ng reports the end of a named operator, not its start.
            start = text.rfind("`", 0, token.lexpos) if named else token.lexpos
            raise PathError(message, column=start + 1)
        before = token.type


_ARITHMETIC: Final = "cannot use arithmetic in a path; quote a key that contains an operator: ['a/b']"
# The types of the tokens that can end an operand. After these types of tokens, `*` means multiplication.
_OPERANDS: Final = frozenset(("ID", "NUMBER", "FLOAT", "BOOL", "NULL", "NAMED_OPERATOR", "]", ")", "*", "$", "@"))


def _check_filters(parsed: _Node) -> None:
    """Raise PathError for filters that can take quadratic time, because they visit the same values for each item.

    If each step of a filter goes from a value to only one child, the filter visits different values for each item.
    """
    for node in _nodes(parsed):
        kind = _kind(node)
        if kind == "Operation":
            raise PathError(_ARITHMETIC)
        if kind not in ("Filter", "Where", "WhereNot"):
            continue
        inside = list(_nodes(*node.expressions) if kind == "Filter" else _nodes(node.right))
        kinds = set(map(_kind, inside))
        if kinds & {"Descendants", "Parent", "Union", "Where", "WhereNot"} or any(
            len(getattr(one, several, ())) > 1 for one in inside for several in ("fields", "indices")
        ):
            raise PathError("cannot use .., `parent`, where, | or a comma in a filter; name one field")
        # Before version 1.9, jsonpath-ng parsed the wildcard `*` as a field.
        has_wildcard = "Wildcard" in kinds or any("*" in getattr(one, "fields", ()) for one in inside)
        if "Root" in kinds and (kinds & {"Slice", "Filter"} or has_wildcard):
            raise PathError("cannot use *, a slice or a filter in a filter that uses $; name one field")


def _kind(node: _Node) -> str:
    """Return the class name of a node, without the underscore that jsonpath-ng adds to deprecated classes."""
    return type(node).__name__.lstrip("_")


def _nodes(*roots: _Node) -> Iterator[_Node]:
    pending = list(roots)
    while pending:
        node = pending.pop()
        yield node
        for name in ("left", "right", "target", "value"):
            inner = getattr(node, name, None)
            if hasattr(inner, "find") and not isinstance(inner, str):
                pending.append(inner)
        for name in ("expressions", "operands"):
            pending += getattr(node, name, None) or ()


def _location(datum: _Datum) -> Location:
    steps: list[str | int] = []
    while datum is not None and datum.context is not None:
        # jsonpath-ng describes each step by one field or one index. The root, `$`, has neither.
        keys = getattr(datum.path, "fields", None) or getattr(datum.path, "indices", None) or ()
        value = datum.context.value
        steps += (key + len(value) if isinstance(key, int) and key < 0 else key for key in keys)
        datum = datum.context
    return tuple(reversed(steps))


def _is_at(data: Any, location: Location, value: Any) -> bool:
    """Return whether `data` contains `value` at `location`. For example, the result of `len` is not in `data`."""
    for step in location:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return False
    return data is value
