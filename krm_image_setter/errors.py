"""What can go wrong, and the one sentence that says where and what to do.

The lower layer knows the column, the decoder adds the field, the rim adds the file: each calls `at` on its
way up, and `str(error)` is the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

#: What moves the cursor, ends a line, turns the direction of writing or is no character at all, as a pattern.
CONTROLS: Final = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def sentence(*parts: str | None, before: Iterable[str | None] = ()) -> str:
    """Join the parts of a sentence with colons: on one line, and with long pieces of the user's text shortened.

    `before` are parts in front of the others that are not shortened, such as the name of a file, because the
    reader must be able to open it. Parts that are None or empty are left out.
    """
    said = shortened(": ".join(filter(None, parts)))
    said = shortened(one_line(said))  # once more, because an escaped character has up to ten
    return one_line(": ".join(filter(None, (*before, said))))


def shortened(text: str) -> str:
    """Return a sentence in which all pieces of the user's text together have about 300 characters at most.

    A piece is what is in double quotes, or a run of characters without a blank. One alone may have 200 characters,
    several share 300, each 60 at least: so two references with a digest are whole. The middle of a longer piece is
    left out, because a reference starts with its registry and ends with its tag or digest. The sentence itself has
    600 characters at most, whatever the user's text does to the search for pieces.
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
_LONGEST: Final = 600


def one_line(sentence: str) -> str:
    """Return a sentence with each of `CONTROLS` as Python escapes it.

    What a file, its name or a configuration says may not speak to a terminal, nor look like a line of ours.
    """
    return sentence if sentence.isprintable() else python_escaped(CONTROLS, sentence)


def python_escaped(pattern: str, text: str) -> str:
    """Return a text with the characters that a pattern finds as Python escapes them."""
    return re.sub(pattern, lambda found: found[0].encode("unicode_escape").decode(), text)


class ImageSetterError(Exception):
    """A mistake of the user's, told in one sentence.

    `message` says what is wrong and what to do: lower case, no full stop. The rest says where: `file` as the
    user named it; `line` and `column` from 1; `field` as a path in the document (`images[0].newTag`).
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
        """Return this error with the parts of its place that it did not know yet."""
        self.file = self.file if self.file is not None else file
        self.line = self.line if self.line is not None else line
        self.column = self.column if self.column is not None else column
        self.field = self.field if self.field is not None else field
        return self

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong, one sentence a mistake."""
        return (str(self),)

    def __str__(self) -> str:
        numbers = (("line", self.line), ("column", self.column))
        told = [f"{word} {number}" for word, number in numbers if number is not None]
        return sentence(" ".join(told), self.field, self.message, before=(self.file,))


class InputError(ImageSetterError):
    """The manifests can't be read: not YAML, no resource, a ResourceList without items."""


class NotYAMLError(InputError):
    """The text is no YAML at all, or not in UTF-8."""


class NotResourceError(InputError):
    """The text is YAML, but something in it is no Kubernetes resource."""


class ConfigError(ImageSetterError):
    """The functionConfig, or an argument that stands for a part of it, is wrong."""


class InternalError(ImageSetterError):
    """A bug in the program: an exception that it did not expect."""


#: How much of an unexpected exception's own text is shown: it can contain the user's input.
_MOST_SHOWN: Final = 200


def internal_error(error: Exception) -> InternalError:
    """Return an unexpected exception as an error that names its type, its text and the line that raised it."""
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
        if self.line is None:
            return self.file or ""
        return f"line {self.line}" if self.file is None else f"{self.file}:{self.line}"

    def prefixed(self, message: str) -> str:
        """Return a message that starts with this location and field."""
        return ": ".join(filter(None, (str(self), self.field, message)))
