"""Replacing files: what is refused, and that nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from krm_image_setter.cli.replace import Replacement, digest_of
from krm_image_setter.errors import InputError

OLD, NEW = b"old", b"new"


def stage(replacement: Replacement, path: Path, old: bytes = OLD) -> None:
    replacement.stage(str(path), digest_of(old), lambda data: [data.replace(OLD, NEW)])


def test_all_are_replaced(tmp_path: Path) -> None:
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


def test_a_file_changed_before_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"other")
    with Replacement() as replacement, pytest.raises(InputError, match="changed by another program meanwhile"):
        stage(replacement, path)
    assert path.read_bytes() == b"other"


@pytest.mark.parametrize("how", ["written", "replaced", "removed"])
def test_a_file_changed_meanwhile_is_refused_and_none_is_changed(tmp_path: Path, how: str) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        if how == "written":
            paths[1].write_bytes(b"other")
        elif how == "replaced":
            (tmp_path / "c").write_bytes(OLD)
            (tmp_path / "c").rename(paths[1])
        else:
            paths[1].unlink()
        with pytest.raises(InputError, match="b: it was changed by another program meanwhile: run this again"):
            replacement.commit()
    assert paths[0].read_bytes() == OLD
    assert not list(tmp_path.glob(".krm*"))


def test_a_file_that_cannot_be_replaced_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(OLD)
    replace = os.replace

    def fail(source: str, target: str) -> None:
        if target.endswith("b"):
            raise PermissionError(1, "Operation not permitted")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        with pytest.raises(
            InputError, match="b: it can't be replaced, though 1 of 3 files are replaced: Operation not"
        ):
            replacement.commit()
    assert [path.read_bytes() for path in paths] == [NEW, OLD, OLD]
    assert not list(tmp_path.glob(".krm*"))


def test_a_file_that_another_run_is_about_to_replace(tmp_path: Path) -> None:
    """It holds the lock from its last look to its renaming: to overwrite that would lose what it has done."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(OLD)
    script = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    command = [sys.executable, "-c", script, str(paths[1])]
    with Replacement() as replacement, subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as other:
        for path in paths:
            stage(replacement, path)
        assert other.stdout
        other.stdout.readline()
        message = (
            "b: it was changed by another program meanwhile, though 1 of 2 files are replaced: run this again"
        )
        with pytest.raises(InputError, match=message):
            replacement.commit()
        other.communicate(b"\n")
    assert [path.read_bytes() for path in paths] == [NEW, OLD]
    assert sorted(tmp_path.iterdir()) == paths


def test_an_owner_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLD)

    def other_owner(name: str) -> os.stat_result:
        return os.stat_result((0o600, 0, 0, 1, 4242, 4242, 0, 0, 0, 0))

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with Replacement() as replacement, monkeypatch.context() as patched:
        patched.setattr(os, "stat", other_owner)
        patched.setattr(os, "chown", refuse)
        patched.setattr(os.path, "isfile", lambda _: True)
        with pytest.raises(InputError, match="a: it can't be written: Operation not permitted"):
            stage(replacement, path)
    assert path.read_bytes() == OLD
    assert not list(tmp_path.glob(".krm*"))
