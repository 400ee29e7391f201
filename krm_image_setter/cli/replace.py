"""Replacing the contents of files: all of them or none, and each at once."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any, Final, NamedTuple, NoReturn, Self

from krm_image_setter.errors import InputError

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# No link is followed, and to open a pipe that has taken a file's place is not to take for ever.
_CAREFUL: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def digest_of(data: bytes) -> bytes:
    """Return what tells these contents from others."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Attributes(NamedTuple):
    """What a file has besides its contents: its mode, owner and group, and its extended attributes.

    An access control list is an extended attribute (`system.posix_acl_access`).
    """

    mode: int
    owner: int
    group: int
    extended: dict[str, bytes]

    @classmethod
    def of(cls, file: int) -> Self:
        """Return the attributes of an open file. Raises OSError."""
        status = os.fstat(file)
        return cls(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, _extended_of(file))


class Staged(NamedTuple):
    """New contents in the folder of a file, ready to replace it; `target` is the file itself behind links.

    `temporary` is their name there. The rest is from when the file was read: the digest of its contents, its
    attributes and status, and the status of its folder.
    """

    shown: str
    target: str
    temporary: str
    digest: bytes
    attributes: Attributes
    status: os.stat_result
    folder: os.stat_result


class Replacement:
    """New contents for several files. Used in a `with` block, which leaves nothing behind but changed files.

    A file is replaced by renaming, which is atomic: killed at any moment, it is the old or the new one. Its
    attributes and the symbolic links to it are kept; hard links to it keep the old contents.

    Others may write into the folder. So nothing is done by a path that may be another by now: each step takes the
    folder itself, which must be the one that was read from, and follows no link in it.
    """

    def __init__(self) -> None:
        self._staged: list[Staged] = []
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
        for staged in self._staged:
            with suppress(OSError, InputError), _folder_of(staged) as folder:
                os.unlink(staged.temporary, dir_fd=folder)

    def stage(self, path: str, target: str, digest: bytes, rewrite: Callable[[bytes], Iterable[bytes]]) -> None:
        """Lay new contents beside a file: the pieces that `rewrite` makes of the old ones, which have `digest`.

        `target` is what `path` led to when it was read.

        Raises InputError where it leads elsewhere now or they have another, or the new ones can't be written.
        """
        if not os.path.exists(path):
            raise changed_meanwhile(path)
        if not os.path.isfile(path):
            raise InputError("this is no regular file: it can't be changed in place", file=path)
        if os.path.realpath(path) != target:
            raise changed_meanwhile(path)
        try:
            with _opened_folder(target) as folder:
                self._stage(path, target, folder, digest, rewrite)
        except OSError as error:
            raise InputError(f"it can't be written: {error.strerror}", file=path) from error

    def _stage(
        self, path: str, target: str, folder: int, digest: bytes, rewrite: Callable[[bytes], Iterable[bytes]]
    ) -> None:
        with open(os.open(os.path.basename(target), os.O_RDONLY | _CAREFUL, dir_fd=folder), "rb") as file:
            status = os.fstat(file.fileno())
            old = file.read() if stat.S_ISREG(status.st_mode) else b""
            if not stat.S_ISREG(status.st_mode) or digest_of(old) != digest:
                raise changed_meanwhile(path)
            temporary = f".krm-image-setter-{secrets.token_hex(8)}"
            attributes = Attributes.of(file.fileno())
            # Known before it is there: whenever this ends, it is taken away.
            self._staged.append(Staged(path, target, temporary, digest, attributes, status, os.fstat(folder)))
            try:
                new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFUL, 0o600, dir_fd=folder)
            except OSError:  # what others have put there is not taken away
                self._staged.pop()
                raise
            try:
                with open(new, "wb") as written:
                    written.writelines(rewrite(old))
                    # A write that follows would remove setuid, setgid and `security.capability` again.
                    written.flush()
                    _give(attributes, written.fileno())
            except OSError:  # others may need the room
                os.unlink(temporary, dir_fd=folder)
                self._staged.pop()
                raise

    def commit(self) -> None:
        """Put all that is staged in place. Raises InputError where a file has changed, or can't be replaced."""
        for staged in self._staged:
            with _folder_of(staged) as folder:
                if not _is_same(staged, folder):
                    raise changed_meanwhile(staged.shown)
        with _uninterrupted():
            for done, staged in enumerate(self._staged):
                already = f", though {done} of {len(self._staged)} files are replaced" if done else ""
                try:
                    with _folder_of(staged, already) as folder, _locked(staged.target, folder):
                        if not _is_same(staged, folder):
                            raise changed_meanwhile(staged.shown, already)
                        name = os.path.basename(staged.target)
                        os.replace(staged.temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                except BlockingIOError:
                    raise changed_meanwhile(staged.shown, already) from None
                except OSError as error:
                    raise InputError(
                        f"it can't be replaced{already}: {error.strerror}", file=staged.shown
                    ) from error
            self._staged.clear()


@contextmanager
def _opened_folder(target: str) -> Iterator[int]:
    folder = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | _CAREFUL)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _folder_of(staged: Staged, already: str = "") -> Iterator[int]:
    """Open the folder that something was staged in. Raises InputError where another has its place."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(_opened_folder(staged.target))
        except OSError as error:
            raise changed_meanwhile(staged.shown, already) from error
        if not os.path.samestat(os.fstat(folder), staged.folder):
            raise changed_meanwhile(staged.shown, already)
        yield folder


@contextmanager
def _locked(target: str, folder: int) -> Iterator[None]:
    """Lock a file from the last look at it to its renaming.

    Otherwise two runs at the same time could both find it unchanged, and one could replace what the other has just
    written. Raises BlockingIOError if another program holds the lock, because it will replace the file.
    """
    with ExitStack() as stack:
        try:
            descriptor = _opened_to_lock(os.path.basename(target), folder)
            stack.callback(os.close, descriptor)
            # A record lock, which other programs ask for too, needs the permission to write.
            may_write = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR
            (fcntl.lockf if may_write else fcntl.flock)(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some file systems have no locks: the file is replaced without one
            stack.close()
        yield


def _opened_to_lock(name: str, folder: int) -> int:
    try:
        return os.open(name, os.O_RDWR | _CAREFUL, dir_fd=folder)
    except OSError:
        return os.open(name, os.O_RDONLY | _CAREFUL, dir_fd=folder)


def _extended_of(file: int) -> dict[str, bytes]:
    extended = {}
    with suppress(AttributeError, OSError):  # a system or a file system without them
        for name in os.listxattr(file):
            with suppress(OSError):  # one that only the system can read
                extended[name] = os.getxattr(file, name)
    return extended


def _give(attributes: Attributes, new: int) -> None:
    """Give a new file the attributes of the old one, and no other. Raises OSError if that is not possible.

    Only an attribute that the system decides about can get lost, such as `security.capability`. The system removes
    that one on each write of a user who is not root too.
    """
    now = Attributes.of(new)
    if (now.owner, now.group) != (attributes.owner, attributes.group):
        os.fchown(new, attributes.owner, attributes.group)
    # A new file inherits the default access control list of its folder.
    for name in now.extended.keys() - attributes.extended.keys():
        with _forgiven(name):
            os.removexattr(new, name)
    for name, value in attributes.extended.items():
        if now.extended.get(name) != value:
            with _forgiven(name):
                os.setxattr(new, name, value)
    os.fchmod(new, attributes.mode)
    # Without an error, Linux ignores setgid if the user is not in the group of the file.
    if stat.S_IMODE(os.fstat(new).st_mode) != attributes.mode:
        raise PermissionError(errno.EPERM, "Its mode cannot be kept")


def _forgiven(name: str) -> AbstractContextManager[None]:
    """Return a context that ignores OSError if the owner of a file cannot always set this extended attribute."""
    is_own = name.startswith(("user.", "system.posix_acl_access"))
    return nullcontext() if is_own else suppress(OSError)


def _is_same(staged: Staged, folder: int) -> bool:
    """Return whether a file has the same contents and attributes as when it was read.

    The times of a file do not tell: `cp -p` sets the old ones, the clock of a file system ticks every few
    milliseconds, and what is written to mapped memory changes them later. Nor does a new time of its status tell
    that the file has changed: in a container, to open a file for locking can copy it to another layer.
    """
    try:
        with open(os.open(os.path.basename(staged.target), os.O_RDONLY | _CAREFUL, dir_fd=folder), "rb") as file:
            before = _changed_at(staged, folder)
            is_same = digest_of(file.read()) == staged.digest and Attributes.of(file.fileno()) == staged.attributes
        return is_same and before is not None and before == _changed_at(staged, folder)
    except OSError:
        return False


def _changed_at(staged: Staged, folder: int) -> int | None:
    """Return when the status of a file was changed; None if it is not the file that was read, or was written."""
    try:
        now = os.stat(os.path.basename(staged.target), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    then = staged.status
    is_same = os.path.samestat(now, then) and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)
    return now.st_ctime_ns if is_same else None


def changed_meanwhile(path: str, already: str = "") -> InputError:
    """Return the error for a file that is not what it was, and what was `already` done to others."""
    return InputError(f"it was changed by another program meanwhile{already}: run this again", file=path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait: the renaming takes little time, and its middle is no place to stop."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
