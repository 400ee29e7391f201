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
    """New contents that lie beside a file, ready to take its place; `target` is the file itself behind links.

    `temporary` is their name in its folder, `status` the file's and `folder` the folder's when it was read.
    """

    shown: str
    target: str
    temporary: str
    status: os.stat_result
    folder: os.stat_result


class Replacement:
    """New contents for several files. Used in a `with` block, which leaves nothing behind but changed files.

    A file is replaced by renaming, which is atomic: killed at any moment, it is the old or the new one. Its mode,
    owner, extended attributes and the symbolic links to it stay; hard links to it keep the old contents.

    Others may write into the folder. So nothing is done by a path that may be another by now: each step takes the
    folder itself, which must be the one that was read from, and follows no link in it.
    """

    def __init__(self) -> None:
        self._staged: list[Staged] = []

    def __enter__(self) -> Self:
        for number in _ENDING:
            signal.signal(number, _end)
        return self

    def __exit__(self, *_: object) -> None:
        for staged in self._staged:
            with suppress(OSError, InputError), _folder_of(staged) as folder:
                os.unlink(staged.temporary, dir_fd=folder)

    def stage(self, path: str, target: str, digest: bytes, rewrite: Callable[[bytes], bytes]) -> None:
        """Lay new contents beside a file: what `rewrite` makes of the old ones, which have `digest`.

        `target` is what `path` led to when it was read.

        Raises InputError where it leads elsewhere now or they have another, or the new ones can't be written.
        """
        if not os.path.isfile(path):
            raise InputError("this is no regular file: it can't be changed in place", file=path)
        if os.path.realpath(path) != target:
            raise changed_meanwhile(path)
        try:
            folder = _open_folder(target)
            try:
                self._stage(path, target, folder, digest, rewrite)
            finally:
                os.close(folder)
        except OSError as error:
            raise InputError(f"it can't be written: {error.strerror}", file=path) from error

    def _stage(
        self, path: str, target: str, folder: int, digest: bytes, rewrite: Callable[[bytes], bytes]
    ) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # to open a pipe might take for ever
        with open(os.open(os.path.basename(target), flags, dir_fd=folder), "rb") as file:
            status = os.fstat(file.fileno())
            old = file.read() if stat.S_ISREG(status.st_mode) else b""
            if not stat.S_ISREG(status.st_mode) or digest_of(old) != digest:
                raise changed_meanwhile(path)
            temporary = f".krm-image-setter-{secrets.token_hex(8)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            # Known before it is there: whenever this ends, it is taken away. What others have put there is not.
            self._staged.append(Staged(path, target, temporary, status, os.fstat(folder)))
            try:
                new = os.open(temporary, flags, 0o600, dir_fd=folder)
            except FileExistsError:
                self._staged.pop()
                raise
            with open(new, "wb") as written:
                written.write(rewrite(old))
                _keep_status(file.fileno(), written.fileno(), status)

    def commit(self) -> None:
        """Put all that is staged in place. Raises InputError where a file has changed, or can't be replaced."""
        for staged in self._staged:
            with _folder_of(staged) as folder:
                if not _is_same(staged, folder):
                    raise changed_meanwhile(staged.shown)
        done = 0
        with _uninterrupted():
            try:
                for staged in self._staged:
                    with _folder_of(staged) as folder:
                        name = os.path.basename(staged.target)
                        os.replace(staged.temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                    done += 1
            except OSError as error:
                message = f"it can't be replaced, though {done} of {len(self._staged)} files are: {error.strerror}"
                raise InputError(message, file=self._staged[done].shown) from error


def _open_folder(target: str) -> int:
    return os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


@contextmanager
def _folder_of(staged: Staged) -> Iterator[int]:
    """Open the folder that something was staged in. Raises InputError where another has its place."""
    try:
        folder = _open_folder(staged.target)
    except OSError as error:
        raise changed_meanwhile(staged.shown) from error
    try:
        now, then = os.fstat(folder), staged.folder
        if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino):
            raise changed_meanwhile(staged.shown)
        yield folder
    finally:
        os.close(folder)


def _keep_status(old: int, new: int, status: os.stat_result) -> None:
    """Give the new file the owner, attributes and mode of the old one."""
    now = os.fstat(new)
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(new, status.st_uid, status.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # a file system without them
            for name in os.listxattr(old):
                os.setxattr(new, name, os.getxattr(old, name))
    os.fchmod(new, stat.S_IMODE(status.st_mode))


def _is_same(staged: Staged, folder: int) -> bool:
    try:
        now = os.stat(os.path.basename(staged.target), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    then = staged.status
    return (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns) == (
        then.st_dev, then.st_ino, then.st_size, then.st_mtime_ns
    )  # fmt: skip


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
