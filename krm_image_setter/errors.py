"""The errors that a user can cause, and the grammar of all messages: `LOCATION: FIELD: what happened; what to do`.

The location of an error is completed on its way up: a parser sets the line and column, the decoder adds the field,
and the reader of the file adds its name. Each of them calls `at`. `str(error)` is the complete message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

#: The characters that move the cursor, end a line or change the direction of writing, and lone surrogates.
CONTROLS: Final = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def location(file: str | None, line: int | None = None, column: int | None = None) -> str:
    """Format a location for a message: `FILE:LINE:COLUMN`, or `line LINE, column COLUMN` without a file.

    There is no file if the text comes from standard input or an argument. Lines and columns count from 1, columns
    in code points. A part that is None is unknown, and omitted; the location can be empty.
    """
    if file is not None:
        return ":".join(str(part) for part in (file, line, column) if part is not None)
    numbers = (("line", line), ("column", column))
    return ", ".join(f"{name} {number}" for name, number in numbers if number is not None)


def sentence(*parts: str | None, before: Iterable[str | None] = ()) -> str:
    """Join the parts of a message with colons, on one line, with long pieces of the user's text shortened.

    The parts in `before` come first and are not shortened. They contain the name of a file, for example, which the
    reader must be able to open. Parts that are None or empty are omitted.
    """
    text = shortened(": ".join(filter(None, parts)))
    text = shortened(one_line(text))  # again, because an escaped character has up to ten characters
    return one_line(": ".join(filter(None, (*before, text))))


def shortened(text: str) -> str:
    """Shorten a message so that the pieces of the user's text in it have at most about 300 characters together.

    A piece is a quoted text, or a run of characters without a space. A single long piece is limited to 200
    characters. Several long pieces share 300, but each keeps at least 60, so two references with a digest are not
    shortened. A longer piece loses its middle, because a reference starts with its registry and ends with its tag
    or digest. The result has at most 580 characters, even if the user's text contains quotes.
    """
    if len(text) <= _MOST:
        return text
    long = sum(len(piece) > _LEAST for piece in re.findall(_PIECE, text))
    most = _MOST if long <= 1 else max(_TOGETHER // long, _LEAST)
    text = re.sub(_PIECE, lambda piece: _without_middle(piece[0], most), text)
    return _without_middle(text, _LONGEST)


def _without_middle(text: str, most: int) -> str:
    end = most * 3 // 5
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


_PIECE: Final = r'"[^"]*"|\S+'
_LEAST: Final = 60
_MOST: Final = 200
_TOGETHER: Final = 300
_LONGEST: Final = 580  # so that a message has at most 600 together with its line


def one_line(sentence: str) -> str:
    """Escape each of `CONTROLS` in a message as Python does.

    The text of a file, a file name or a configuration must not control the terminal or look like a second message.
    """
    return sentence if sentence.isprintable() else python_escaped(CONTROLS, sentence)


def python_escaped(pattern: str, text: str) -> str:
    """Escape the characters of `text` that match a pattern as Python does."""
    return re.sub(pattern, lambda found: found[0].encode("unicode_escape").decode(), text)


class ImageSetterError(Exception):
    """An error that the user can fix.

    `message` contains what happened and what to do, in lower case without a full stop. The other arguments are the
    location: `file` as the user named it, `line` and `column` from 1, and `field` as a path in the document, such
    as `images[0].newTag`.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.field = field

    def at(
        self,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> Self:
        """Set the parts of the location that are still unknown, and return this error."""
        self.file = self.file if self.file is not None else file
        self.line = self.line if self.line is not None else line
        self.column = self.column if self.column is not None else column
        self.field = self.field if self.field is not None else field
        return self

    @property
    def sentences(self) -> tuple[str, ...]:
        """The complete messages, one per mistake."""
        return (str(self),)

    def __str__(self) -> str:
        return sentence(self.field, self.message, before=(location(self.file, self.line, self.column),))


class InputError(ImageSetterError):
    """The manifests cannot be read or edited."""


class NotYAMLError(InputError):
    """The text is not valid YAML or not valid UTF-8."""


class NotResourceError(InputError):
    """The text is YAML, but a document or an item of a list is not a Kubernetes resource."""


class ConfigError(ImageSetterError):
    """A configuration, or an argument that is equivalent to a part of it, is invalid."""


class InternalError(ImageSetterError):
    """A bug in the program: an unexpected exception."""


# Characters of an unexpected exception's text: it can contain the user's input.
_MOST_SHOWN: Final = 200


def internal_error(error: Exception) -> InternalError:
    """Convert an unexpected exception to an error with its type, its text and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    source = f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace else ""
    text = f": {error}"[:_MOST_SHOWN] if str(error) else ""
    return InternalError(
        f"unexpected {type(error).__name__}{source}{text}; this is a bug in krm-image-setter, please report it"
    )


class ConfigLocation(NamedTuple):
    """The location of an entry in a configuration, for messages about it; empty for an entry of an argument.

    `line` counts from 1. `file` is None if the configuration comes from standard input. `field` is a path in the
    document, such as `images[0]`. All locations are equal, so that two rules are equal if they do the same.
    """

    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigLocation)

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        """Return `FILE:LINE`, or `line LINE` without a file; empty for an entry of an argument."""
        return location(self.file, self.line)

    def prefixed(self, message: str) -> str:
        """Return a message that starts with this location and field."""
        return ": ".join(filter(None, (str(self), self.field, message)))
