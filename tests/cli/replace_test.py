"""Replacing files: what is refused, and that nothing is left behind."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from krm_image_setter.cli.replace import Replacement, digest_of
from krm_image_setter.errors import InputError

OLD, NEW = b"old", b"new"


def stage(replacement: Replacement, path: Path, old: bytes = OLD) -> None:
    replacement.stage(str(path), str(path.resolve()), digest_of(old), lambda data: [data.replace(OLD, NEW)])


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


# Others may write into the folder


def test_a_file_that_became_a_link_before_it_was_staged(tmp_path: Path) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    with Replacement() as replacement:
        real = str(path.resolve())
        path.unlink()
        path.symlink_to(victim)
        with pytest.raises(InputError, match="a: it was changed by another program meanwhile"):
            replacement.stage(str(path), real, digest_of(OLD), lambda _: [NEW])
    assert victim.read_bytes() == OLD


def test_a_file_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    with Replacement() as replacement:
        stage(replacement, path)
        path.unlink()
        path.symlink_to(victim)
        with pytest.raises(InputError, match="a: it was changed by another program meanwhile"):
            replacement.commit()
    assert (path.is_symlink(), victim.read_bytes()) == (True, OLD)
    assert not list(tmp_path.glob(".krm*"))


@pytest.mark.parametrize("when", ["before it is staged", "before it is put in place"])
def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path, when: str) -> None:
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
            if when == "before it is staged":
                swap()
            replacement.stage(str(path), real, digest_of(OLD), lambda _: [NEW])
            swap()
            replacement.commit()

    with pytest.raises(InputError, match="a: it was changed by another program meanwhile"):
        replace()
    assert [file.read_bytes() for file in tmp_path.glob("*/a")] == [OLD] * 3
    assert list((tmp_path / "other").iterdir()) == [tmp_path / "other" / "a"]


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    os.mkfifo(path)
    monkeypatch.setattr(os.path, "isfile", lambda _: True)  # it was one just now
    with Replacement() as replacement, pytest.raises(InputError, match="a: it was changed by another program"):
        stage(replacement, path)


def test_a_link_that_waits_where_contents_are_laid_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    for each in (path, victim):
        each.write_bytes(OLD)
    (tmp_path / ".krm-image-setter-guessed").symlink_to(victim)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    with Replacement() as replacement, pytest.raises(InputError, match="a: it can't be written: File exists"):
        stage(replacement, path)
    assert (path.read_bytes(), victim.read_bytes()) == (OLD, OLD)
    assert (tmp_path / ".krm-image-setter-guessed").is_symlink()


def test_names_of_staged_contents_cannot_be_guessed(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_bytes(OLD)
    with Replacement() as replacement:
        for path in paths:
            stage(replacement, path)
        names = {path.name.removeprefix(".krm-image-setter-") for path in tmp_path.glob(".krm*")}
        assert len({name for name in names if len(name) == 16}) == 20


def test_other_names_of_a_file_keep_the_old_contents(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "hard"
    path.write_bytes(OLD)
    other.hardlink_to(path)
    with Replacement() as replacement:
        stage(replacement, path)
        replacement.commit()
    assert (path.read_bytes(), other.read_bytes()) == (NEW, OLD)


def test_a_file_that_cannot_be_replaced_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_bytes(OLD)
    replace = os.replace

    def fail(source: str, target: str, **folders: int) -> None:
        if target.endswith("b"):
            raise PermissionError(1, "Operation not permitted")
        replace(source, target, **folders)

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

    fstat = os.fstat

    def other_owner(file: int) -> os.stat_result:
        status = fstat(file)
        return os.stat_result((*status[:4], 4242, 4242, *status[6:])) if status.st_size == 0 else status

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with Replacement() as replacement, monkeypatch.context() as patched:
        patched.setattr(os, "fstat", other_owner)
        patched.setattr(os, "fchown", refuse)
        with pytest.raises(InputError, match="a: it can't be written: Operation not permitted"):
            stage(replacement, path)
    assert path.read_bytes() == OLD
    assert not list(tmp_path.glob(".krm*"))
