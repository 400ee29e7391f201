"""Replacing the contents of files: all of them or none, and each at once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, NamedTuple, NoReturn, Self

from krm_image_setter.errors import InputError

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
        self._temporaries: list[str] = []
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
                self._handlers[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _end(self, number: int, _: object) -> NoReturn:
        """End at once: what unwinds the stack could be stopped by a second signal, and leave files behind."""
        self._clear()
        os._exit(128 + number)

    def _clear(self) -> None:
        for temporary in self._temporaries:
            with suppress(OSError):
                os.unlink(temporary)

    def stage(self, path: str, digest: bytes, rewrite: Callable[[bytes], Iterable[bytes]]) -> None:
        """Lay new contents beside the file `path`: the pieces that `rewrite` makes of the old ones.

        Raises InputError where the old ones have another `digest`, or the new ones can't be written.
        """
        if not os.path.exists(path):
            raise changed_meanwhile(path)
        if not os.path.isfile(path):  # to open a pipe might take for ever
            raise InputError("this is no regular file: it can't be changed in place", file=path)
        target = os.path.realpath(path)
        temporary = os.path.join(os.path.dirname(target), f".krm-image-setter-{secrets.token_hex(8)}")
        try:
            with open(target, "rb") as file:
                status = os.fstat(file.fileno())
                old = file.read()
            if digest_of(old) != digest:
                raise changed_meanwhile(path)
            # Known before it is there: whenever this ends, it is taken away.
            self._temporaries.append(temporary)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.writelines(rewrite(old))
            _keep_status(target, temporary, status)
            self._staged.append(Staged(path, target, temporary, status))
        except OSError as error:
            with suppress(OSError):  # others may need the room
                os.unlink(temporary)
            raise InputError(f"it can't be written: {error.strerror}", file=path) from error

    def commit(self) -> None:
        """Put all that is staged in place. Raises InputError where a file has changed, or can't be replaced."""
        for staged in self._staged:
            if not _is_same(staged):
                raise changed_meanwhile(staged.shown)
        with _uninterrupted():
            for done, staged in enumerate(self._staged):
                already = f", though {done} of {len(self._staged)} files are replaced" if done else ""
                try:
                    with _locked(staged.target):
                        if not _is_same(staged):
                            raise changed_meanwhile(staged.shown, already)
                        os.replace(staged.temporary, staged.target)
                except BlockingIOError:
                    raise changed_meanwhile(staged.shown, already) from None
                except OSError as error:
                    raise InputError(
                        f"it can't be replaced{already}: {error.strerror}", file=staged.shown
                    ) from error


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Lock a file from the last look at it to its renaming.

    Else two runs at once could both find it unchanged, and one replace what the other has just written. Raises
    BlockingIOError where another holds the lock, for it will replace the file.
    """
    with ExitStack() as stack:
        try:
            descriptor = os.open(path, os.O_RDWR)
            stack.callback(os.close, descriptor)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # not every file, or file system, lets itself be locked: it is replaced all the same
            stack.close()
        yield


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


def changed_meanwhile(path: str, already: str = "") -> InputError:
    """Return the error for a file that is not what it was, and what was `already` done to others."""
    return InputError(f"it was changed by another program meanwhile{already}: run this again", file=path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait: the renaming takes little time, and its middle is no place to stop."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
