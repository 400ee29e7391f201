"""Replacement of files: refused files, kept attributes, and no temporary files at the end."""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from krm_image_setter.cli import replace
from krm_image_setter.cli.files import content_digest
from krm_image_setter.cli.replace import Replacement, Rewrite
from krm_image_setter.errors import InputError

OLD, NEW = b"old", b"new"


def stage(replacement: Replacement, path: Path, old: bytes = OLD, real: str = "") -> None:
    digest, real = content_digest(old), real or str(path.resolve())
    (error,) = replacement.stage([Rewrite(str(path), real, digest, lambda data: [data.replace(OLD, NEW)])])
    if error is not None:
        raise error


def test_commit_replaces_all_staged_files(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        assert [path.read_bytes() for path in paths] == [OLD, OLD]
        replacement.commit()
    assert [path.read_bytes() for path in paths] == [NEW, NEW]
    assert sorted(tmp_path.iterdir()) == paths


LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(11)
"""


def test_file_is_locked_until_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing any descriptor of a file ends a record lock: a second run could find the file unchanged, too."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    rename, seen = os.replace, []

    def try_to_lock(*arguments: Any, **options: Any) -> None:
        seen.append(subprocess.run([sys.executable, "-c", LOCK, str(path)], check=False).returncode)
        rename(*arguments, **options)

    monkeypatch.setattr(os, "replace", try_to_lock)
    with Replacement() as replacement:
        stage(replacement, path)
        replacement.commit()
    assert (seen, path.read_bytes()) == ([11], NEW)


def test_file_changed_before_staging_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"other")
    with (
        Replacement() as replacement,
        pytest.raises(InputError, match="another program changed the file during this run"),
    ):
        stage(replacement, path)
    assert path.read_bytes() == b"other"


def write_in_place(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)


def write_mapped(path: Path, data: bytes) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = data


def rename_over(path: Path, data: bytes) -> None:
    """Write a new file and rename it, as editors and rsync do."""
    other = path.with_name("other")
    other.write_bytes(data)
    shutil.copystat(path, other)
    other.rename(path)


def keeping_time(edit: Callable[[Path, bytes], object]) -> Callable[[Path], None]:
    """Return an edit that keeps the size and the time of a file, as `cp -p`, `rsync -t` and `tar` do."""

    def kept(path: Path) -> None:
        status = path.stat()
        edit(path, b"odl")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return kept


def add_attribute(path: Path) -> None:
    try:
        os.setxattr(path, "user.note", b"x")
    except OSError as error:
        pytest.skip(f"no extended attributes on this file system: {error.strerror}")


def another_mode(path: Path) -> None:
    path.chmod(0o604)


def another_owner(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can change the owner")
    os.chown(path, 1234, 1235)


EDITS: dict[str, Callable[[Path], object]] = {
    "write": lambda path: path.write_bytes(b"other"),
    "replacement": lambda path: rename_over(path, OLD),
    "removal": Path.unlink,
    "write with the same size and time": keeping_time(write_in_place),
    "truncation and write with the same size and time": keeping_time(Path.write_bytes),
    "write through mapped memory with the same size and time": keeping_time(write_mapped),
    "replacement with the same size and time": keeping_time(rename_over),
    "another mode": another_mode,
    "another owner": another_owner,
    "extended attribute": add_attribute,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_file_edited_after_staging_is_refused_and_no_file_is_changed(
    tmp_path: Path, edit: Callable[[Path], object]
) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        wait_for_a_tick(tmp_path)
        edit(paths[1])
        after = state(paths[1])
        with pytest.raises(
            InputError,
            match=r"b: another program (changed|removed) the file during this run; nothing was written, run the",
        ):
            replacement.commit()
    assert paths[0].read_bytes() == OLD
    assert state(paths[1]) == after
    assert not list(tmp_path.glob(".krm*"))


def wait_for_a_tick(folder: Path) -> None:
    """Wait until the clock of the file system has moved on."""
    path = folder / "tick"
    path.touch()
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        path.touch()
    path.unlink()


def state(path: Path) -> tuple[object, ...] | None:
    if not path.exists():
        return None
    status = path.stat()
    return path.read_bytes(), status.st_ino, status.st_mode, status.st_uid, os.listxattr(path)


def test_file_edited_within_a_clock_tick_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Linux 6.13 the times of a file can stand still for 10 ms, so a change does not change them."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    with Replacement() as replacement:
        stage(replacement, path)
        monkeypatch.setattr(replace, "_changed_at", lambda *_: 0)
        keeping_time(write_in_place)(path)
        with pytest.raises(
            InputError, match="a: another program changed the file during this run; nothing was written"
        ):
            replacement.commit()
    assert path.read_bytes() == b"odl"


def test_file_edited_through_mapped_memory_is_not_overwritten(tmp_path: Path) -> None:
    """The second write to a page does not change the times until the page is written to the disk."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:] = OLD
        with Replacement() as replacement:
            stage(replacement, path)
            mapped[:] = b"odl"
            with pytest.raises(InputError, match="a: another program changed the file"):
                replacement.commit()
    assert path.read_bytes() == b"odl"


def test_file_edited_during_commit_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    rename = os.replace

    def edit_the_other(source: str, target: str, **folders: int) -> None:
        rename(source, target, **folders)
        keeping_time(write_in_place)(paths[1])

    monkeypatch.setattr(os, "replace", edit_the_other)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        message = "b: another program changed the file during this run; 1 of 2 files were already written"
        with pytest.raises(InputError, match=message):
            replacement.commit()
    assert [path.read_bytes() for path in paths] == [NEW, b"odl"]


def test_file_with_a_new_status_time_only_is_replaced(tmp_path: Path) -> None:
    """A new hard link to the file changes only the status time."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    with Replacement() as replacement:
        stage(replacement, path)
        wait_for_a_tick(tmp_path)
        before = path.stat()
        (tmp_path / "name").hardlink_to(path)
        path.chmod(0o600)
        path.chmod(before.st_mode)
        assert path.stat().st_ctime_ns != before.st_ctime_ns
        replacement.commit()
    assert path.read_bytes() == NEW


# Attributes

ACCESS_CONTROL_LIST = "system.posix_acl_access"
DEFAULT_ACCESS_CONTROL_LIST = "system.posix_acl_default"
CAPABILITY = "security.capability"


def access_control_list(*entries: tuple[int, int, int]) -> bytes:
    """Return the value of an access control list (Linux, posix_acl_xattr.h): tag, permissions, and id or -1."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


LIST = access_control_list((1, 6, -1), (2, 4, 4321), (4, 4, -1), (0x10, 4, -1), (0x20, 0, -1))
BIND_LOW_PORTS = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service=ep

KEPT: dict[str, dict[str, object]] = {
    "no write permission": {"mode": 0o444},
    "no permission for others": {"mode": 0o600},
    "setuid": {"mode": 0o4755},
    "setgid": {"mode": 0o2755},
    "setgid without execution": {"mode": 0o2644},
    "sticky bit": {"mode": 0o1644},
    "all bits": {"mode": 0o7777},
    "owner and group": {"mode": 0o640, "owner": (1234, 1235)},
    "owner, setuid and setgid": {"mode": 0o6755, "owner": (1234, 1235)},
    "user attributes": {"extended": {"user.a": b"1", "user.b": b"\0\xff"}},
    "access control list": {"extended": {ACCESS_CONTROL_LIST: LIST}},
    "access control list and user attribute": {"extended": {ACCESS_CONTROL_LIST: LIST, "user.a": b"1"}},
    "capability": {"mode": 0o755, "extended": {CAPABILITY: BIND_LOW_PORTS}},
    "everything": {
        "mode": 0o6750,
        "owner": (1234, 1235),
        "extended": {CAPABILITY: BIND_LOW_PORTS, ACCESS_CONTROL_LIST: LIST, "user.a": b"1"},
    },
}


def set_attributes(path: Path, *, mode: int = 0o644, owner: object = None, extended: object = None) -> None:
    """Set the attributes of a file; skip the test if the user or the file system does not allow it."""
    try:
        if owner is not None:
            os.chown(path, *owner)  # type: ignore[misc]
        for name, value in (extended or {}).items():  # type: ignore[attr-defined]
            os.setxattr(path, name, value)
        if ACCESS_CONTROL_LIST not in (extended or {}):  # type: ignore[operator]
            path.chmod(mode)
        else:
            path.chmod(mode | path.stat().st_mode & 0o070)
    except OSError as error:
        pytest.skip(f"this user cannot set these attributes here: {error.strerror}")


@pytest.mark.parametrize("attributes", KEPT.values(), ids=KEPT)
def test_attributes_of_a_replaced_file_are_kept(tmp_path: Path, attributes: dict[str, object]) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)
    set_attributes(path, **attributes)  # type: ignore[arg-type]
    before, extended = path.stat(), {name: os.getxattr(path, name) for name in os.listxattr(path)}
    with Replacement() as replacement:
        stage(replacement, path)
        replacement.commit()
    after = path.stat()
    assert path.read_bytes() == NEW
    assert oct(after.st_mode) == oct(before.st_mode)
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == extended


def test_replaced_file_inherits_no_access_control_list(tmp_path: Path) -> None:
    """The default list of the directory could allow other users to read a private file."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    try:
        os.setxattr(tmp_path, DEFAULT_ACCESS_CONTROL_LIST, LIST)
    except OSError as error:
        pytest.skip(f"no access control lists on this file system: {error.strerror}")
    with Replacement() as replacement:
        stage(replacement, path)
        replacement.commit()
    assert (path.read_bytes(), os.listxattr(path)) == (NEW, [])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("user.note", "cannot write the file: cannot keep its attribute user.note: No space left"),
        ("security.note", None),
        ("security.selinux", None),
    ],
)
def test_lost_attribute_of_the_user_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str | None
) -> None:
    """A lost attribute of the system is ignored, and the other attributes are kept."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    kept: dict[str, bytes] = {}

    def refuse(_: object, attribute: str, value: bytes) -> None:
        if attribute == name:
            raise OSError(28, "No space left")
        kept[attribute] = value

    old = path.stat()
    values = {name: b"1", "user.z": b"2"}
    monkeypatch.setattr(os, "listxattr", lambda file: list(values) if os.fstat(file).st_ino == old.st_ino else [])
    monkeypatch.setattr(os, "getxattr", lambda _, attribute: values[attribute])
    monkeypatch.setattr(os, "setxattr", refuse)
    with Replacement() as replacement:
        if error is not None:
            with pytest.raises(InputError, match=f"a: {error}"):
                stage(replacement, path)
        else:
            stage(replacement, path)
            assert kept == {"user.z": b"2"}
    assert path.read_bytes() == OLD
    assert not list(tmp_path.glob(".krm*"))


def test_lost_mode_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux removes setgid without an error if the user is not in the group of the file."""
    path = tmp_path / "a"
    path.write_bytes(OLD)
    path.chmod(0o2755)
    fchmod = os.fchmod
    monkeypatch.setattr(os, "fchmod", lambda file, mode: fchmod(file, mode & ~0o2000))
    with (
        Replacement() as replacement,
        pytest.raises(InputError, match="a: cannot write the file: cannot keep its mode"),
    ):
        stage(replacement, path)
    assert path.read_bytes() == OLD


# Other programs that write to the directory


def test_file_that_became_a_link_before_staging_is_refused(tmp_path: Path) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    with Replacement() as replacement:
        real = str(path.resolve())
        path.unlink()
        path.symlink_to(victim)
        with pytest.raises(InputError, match="a: the path no longer refers to the file that was read"):
            stage(replacement, path, real=real)
    assert victim.read_bytes() == OLD


def test_file_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    with Replacement() as replacement:
        stage(replacement, path)
        path.unlink()
        path.symlink_to(victim)
        with pytest.raises(InputError, match="a: another program changed the file"):
            replacement.commit()
    assert (path.is_symlink(), victim.read_bytes()) == (True, OLD)
    assert not list(tmp_path.glob(".krm*"))


@pytest.mark.parametrize("when", ["before staging", "before the commit"])
def test_directory_that_becomes_a_link_is_not_followed(tmp_path: Path, when: str) -> None:
    for folder in ("in", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_bytes(OLD)
    path = tmp_path / "in" / "a"
    real = str(path.resolve())

    def swap() -> None:
        (tmp_path / "in").rename(tmp_path / "moved")
        (tmp_path / "in").symlink_to("other")

    def replace() -> None:
        with Replacement() as replacement:
            if when == "before staging":
                swap()
            stage(replacement, path, real=real)
            swap()
            replacement.commit()

    with pytest.raises(InputError, match="a: the path no longer refers to the file that was read"):
        replace()
    assert [file.read_bytes() for file in tmp_path.glob("*/a")] == [OLD] * 3
    assert list((tmp_path / "other").iterdir()) == [tmp_path / "other" / "a"]


def test_file_that_became_a_pipe_does_not_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    os.mkfifo(path)
    monkeypatch.setattr(os.path, "isfile", lambda _: True)  # the file was replaced after this check
    with Replacement() as replacement, pytest.raises(InputError, match="a: another program changed the file"):
        stage(replacement, path)


def test_link_with_the_temporary_name_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    (tmp_path / ".krm-image-setter-guessed").symlink_to(victim)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    with Replacement() as replacement, pytest.raises(InputError, match="a: cannot write the file: File exists"):
        stage(replacement, path)
    assert (path.read_bytes(), victim.read_bytes()) == (OLD, OLD)
    assert (tmp_path / ".krm-image-setter-guessed").is_symlink()


def test_temporary_names_are_random(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_bytes(OLD)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        names = {path.name.removeprefix(".krm-image-setter-") for path in tmp_path.glob(".krm*")}
        assert len({name for name in names if len(name) == 16}) == 20


def test_hard_link_keeps_the_old_contents(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "hard"
    path.write_bytes(OLD)
    other.hardlink_to(path)
    with Replacement() as replacement:
        stage(replacement, path)
        replacement.commit()
    assert (path.read_bytes(), other.read_bytes()) == (NEW, OLD)


def test_failed_replacement_is_reported_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(OLD)
    rename = os.replace

    def fail(source: str, target: str, **folders: int) -> None:
        if target.endswith("b"):
            raise PermissionError(1, "Operation not permitted")
        rename(source, target, **folders)

    monkeypatch.setattr(os, "replace", fail)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        with pytest.raises(
            InputError,
            match="b: cannot replace the file: Operation not permitted; 1 of 3 files were already written",
        ):
            replacement.commit()
    assert [path.read_bytes() for path in paths] == [NEW, OLD, OLD]
    assert not list(tmp_path.glob(".krm*"))


def test_file_locked_by_another_program_is_refused(tmp_path: Path) -> None:
    """The other program will replace the file, and its changes must not be lost."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    script = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b'); "
        "fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    )
    command = [sys.executable, "-c", script, str(paths[1])]
    with Replacement() as replacement, subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as other:
        for path in paths:
            stage(replacement, path)
        assert other.stdout
        other.stdout.readline()
        message = "b: another program has locked the file; nothing was written, run the command again"
        with pytest.raises(InputError, match=message):
            replacement.commit()
        other.communicate(b"\n")
    assert [path.read_bytes() for path in paths] == [OLD, OLD]
    assert sorted(tmp_path.iterdir()) == paths


def test_read_only_file_locked_by_another_program_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write every file")
    path = tmp_path / "a"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with Replacement() as replacement, path.open() as other:
        stage(replacement, path)
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="a: another program has locked the file; nothing was written"):
            replacement.commit()
    assert path.read_bytes() == OLD


@pytest.mark.parametrize(
    ("owner", "group", "lost"), [(4242, 4242, "owner and group"), (4242, None, "owner"), (None, 4242, "group")]
)
def test_lost_owner_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int | None, group: int | None, lost: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)
    old, fstat = path.stat(), os.fstat

    def other_owner(file: int) -> os.stat_result:
        status = fstat(file)
        is_old = status.st_ino == old.st_ino
        ids = (owner or status.st_uid, group or status.st_gid)
        return os.stat_result((*status[:4], *ids, *status[6:])) if is_old else status

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with Replacement() as replacement, monkeypatch.context() as patched:
        patched.setattr(os, "fstat", other_owner)
        patched.setattr(os, "fchown", refuse)
        message = f"a: cannot write the file: cannot keep its {lost}: Operation not permitted"
        with pytest.raises(InputError, match=message):
            stage(replacement, path)
    assert path.read_bytes() == OLD
    assert not list(tmp_path.glob(".krm*"))
