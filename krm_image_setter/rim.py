"""What the program and its commands share: text from files, sentences to standard error."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

from krm_image_setter.errors import ImageSetterError, InputError, NotYAMLError, one_line

PROGRAM: Final = "krm-image-setter"
STDIN: Final = "-"


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
        line = data.count(b"\n", 0, error.start) + 1
        is_cut = error.start and error.reason == "unexpected end of data"
        message = "it ends inside a character: give all of it" if is_cut else "this is not UTF-8: convert it"
        raise NotYAMLError(message, file=file, line=line) from error
