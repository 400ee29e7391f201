"""The one door to the YAML parsers.

PyYAML's C parser (libyaml 0.2.5) is the fast way. ruamel.yaml's pure parser is the parser of record: it reads
what the C parser refuses, and everything where there is no C extension, and its message is shown when both
refuse. Only their *events* are used: a loader would type the scalars and lose the source.

(ruamel.yaml's own C extension is libyaml 0.1.7, which refuses `{image: nginx:1}`.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import NotYAMLError
from krm_image_setter.yaml.stream import position

SCALAR: Final = 1
ALIAS: Final = 2
MAPPING: Final = 3
SEQUENCE: Final = 4
END: Final = 5
DOCUMENT_END: Final = 6
STREAM_END: Final = 7

#: What an event's class means, for the parsers in use; classes that are not here say nothing of the tree.
KINDS: dict[type, int] = {}


class EventParser(NamedTuple):
    """One of the two parsers.

    `open` takes a text and returns a function that gives the next event each time it is called; marks count
    code points. What either raises is in `refusals`.
    """

    open: Callable[[str], Callable[[], Any]]
    refusals: tuple[type[Exception], ...]


@cache
def c_parser() -> EventParser | None:
    """Return PyYAML's C parser, or None where PyYAML was built without it (imported only here: 9 ms)."""
    try:
        from yaml import YAMLError, _yaml, events  # noqa: PLC0415
    except ImportError:
        return None
    _learn(events)

    def open_c(text: str) -> Callable[[], Any]:
        parser = _yaml.CParser(text)
        get_event: Callable[[], Any] = parser.get_event
        return get_event

    # The C parser encodes the text itself: a lone surrogate is a UnicodeEncodeError.
    return EventParser(open_c, (YAMLError, UnicodeError))


@cache
def pure_parser() -> EventParser:
    """Return ruamel.yaml's pure parser (imported only here: 30 ms)."""
    from ruamel.yaml import YAML, events  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    _learn(events)

    def open_pure(text: str) -> Callable[[], Any]:
        stream = YAML(typ="safe", pure=True).parse(text)
        return (lambda: joined(next(stream))) if "\\" in text else lambda: next(stream)

    def joined(event: Any) -> Any:
        """Join surrogate pairs, as which JSON escapes an emoji; ruamel.yaml does not, and none can be written."""
        value = getattr(event, "value", "")
        if re.search(r"[\ud800-\udfff]", value):
            try:
                event.value = value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError as error:
                problem = "half of a surrogate pair stands alone"
                raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark) from error
        return event

    # ruamel.yaml raises these for some broken directives and tags instead of its own.
    return EventParser(open_pure, (YAMLError, ValueError, AttributeError, IndexError, TypeError, AssertionError))


def _learn(events: Any) -> None:
    KINDS.update(
        {
            events.ScalarEvent: SCALAR,
            events.AliasEvent: ALIAS,
            events.MappingStartEvent: MAPPING,
            events.SequenceStartEvent: SEQUENCE,
            events.MappingEndEvent: END,
            events.SequenceEndEvent: END,
            events.DocumentEndEvent: DOCUMENT_END,
            events.StreamEndEvent: STREAM_END,
        }
    )


def refusal(error: Exception, text: str) -> NotYAMLError:
    """Return what the pure parser's `error` says of `text`, as one sentence with line and column from 1."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    # A character that YAML does not allow has no mark.
    index = mark.index if mark else getattr(error, "position", None)
    line, column = (None, None) if index is None else position(text, index)
    return NotYAMLError(f"this is not YAML: {_problem(error)}", line=line, column=column)


def _problem(error: Exception) -> str:
    character = getattr(error, "character", None)
    if isinstance(character, int):
        cure = "remove it, or escape it in double quotes" if character else "convert UTF-16 to UTF-8"
        return f"the character U+{character:04X} is not allowed; {cure}"
    context = getattr(error, "context", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0] or "it can't be read"
    if problem == _TAB:
        return "a tab (U+0009) is not allowed here; indent with spaces"
    said = f"{context}, {problem}" if context else problem
    return re.sub(r"\('([^']*)',\)", r"'\1'", said)  # ruamel.yaml shows a tuple


_TAB: Final = "found character '\\t' that cannot start any token"
