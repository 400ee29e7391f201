"""What the program and its commands share: the standard streams, and text from files."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from krm_image_setter.errors import ImageSetterError, InputError, NotYAMLError, one_line
from krm_image_setter.line_breaks import count_breaks

PROGRAM: Final = "krm-image-setter"
STDIN: Final = "-"


class _WholeWriter(io.RawIOBase):
    """An output descriptor whose `write` returns only after every byte is written.

    Python uses the bare descriptor if PYTHONUNBUFFERED is set, and a bare descriptor can write less than it was
    given: on a disk that is nearly full, on a pipe after SIGCONT, and on a pipe that another process made
    non-blocking. Callers do not look at the count, so the output would end early with exit status 0.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of `data`, bytes or a memory view. Raises OSError if that is not possible."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                from select import select  # noqa: PLC0415  (only for a pipe that became non-blocking)

                select([], [self._descriptor], [])
        return size


def prepare_streams() -> None:
    """Make sure that nothing is lost unnoticed on the three standard streams of this process.

    A stream that another process made non-blocking would seem to end at each pause. A closed stream is opened in
    the wrong direction: its use is an error, and a file that is opened later cannot get its number.
    """
    for number in range(3) if os.name == "posix" else ():  # Windows has no such streams
        try:
            os.set_blocking(number, True)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _whole(sys.stdout, 1)
    sys.stderr = _whole(sys.stderr, 2)


def _whole(stream: Any, number: int) -> io.TextIOWrapper:
    """Return the text stream for output descriptor `number`, with the encoding of `stream` if there is one."""
    raw = _WholeWriter(number)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        getattr(stream, "encoding", "utf-8"),
        "backslashreplace" if number == 2 else getattr(stream, "errors", None),
        line_buffering=number == 2 or raw.isatty(),
    )


def write_output(text: str) -> None:
    """Write text to standard output, in UTF-8 whatever the locale is, and the bytes of a file name unchanged."""
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))


def say(message: str) -> None:
    """Tell the user a sentence."""
    try:
        sys.stderr.write(f"{PROGRAM}: {one_line(message)}\n")
    except OSError:  # who can't be told is to get the rest all the same
        return


def say_error(error: ImageSetterError) -> None:
    """Tell the user what is wrong, a sentence a mistake."""
    for sentence in error.sentences:
        say(f"error: {sentence}")


def read_text(path: str) -> str:
    """Return the text of a file. Raises InputError where it can't be read, or is not UTF-8."""
    return decoded(read_bytes(path), shown(path))


def shown(path: str) -> str:
    """Return what messages call a file."""
    return "standard input" if path == STDIN else path


def read_stdin() -> str:
    """Return the text of standard input, as `read_text` does, for who alone reads it: it is not kept."""
    return decoded(_tried(_read, STDIN), shown(STDIN))


def read_bytes(path: str) -> bytes:
    """Return the contents of a file, or of standard input. Raises InputError where it can't be read."""
    return _tried(_read_once if path == STDIN or not os.path.isfile(path) else _read, path)


def read_found(path: str, shown: str) -> bytes:
    """Return the contents of a regular file that was found in a folder, and is no link and no pipe by now."""
    return _tried(lambda _: _read_regular(path), shown)


def _read_regular(path: str) -> bytes:
    # To open a pipe might take for ever.
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "This is no regular file")
        return file.read()


def _read(path: str) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


_read_once: Final = cache(_read)  # what a stream gives, it gives but once


def _tried(read: Callable[[str], bytes], path: str) -> bytes:
    try:
        return read(path)
    except OSError as error:
        raise InputError(f"{error.strerror}: give a file that can be read", file=shown(path)) from error


def decoded(data: bytes, file: str) -> str:
    """Return what bytes say. Raises NotYAMLError with the line where they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line = count_breaks(before, 0, len(before)) + 1
        is_cut = error.start and error.reason == "unexpected end of data"
        message = "it ends inside a character: give all of it" if is_cut else "this is not UTF-8: convert it"
        raise NotYAMLError(message, file=file, line=line) from error
