"""Replacing the contents of files: all of them or none, and each at once."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple, NoReturn, Self

from krm_image_setter.errors import InputError

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def digest_of(data: bytes) -> bytes:
    """Return what tells these contents from others."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Staged(NamedTuple):
    """New contents that lie beside a file, ready to take its place; `target` is the file itself behind links."""

    shown: str
    target: str
    temporary: str
    status: os.stat_result


class Replacement:
    """New contents for several files. Used in a `with` block, which leaves nothing behind but changed files.

    A file is replaced by renaming, which is atomic: killed at any moment, it is the old or the new one. Its mode,
    owner, extended attributes and the symbolic links to it stay; hard links to it keep the old contents.
    """

    def __init__(self) -> None:
        self._staged: list[Staged] = []

    def __enter__(self) -> Self:
        for number in _ENDING:
            signal.signal(number, _end)
        return self

    def __exit__(self, *_: object) -> None:
        for staged in self._staged:
            with suppress(OSError):
                os.unlink(staged.temporary)

    def stage(self, path: str, digest: bytes, rewrite: Callable[[bytes], bytes]) -> None:
        """Lay new contents beside the file `path`: what `rewrite` makes of the old ones, which have `digest`.

        Raises InputError where they have another, or the new ones can't be written.
        """
        if not os.path.isfile(path):  # to open a pipe might take for ever
            raise InputError("this is no regular file: it can't be changed in place", file=path)
        target = os.path.realpath(path)
        try:
            with open(target, "rb") as file:
                status = os.fstat(file.fileno())
                old = file.read()
            if digest_of(old) != digest:
                raise changed_meanwhile(path)
            temporary = os.path.join(os.path.dirname(target), f".krm-image-setter-{secrets.token_hex(8)}")
            # Known before it is there: whenever this ends, it is taken away.
            self._staged.append(Staged(path, target, temporary, status))
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(rewrite(old))
            _keep_status(target, temporary, status)
        except OSError as error:
            raise InputError(f"it can't be written: {error.strerror}", file=path) from error

    def commit(self) -> None:
        """Put all that is staged in place. Raises InputError where a file has changed, or can't be replaced."""
        for staged in self._staged:
            if not _is_same(staged):
                raise changed_meanwhile(staged.shown)
        done = 0
        with _uninterrupted():
            try:
                for staged in self._staged:
                    os.replace(staged.temporary, staged.target)
                    done += 1
            except OSError as error:
                message = f"it can't be replaced, though {done} of {len(self._staged)} files are: {error.strerror}"
                raise InputError(message, file=self._staged[done].shown) from error


def _keep_status(target: str, temporary: str, status: os.stat_result) -> None:
    """Give the new file the owner, attributes and mode of the old one."""
    new = os.stat(temporary)
    if (new.st_uid, new.st_gid) != (status.st_uid, status.st_gid):
        os.chown(temporary, status.st_uid, status.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # a file system without them
            for name in os.listxattr(target):
                os.setxattr(temporary, name, os.getxattr(target, name))
    os.chmod(temporary, stat.S_IMODE(status.st_mode))


def _is_same(staged: Staged) -> bool:
    try:
        now = os.stat(staged.target)
    except OSError:
        return False
    then = staged.status
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)


def changed_meanwhile(path: str) -> InputError:
    """Return the error for a file that is not what it was."""
    return InputError("it was changed by another program meanwhile: run this again", file=path)


def _end(number: int, _: object) -> NoReturn:
    """End by way of `__exit__`, so that nothing is left behind."""
    raise SystemExit(128 + number)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait: the renaming takes no time, and its middle is no place to stop."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *_ENDING})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
