"""Import the YAML parsers. No other module imports them.

The C parser of PyYAML (libyaml 0.2.5) is fast. The Python parser of ruamel.yaml reads the texts that the C parser
rejects, and all texts if there is no C parser. If both parsers reject a text, the program reports the error of
ruamel.yaml. Only the C parser reads Helm templates, because both parsers reject them. The program uses the events
of the parsers, because a loader converts scalars and does not keep their source.

The program does not use the C extension of ruamel.yaml. That is libyaml 0.1.7, which rejects `{image: nginx:1}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from krm_image_setter.errors import NotYAMLError
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.stream import position

SCALAR, ALIAS, MAPPING, SEQUENCE, END, DOCUMENT_END, STREAM_END = range(7)

#: The kinds of events, by the class of the event. Events of other classes are ignored.
KINDS: dict[type, int] = {}


class EventParser(Record):
    """A YAML parser.

    `open` takes a text and returns a function. Each call of this function returns the next event. The marks of
    events count code points. Both functions raise one of `refusals` if the text is not YAML.
    """

    open: Callable[[str], Callable[[], Any]]
    refusals: tuple[type[Exception], ...]


@cache
def c_parser() -> EventParser | None:
    """Import PyYAML's C parser, which takes 9 ms. Return None if PyYAML was built without it."""
    try:
        from yaml import YAMLError, _yaml, events  # noqa: PLC0415
    except ImportError:
        return None
    _add_kinds(events)

    # The C parser encodes the text, and raises UnicodeEncodeError for a lone surrogate.
    return EventParser(lambda text: _yaml.CParser(text).get_event, (YAMLError, UnicodeError))


@cache
def pure_parser() -> EventParser:
    """Import the parser of ruamel.yaml that is written in Python. The import takes 30 ms."""
    from ruamel.yaml import YAML, events  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    _add_kinds(events)

    def open_pure(text: str) -> Callable[[], Any]:
        stream = YAML(typ="safe", pure=True).parse(text)
        return (lambda: joined(next(stream))) if "\\" in text else lambda: next(stream)

    def joined(event: Any) -> Any:
        """Join the surrogate pairs that JSON escapes contain. ruamel.yaml keeps them as two characters."""
        value = getattr(event, "value", "")
        if re.search(r"[\ud800-\udfff]", value):
            try:
                event.value = value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError as error:
                problem = "unpaired surrogate escape"
                raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark) from error
        return event

    # For some invalid directives and tags, ruamel.yaml raises Python's exceptions instead of a YAMLError.
    return EventParser(open_pure, (YAMLError, ValueError, AttributeError, IndexError, TypeError, AssertionError))


def _add_kinds(events: Any) -> None:
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


def template_action(error: Exception, text: str) -> int | None:
    """Return the offset of the template action, such as `{{- if .Values.x }}`, in a line that a parser rejected.

    Return None if there is no action at the start of the line or of its value.
    """
    marks = (getattr(error, name, None) for name in ("problem_mark", "context_mark"))
    starts = [text.rfind("\n", 0, mark.index) + 1 for mark in marks if mark]
    found = (re.compile(_TEMPLATE_ACTION).match(text, start) for start in sorted(starts))
    return next((match.end() for match in found if match), None)


_TEMPLATE_ACTION: Final = r"[ -]*(?:[\w./-]+: +)?(?=\{\{)"


def refusal(error: Exception, text: str) -> NotYAMLError:
    """Convert an exception of a parser for `text` to an error with a line and a column."""
    message = "invalid YAML: `{{` starts a template action; render the template first"
    index = template_action(error, text)
    if index is None:
        message = f"invalid YAML{_problem(error)}"
        marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
        # The problem is at the end of the document, far from the quote that is not closed.
        if getattr(error, "context", None) == _QUOTED:
            marks.reverse()
        mark = marks[0] or marks[1]
        # The exception for an invalid character has a position instead of a mark.
        index = mark.index if mark else getattr(error, "position", None)
    line, column = (None, None) if index is None else position(text, index)
    return NotYAMLError(message, line=line, column=column)


def _problem(error: Exception) -> str:
    character = getattr(error, "character", None)
    if isinstance(character, int):
        fix = "remove it, or escape it in double quotes" if character else "convert UTF-16 to UTF-8"
        return f": the character U+{character:04X} is not allowed; {fix}"
    context = getattr(error, "context", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    if context == _QUOTED:
        return ": the quote at this position is not closed; add the closing quote"
    if problem == _TAB:
        return ": a tab (U+0009) is not allowed at this position; indent with spaces"
    text = f"{problem} ({context})" if context else problem
    # Some messages of ruamel.yaml contain the representation of a tuple with one item.
    return ": " * bool(text) + re.sub(r"\('([^']*)',\)", r"'\1'", text)


# The parsers use this context only if the text or the document ends before the closing quote.
_QUOTED: Final = "while scanning a quoted scalar"
_TAB: Final = "found character '\\t' that cannot start any token"
