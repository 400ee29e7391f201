"""Read and write the standard streams, and read files, for the filter and for the commands."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable
from functools import cache

from krm_image_setter.errors import ImageSetterError, InputError, NotYAMLError, one_line
from krm_image_setter.line_breaks import count_breaks
from krm_image_setter.typed import Any, Final

PROGRAM: Final = "krm-image-setter"
STDIN: Final = "-"
#: The environment variable with the name of a file to which all messages are appended. It is for callers that hide
#: standard error, such as Helm.
LOG: Final = "KRM_IMAGE_SETTER_LOG"


class _WholeWriter(io.FileIO):
    """An output descriptor whose `write` returns only after every byte is written.

    A write to a descriptor can be incomplete if a disk is nearly full, if a pipe gets SIGCONT, or if another
    process made the pipe non-blocking. If PYTHONUNBUFFERED is set, Python does not check the number of written
    bytes. Then the output would be truncated, although the exit status is 0.
    """

    def write(self, data: Any) -> int:
        """Write all bytes of `data`, which is bytes or a memory view. Raises OSError if a write fails."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            written = super().write(rest)
            if written is None:
                from select import select  # noqa: PLC0415  (only for a pipe that became non-blocking)

                select([], [self], [])
            rest = rest[written or 0 :]
        return size


def prepare_streams() -> None:
    """Prepare the three standard streams of this process so that no data is lost without an error.

    Each stream is made blocking, because a non-blocking stream seems to end when no data is ready. The descriptor
    of a closed stream is opened in the wrong direction. Therefore its use causes an error, and no other file can
    get its number. On Windows, this is not necessary.
    """
    for number in range(3) if os.name == "posix" else ():
        try:
            os.set_blocking(number, True)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _whole(sys.stdout, 1)
    sys.stderr = _whole(sys.stderr, 2)


def _whole(stream: Any, number: int) -> io.TextIOWrapper:
    """Return a text stream for the output descriptor `number`, with the encoding of `stream` if there is one."""
    raw = _WholeWriter(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        getattr(stream, "encoding", "utf-8"),
        "backslashreplace" if number == 2 else getattr(stream, "errors", None),
        line_buffering=number == 2 or raw.isatty(),
    )


def write_output(text: str) -> None:
    """Write text to standard output as UTF-8 in every locale. File names keep bytes that are not UTF-8."""
    sys.stdout.buffer.write(text.encode(errors="surrogateescape"))


def say(message: str, *, quiet: bool = False) -> None:
    """Print a message to standard error unless `quiet` is true. Also append it to the log file if there is one."""
    line = f"{PROGRAM}: {one_line(message)}\n"
    log = os.environ.get(LOG)
    if log:
        try:
            # Several runs can append to the file at the same time, so each line is one write without a buffer.
            with open(log, "ab", buffering=0) as file:
                file.write(line.encode(errors="backslashreplace"))
        except OSError as error:
            del os.environ[LOG]  # one warning is enough
            say(f"warning: {LOG}: cannot write to {log}: {error.strerror}")
    try:
        if not quiet:
            sys.stderr.write(line)
    # If standard error is closed (2>&-), the program must still write its output.
    except OSError:
        return


def has_log() -> bool:
    """Return whether messages are appended to a log file."""
    return bool(os.environ.get(LOG))


def say_error(error: ImageSetterError) -> None:
    """Print an error to standard error, one line per mistake."""
    for sentence in error.sentences:
        say(f"error: {sentence}")


def read_text(path: str) -> str:
    """Return the text of a file. Raises InputError if it cannot be read or is not UTF-8."""
    return decoded(read_bytes(path), shown(path))


def shown(path: str) -> str:
    """Return the name of a file for messages."""
    return "standard input" if path == STDIN else path


def read_stdin() -> str:
    """Return the text of standard input. Call this function only once, because it does not keep the text."""
    return decoded(_tried(_read, STDIN), shown(STDIN))


def require_input(text: str) -> None:
    """Raise InputError if the text of standard input is empty. Usually, the command before the pipe failed."""
    if not text.strip("\ufeff \t\r\n"):
        raise InputError("the input is empty; expected Kubernetes YAML or a ResourceList", file=shown(STDIN))


def read_bytes(path: str) -> bytes:
    """Return the contents of a file or of standard input. Raises InputError if it cannot be read."""
    return _tried(_read_once if path == STDIN or not os.path.isfile(path) else _read, path)


def read_found(path: str, shown: str, *, most: int | None = None) -> bytes:
    """Return the contents of a file that was found in a directory, or to which a file refers.

    Raises InputError if the path is not that of a regular file, for example because another process has replaced
    the file with a link or a pipe, or if the file has more than `most` bytes.
    """
    return _tried(lambda _: _read_regular(path, most), shown)


def _read_regular(path: str, most: int | None) -> bytes:
    # Without O_NONBLOCK, `open` can wait forever for the writer of a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a regular file")
        if most is not None:
            if status.st_size > most:
                raise OSError(0, "too large")
            # The size of files in /proc is 0. Some of them have no end, so read only as many bytes as the size.
            return os.read(descriptor, status.st_size)
        # A file object would take 4 of 11 microseconds per file.
        parts: list[bytes] = []
        while part := os.read(descriptor, status.st_size + 1):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _read(path: str) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


# The cache keeps the data, because the data of a stream can be read only once.
_read_once: Final = cache(_read)


def _tried(read: Callable[[str], bytes], path: str) -> bytes:
    try:
        return read(path)
    except OSError as error:
        raise InputError(f"cannot read file: {error.strerror}", file=shown(path)) from error


def decoded(data: bytes, file: str) -> str:
    """Decode UTF-8. Raises NotYAMLError with the line of the first byte that is not UTF-8."""
    if data.startswith(b"\0GITCRYPT\0"):
        raise NotYAMLError("encrypted with git-crypt; run `git-crypt unlock`", file=file)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line = count_breaks(before, 0, len(before)) + 1
        if error.start and error.reason == "unexpected end of data":
            message = "the input is truncated: it ends in the middle of a UTF-8 character"
        else:
            byte = f"byte 0x{data[error.start]:02X} at offset {error.start}"
            message = f"not valid UTF-8 ({byte}); convert the input to UTF-8"
        raise NotYAMLError(message, file=file, line=line) from error
