"""The files that git tracks, compared with the output of `git ls-files`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from krm_image_setter.cli.git_index import tracked_paths

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
FILES = ("a.yaml", "deploy/a.yaml", "deploy/base/web.yaml", "deploy/basic.yaml", "x" * 200 + "/ü b.yaml", "z")


def git(folder: Path, *arguments: str) -> str:
    command = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout.decode()


def repository(folder: Path, *options: str) -> Path:
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", *options)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    git(folder, "add", ".")
    return folder


def expected(root: Path) -> frozenset[str]:
    paths = [PurePosixPath(path) for path in git(root, "ls-files", "-z").split("\0") if path]
    assert paths
    return frozenset(str(each) for path in paths for each in (path, *path.parents)) - {"."}


@pytest.mark.parametrize("version", [2, 3, 4])
def test_index_of_each_version_contains_the_tracked_files(tmp_path: Path, version: int) -> None:
    root = repository(tmp_path)
    git(root, "update-index", "--index-version", str(version))
    if version == 3:  # git writes version 3 only if an entry needs it
        (root / "new.yaml").touch()
        git(root, "add", "--intent-to-add", "new.yaml")
    assert (root / ".git/index").read_bytes()[7] == version
    assert tracked_paths(str(root)) == expected(root)


def test_names_of_objects_with_sha256_are_read(tmp_path: Path) -> None:
    root = repository(tmp_path, "--object-format=sha256")
    assert tracked_paths(str(root)) == expected(root)


def test_worktree_has_its_own_index(tmp_path: Path) -> None:
    root = repository(tmp_path / "main")
    git(root, "commit", "--quiet", "-m", "a")
    git(root, "worktree", "add", "--quiet", "../other")
    other = tmp_path / "other"
    (other / "new.yaml").touch()
    git(other, "add", ".")
    assert tracked_paths(str(other)) == expected(other) == {*expected(root), "new.yaml"}


def test_submodule_has_its_own_index(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner")
    git(inner, "commit", "--quiet", "-m", "a")
    root = repository(tmp_path / "outer")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(inner), "deploy/inner")
    assert (root / "deploy/inner/.git").is_file()
    assert tracked_paths(str(root / "deploy/inner")) == expected(inner)
    assert tracked_paths(str(root)) == expected(root)


INVALID = [
    pytest.param(b"", id="empty file"),
    pytest.param(b"DIRC\0\0\0\2\0\0\0\1", id="truncated header"),
    pytest.param(b"DIRC\0\0\0\2\0\0\0\1" + b"\0" * 62 + b"a.yaml", id="path without an end"),
    pytest.param(b"DIRC\0\0\0\4\0\0\0\1" + b"\0" * 62 + b"\xff", id="number without an end"),
    pytest.param(b"DIRC\0\0\0\5" + b"\0" * 200, id="unknown version"),
    pytest.param(b"TREE\0\0\0\2" + b"\0" * 200, id="other file"),
]


@pytest.mark.parametrize("data", INVALID)
def test_invalid_index_contains_no_files(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/index").write_bytes(data)
    assert tracked_paths(str(tmp_path)) == frozenset()


def test_index_that_cannot_be_read_contains_no_files(tmp_path: Path) -> None:
    assert tracked_paths(str(tmp_path)) == frozenset()
    (tmp_path / ".git").write_text("gitdir: missing\n")
    assert tracked_paths(str(tmp_path)) == frozenset()
    (tmp_path / "missing").mkdir()
    os.mkfifo(tmp_path / "missing/index")
    assert tracked_paths(str(tmp_path)) == frozenset()
