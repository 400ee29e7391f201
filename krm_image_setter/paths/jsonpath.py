"""`$` paths, in jsonpath-ng's extended syntax."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from krm_image_setter.paths.path import Location, Match, PathError


class JsonPath(NamedTuple):
    """A path that jsonpath-ng has parsed."""

    text: str
    parsed: Any

    def find(self, data: Any) -> list[Match]:
        """Return where the path leads in `data`, each location once."""
        try:
            found = self.parsed.find(data)
        except Exception:  # noqa: BLE001  (jsonpath-ng raises what the data make of it; such data are no match)
            return []
        matches: dict[Location, Match] = {}
        for datum in found:
            location = _location(datum)
            if _leads_to(data, location, datum.value):
                matches.setdefault(location, Match(location, datum.value))
        return list(matches.values())


def parse(text: str) -> JsonPath:
    """Return the parsed path (imports jsonpath-ng: 32 ms). Raises PathError."""
    from jsonpath_ng.ext import parser  # noqa: PLC0415

    try:
        _check(parser.ExtendedJsonPathLexer().tokenize(text.strip()))
        return JsonPath(text, parser.parse(text.strip()))
    except PathError:
        raise
    except Exception as error:  # its lexer and parser raise bare Exception
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        column = re.search(r"\b(?:1:|col(?:umn)? )(\d+)", said)
        raise PathError(
            f"jsonpath-ng does not take this path: {said}", column=int(column[1]) + 1 if column else None
        ) from error


def _check(tokens: Iterable[Any]) -> None:
    """Raise PathError for what can take hours, and for which a path to a field has no use.

    That is a regular expression of the user's, for which Python's `re` may try everything twice; and what finds
    anew what has been found before it: many `..` and `parent`, or unions, as `[0,0][0,0]` does.
    """
    descents, ways, parts = 0, 1, 1
    for token in tokens:
        if (token.type == "FILTER_OP" and token.value == "=~") or (
            token.type == "NAMED_OPERATOR" and str(token.value).startswith("sub(")
        ):
            raise PathError("regular expressions are not taken here: compare with ==", column=token.lexpos + 1)
        descents += token.type == "DOUBLEDOT" or token.value == "parent"
        if descents > _MAX_DESCENTS:
            raise PathError(
                f"there are more than {_MAX_DESCENTS} .. or parent here: name the fields", column=token.lexpos + 1
            )
        if token.value == "]":
            ways, parts = ways * parts, 1
        parts += token.value == ","
        ways *= 2 if token.value in ("|", "&") else 1
        if ways > _MAX_WAYS:
            raise PathError("there are too many unions here: give several paths", column=token.lexpos + 1)


_MAX_DESCENTS: Final = 2
_MAX_WAYS: Final = 1000


def _location(datum: Any) -> Location:
    steps: list[str | int] = []
    while datum is not None and datum.context is not None:
        path = datum.path
        fields = getattr(path, "fields", None)
        indices = getattr(path, "indices", None)
        if fields:
            steps.append(fields[0])
        elif indices:
            steps.append(indices[0])
        datum = datum.context
    return tuple(reversed(steps))


def _leads_to(data: Any, location: Location, value: Any) -> bool:
    """Say whether a match is a place in the data: `len` and its like give values of their own."""
    for step in location:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return False
    return data is value
