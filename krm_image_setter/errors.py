"""The errors that a user can cause, and the form of all messages: `LOCATION: FIELD: what happened; what to do`.

Several functions complete the location of an error with `at`. The parser sets the line and column, the decoder
adds the field, and the reader of the file adds the file. `str(error)` is the complete message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from krm_image_setter.typed import Any, Final, Record, Self

#: Matches characters that move the cursor, end a line or change the writing direction, and lone surrogates.
CONTROLS: Final = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def location(file: str | None, line: int | None = None, column: int | None = None) -> str:
    """Format a location for a message: `FILE:LINE:COLUMN`, or `line LINE, column COLUMN` without a file.

    `file` is None if the text comes from standard input or from an argument. Lines and columns count from 1, and
    columns are counted in code points. An argument that is None is omitted. The result can be empty.
    """
    if file is not None:
        return ":".join(str(part) for part in (file, line, column) if part is not None)
    numbers = (("line", line), ("column", column))
    return ", ".join(f"{name} {number}" for name, number in numbers if number is not None)


def sentence(*parts: str | None, before: Iterable[str | None] = ()) -> str:
    """Join the parts of a message with colons on one line, and shorten long pieces of the user's text.

    The parts in `before` come first and are not shortened. For example, a file name must remain complete, so that
    the reader can open the file. Parts that are None or empty are omitted.
    """
    text = shortened(": ".join(filter(None, parts)))
    # Shorten the text again, because escaping can make each character nine characters longer.
    text = shortened(one_line(text))
    return one_line(": ".join(filter(None, (*before, text))))


def shortened(text: str) -> str:
    """Shorten the pieces of the user's text in a message to about 300 characters in total.

    A piece is a quoted text, or a run of characters without a space. A single long piece keeps 200 characters.
    Several long pieces share 300 characters, but each piece keeps at least 60. Thus two references with a digest
    are not shortened. The middle of a piece is removed, because a reference starts with its registry and ends with
    its tag or digest. The result has at most 580 characters, even if the text contains quotes.
    """
    if len(text) <= _MOST:
        return text
    long = sum(len(piece) > _LEAST for piece in re.findall(_PIECE, text))
    most = _MOST if long <= 1 else max(_TOGETHER // long, _LEAST)
    text = re.sub(_PIECE, lambda piece: without_middle(piece[0], most), text)
    return without_middle(text, _LONGEST)


def without_middle(text: str, most: int) -> str:
    """Return a text with at most `most` characters. In a longer text, `…` replaces the middle."""
    end = most * 3 // 5
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


_PIECE: Final = r'"[^"]*"|\S+'
_LEAST: Final = 60
_MOST: Final = 200
_TOGETHER: Final = 300
# Together with a line number, a message has at most 600 characters.
_LONGEST: Final = 580


def one_line(sentence: str) -> str:
    """Escape each character of `CONTROLS` in a message, as in a Python string.

    Text from a file, a file name or a configuration must not control the terminal or imitate a second message.
    """
    return sentence if sentence.isprintable() else python_escaped(CONTROLS, sentence)


def python_escaped(pattern: str, text: str) -> str:
    """Escape each character of `text` that matches `pattern`, as in a Python string."""
    return re.sub(pattern, lambda found: found[0].encode("unicode_escape").decode(), text)


# Maps the names of the expected and the actual type of an argument to the remedy.
_FIXES: Final = {
    ("str", "bytes"): "; decode it first, for example with .decode()",
    ("ImageSetter", "dict"): "; pass the result of read_config",
    ("ImageSetter", "str"): "; pass the result of read_config",
}


def check_type(function: str, value: object, expected: Any, description: str) -> None:
    """Raise TypeError if `value` is not an instance of the type `expected`, which `description` describes."""
    if not isinstance(value, expected):
        got = type(value).__name__
        fix = _FIXES.get((expected.__name__, got), "")
        raise TypeError(f"{function}: expected {description}, got {got}{fix}")


class ImageSetterError(Exception):
    """An error that the user can fix.

    `message` describes what happened and what to do, in lower case without a full stop. The other arguments are
    the location of the error. `file` is the path as the user wrote it, `line` and `column` count from 1, and
    `field` is the path of a field in the document, such as `images[0].newTag`.
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

    def at(self, *, file: str | None = None, line: int | None = None, field: str | None = None) -> Self:
        """Set the parts of the location that are still None, and return this error."""
        self.file = self.file if self.file is not None else file
        self.line = self.line if self.line is not None else line
        self.field = self.field if self.field is not None else field
        return self

    @property
    def sentences(self) -> tuple[str, ...]:
        """The complete messages, one per mistake that this error reports."""
        return (str(self),)

    def __str__(self) -> str:
        return sentence(self.field, self.message, before=(location(self.file, self.line, self.column),))


class InputError(ImageSetterError):
    """The program cannot read or edit the manifests."""


class NotYAMLError(InputError):
    """A text is not valid YAML or not valid UTF-8."""


class NotResourceError(InputError):
    """A document, or an item of a list, is valid YAML but not a Kubernetes resource."""


class ConfigError(ImageSetterError):
    """The configuration is wrong, or a command-line argument that adds to it."""


class InternalError(ImageSetterError):
    """An unexpected exception, which is a bug in the program."""


# The maximum length of an unexpected exception's text in a message. The text can contain the user's input.
_MOST_SHOWN: Final = 200


def internal_error(error: Exception) -> InternalError:
    """Convert an unexpected exception to an error that contains its type, its text and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    source = f" ({trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})" if trace else ""
    text = f": {error}"[:_MOST_SHOWN] if str(error) else ""
    return InternalError(
        f"unexpected {type(error).__name__}{source}{text}; this is a bug in krm-image-setter, please report it"
    )


class ConfigLocation(Record):
    """The location of a configuration entry, for messages. It is empty for an entry from the command line.

    `line` counts from 1. `file` is None if the configuration comes from standard input. `field` is a path in the
    document, such as `images[0]`. All locations are equal, so that rules from different locations can be equal.
    """

    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigLocation)

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        """Return `FILE:LINE`, or `line LINE` without a file. If both are None, return an empty string."""
        return location(self.file, self.line)

    def prefixed(self, message: str) -> str:
        """Return a message that starts with this location and its field."""
        return ": ".join(filter(None, (str(self), self.field, message)))
