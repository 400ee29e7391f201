"""What the program and its commands share: text from files, sentences to standard error."""

from __future__ import annotations

import sys
from typing import Final

from krm_image_setter.errors import InputError

PROGRAM: Final = "krm-image-setter"


def say(message: str) -> None:
    """Tell the user a sentence."""
    sys.stderr.write(f"{PROGRAM}: {message}\n")


def read_text(path: str) -> str:
    """Return the text of a file. Raises InputError where it can't be read, or is not UTF-8."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib is slow to import)
            return decoded(file.read(), path)
    except OSError as error:
        raise InputError(f"{error.strerror}: give a file that can be read", file=path) from error


def decoded(data: bytes, file: str) -> str:
    """Return what bytes say. Raises InputError with the line where they are not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("this is not UTF-8: convert it", file=file, line=line) from error
