"""Replaces the contents of files: all of them or none, and each file atomically."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any, Final, NamedTuple, NoReturn, Self

from krm_image_setter.cli.files import content_digest
from krm_image_setter.errors import InputError

CHANGED: Final = "another program changed the file during this run; run the command again"
_REMOVED: Final = "another program removed the file during this run; run the command again"
_MOVED: Final = "the path no longer refers to the file that was read; run the command again"
_LOCKED: Final = "another program has locked the file; run the command again"

NOTHING_WRITTEN: Final = "nothing was written"

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Another program can replace a file by a link, which must not be followed, or by a pipe, which must not block.
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Attributes(NamedTuple):
    """The mode, owner, group and extended attributes of a file.

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
    """A temporary file with the new contents of a file, in the same directory.

    `shown` is the path of the file in messages, `target` its path without symbolic links, and `temporary` the name
    of the temporary file. The other fields describe the file, and its directory, at the time when it was read.
    """

    shown: str
    target: str
    temporary: str
    digest: bytes
    attributes: Attributes
    status: os.stat_result
    directory: os.stat_result


class Replacement:
    """New contents for several files; a `with` block, which removes its temporary files at the end.

    Renaming replaces a file atomically: after a crash a file has its old or its new contents. The attributes of a
    file and the symbolic links to it are kept. Hard links to it keep the old contents.

    Another program can write to the same directory, and a path can refer to another file at any time. Each step
    therefore opens the directory, checks that it is the one that was read, and follows no link in it.
    """

    def __init__(self) -> None:
        self._staged: list[Staged] = []
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores SIGHUP
                self._handlers[number] = signal.signal(number, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _end(self, number: int, _: object) -> NoReturn:
        """Remove the temporary files and exit; a second signal could interrupt an exception on its way up."""
        self._clear()
        os._exit(128 + number)

    def _clear(self) -> None:
        for staged in self._staged:
            with suppress(OSError, InputError), _directory_of(staged) as directory:
                os.unlink(staged.temporary, dir_fd=directory)

    def stage(self, path: str, target: str, digest: bytes, rewrite: Callable[[bytes], Iterable[bytes]]) -> None:
        """Write the new contents of a file to a temporary file: the pieces that `rewrite` makes of the old ones.

        `target` and `digest` are the real path and the digest of the contents when the file was read. Raises
        InputError if the file was changed or removed since then, or if the temporary file cannot be written.
        """
        if not os.path.exists(path):
            raise InputError(_REMOVED, file=path)
        if not os.path.isfile(path):
            raise InputError("cannot change the file in place: it is not a regular file", file=path)
        if os.path.realpath(path) != target:
            raise InputError(_MOVED, file=path)
        try:
            with _opened_directory(target) as directory:
                self._stage(path, target, directory, digest, rewrite)
        except OSError as error:
            raise InputError(f"cannot write the file: {error.strerror}", file=path) from error

    def _stage(
        self, path: str, target: str, directory: int, digest: bytes, rewrite: Callable[[bytes], Iterable[bytes]]
    ) -> None:
        with open(os.open(os.path.basename(target), os.O_RDONLY | _SAFELY, dir_fd=directory), "rb") as file:
            status = os.fstat(file.fileno())
            old = file.read() if stat.S_ISREG(status.st_mode) else b""
            if not stat.S_ISREG(status.st_mode) or content_digest(old) != digest:
                raise InputError(CHANGED, file=path)
            temporary = f".krm-image-setter-{secrets.token_hex(8)}"
            attributes = Attributes.of(file.fileno())
            # Record the temporary file before it exists, so that a signal at any time removes it.
            self._staged.append(Staged(path, target, temporary, digest, attributes, status, os.fstat(directory)))
            try:
                new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=directory)
            except OSError:
                self._staged.pop()  # another program may have created a file with this name: keep that file
                raise
            try:
                with open(new, "wb") as written:
                    written.writelines(rewrite(old))
                    # A later write would remove setuid, setgid and `security.capability` again.
                    written.flush()
                    _set_attributes(attributes, written.fileno())
            except OSError:
                # Free the space now: with --keep-going, other files can need it.
                os.unlink(temporary, dir_fd=directory)
                self._staged.pop()
                raise

    def commit(self) -> None:
        """Replace the staged files. Raises InputError if a file has changed or cannot be replaced."""
        done = 0
        try:
            for staged in self._staged:
                with _directory_of(staged) as directory:
                    _check_unchanged(staged, directory)
            with _signals_blocked():
                for staged in self._staged:
                    with _directory_of(staged) as directory, _locked(staged, directory) as locked:
                        _check_unchanged(staged, directory, locked)
                        name = os.path.basename(staged.target)
                        os.replace(staged.temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
                    done += 1
                self._staged.clear()
        except (InputError, OSError) as error:
            effect = f"{done} of {len(self._staged)} files were already written" if done else NOTHING_WRITTEN
            message = f"cannot replace the file: {error.strerror}" if isinstance(error, OSError) else error.message
            raise InputError(with_effect(message, effect), file=staged.shown) from error


def with_effect(message: str, effect: str) -> str:
    """Return an error message that also states the effect on the files, before the remedy if there is one."""
    cause, _, remedy = message.partition("; ")
    return f"{cause}; {effect}" + f", {remedy}" * bool(remedy)


@contextmanager
def _opened_directory(target: str) -> Iterator[int]:
    directory = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | _SAFELY)
    try:
        yield directory
    finally:
        os.close(directory)


@contextmanager
def _directory_of(staged: Staged) -> Iterator[int]:
    """Open the directory of a file. Raises InputError if its path refers to another directory now."""
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(_opened_directory(staged.target))
        except OSError as error:
            raise InputError(_MOVED, file=staged.shown) from error
        if not os.path.samestat(os.fstat(directory), staged.directory):
            raise InputError(_MOVED, file=staged.shown)
        yield directory


@contextmanager
def _locked(staged: Staged, directory: int) -> Iterator[int | None]:
    """Lock a file during its last check and its renaming. Raises InputError if another program has locked it.

    Without the lock, two runs at the same time could both find the file unchanged, and the second one would
    discard the changes of the first one. The check must read from the descriptor that this yields: a record lock
    ends when the process closes any descriptor of the file. Without a lock this yields None.
    """
    descriptor: int | None = None
    with ExitStack() as stack:
        try:
            descriptor = _opened_to_lock(os.path.basename(staged.target), directory)
            stack.callback(os.close, descriptor)
            # Other programs use record locks too, but a record lock needs write permission.
            is_writable = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR
            (fcntl.lockf if is_writable else fcntl.flock)(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(_LOCKED, file=staged.shown) from error
        except OSError:
            stack.close()  # some file systems have no locks: replace the file without a lock
            descriptor = None
        yield descriptor


def _opened_to_lock(name: str, directory: int) -> int:
    try:
        return os.open(name, os.O_RDWR | _SAFELY, dir_fd=directory)
    except OSError:
        return os.open(name, os.O_RDONLY | _SAFELY, dir_fd=directory)


def _extended_of(file: int) -> dict[str, bytes]:
    extended = {}
    with suppress(AttributeError, OSError):  # some systems and file systems have no extended attributes
        for name in os.listxattr(file):
            with suppress(OSError):  # only the system can read some of them
                extended[name] = os.getxattr(file, name)
    return extended


def _set_attributes(attributes: Attributes, new: int) -> None:
    """Set the attributes of a new file to those of the old file. Raises OSError if that is not possible.

    Only an attribute that belongs to the system, such as `security.capability`, can get lost. The system removes
    `security.capability` on every write by a user other than root too.
    """
    now = Attributes.of(new)
    if (now.owner, now.group) != (attributes.owner, attributes.group):
        os.fchown(new, attributes.owner, attributes.group)
    # A new file inherits the default access control list of its directory.
    for name in now.extended.keys() - attributes.extended.keys():
        with _optional(name):
            os.removexattr(new, name)
    for name, value in attributes.extended.items():
        if now.extended.get(name) != value:
            with _optional(name):
                os.setxattr(new, name, value)
    os.fchmod(new, attributes.mode)
    # Linux ignores setgid without an error if the user is not in the group of the file.
    if stat.S_IMODE(os.fstat(new).st_mode) != attributes.mode:
        raise PermissionError(errno.EPERM, "cannot keep its mode")


def _optional(name: str) -> AbstractContextManager[None]:
    """Return a context that ignores OSError if the owner of a file cannot always set this extended attribute."""
    is_own = name.startswith(("user.", "system.posix_acl_access"))
    return nullcontext() if is_own else suppress(OSError)


def _check_unchanged(staged: Staged, directory: int, locked: int | None = None) -> None:
    """Raise InputError if a file has other contents or attributes than when it was read, or was removed.

    `locked` is the descriptor that locks the file, if there is one.

    The times of a file are not enough: `cp -p` sets the old times, the clock of a file system can stand still for
    10 ms, and a write to mapped memory changes the times later. A new status time does not mean a changed file
    either: in a container, opening a file for locking can copy the file to another layer.
    """
    try:
        name = os.path.basename(staged.target)
        opened = os.open(name, os.O_RDONLY | _SAFELY, dir_fd=directory) if locked is None else locked
        with open(opened, "rb", closefd=locked is None) as file:
            before = _changed_at(staged, directory)
            is_same = (
                content_digest(file.read()) == staged.digest and Attributes.of(file.fileno()) == staged.attributes
            )
        if is_same and before is not None and before == _changed_at(staged, directory):
            return
    except FileNotFoundError as error:
        raise InputError(_REMOVED, file=staged.shown) from error
    except OSError as error:
        raise InputError(CHANGED, file=staged.shown) from error
    raise InputError(CHANGED, file=staged.shown)


def _changed_at(staged: Staged, directory: int) -> int | None:
    """Return the time of the last status change in ns; None if the file was written or replaced."""
    try:
        now = os.stat(os.path.basename(staged.target), dir_fd=directory, follow_symlinks=False)
    except OSError:
        return None
    then = staged.status
    is_same = os.path.samestat(now, then) and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)
    return now.st_ctime_ns if is_same else None


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while files are renamed, which takes little time, so that no run stops in the middle."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
