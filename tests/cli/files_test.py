"""The files in directories: ignore files, symbolic links, and files that are not YAML."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import Program

from krm_image_setter.cli import files
from krm_image_setter.cli.files import find_files

POD = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
DONE = POD.replace("nginx", "nginx:2")
OTHER = "kind: Pod\nspec: {containers: [{name: a, image: redis}]}\n"
TEMPLATE = "kind: Pod\nspec: {{ .Values.spec }\n"
NGINX = ("--image", "nginx=nginx:2")
PREFIX = "krm-image-setter: "


def read(program: Program, name: str) -> str:
    return (program.folder / name).read_bytes().decode()


def put(program: Program, files: dict[str, str]) -> None:
    for name, text in files.items():
        program.write(name, text)


def names(folder: Path, path: str) -> list[str]:
    return [os.path.relpath(file.path, folder) for file in find_files([str(folder / path)])]


def test_directory_gives_yaml_and_json_files_that_are_not_ignored(program: Program) -> None:
    files = {
        "a.yaml": POD, "b.yml": POD, "c.json": '{"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}}',
        "d.txt": POD, ".hidden.yaml": POD, ".git/x.yaml": POD, "sub/deep/e.yaml": POD, "sub/.f/g.yaml": POD,
        "out/h.yaml": POD, "sub/secret.yaml": POD, "sub/deep/i.yaml": POD, "sub/deep/j.yaml": POD, "k/l.yaml": POD,
        ".gitignore": "/out/\n*secret*\n# no\n\nj.yaml\n", "sub/.gitignore": "i.yaml\n",
        "sub/deep/.krmignore": "!j.yaml\n", "k/.krmignore": "*\n",
    }  # fmt: skip
    put(program, files)
    expected = [b"./a.yaml", b"./b.yml", b"./c.json", b"./sub/deep/e.yaml", b"./sub/deep/j.yaml"]
    assert program("set", ".", *NGINX, "--check").stdout.splitlines() == expected
    # Ignore files do not apply to named files. Those in parent directories of the same repository apply.
    ran = program("set", "sub", "sub/secret.yaml", "out/h.yaml", *NGINX, "--check", "-q")
    assert sorted(ran.stdout.splitlines()) == [
        b"out/h.yaml", b"sub/deep/e.yaml", b"sub/deep/j.yaml", b"sub/secret.yaml"
    ]  # fmt: skip


def test_ignore_file_outside_a_repository_is_not_read(program: Program) -> None:
    put(program, {".gitignore": "*\n", "sub/a.yaml": POD})
    assert program("set", "sub", *NGINX, "--check", "-q").stdout == b"sub/a.yaml\n"


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_ignored_file_is_found_if_git_tracks_it(tmp_path: Path) -> None:
    tracked = ["a.yaml", "out/b.yaml", "out/deep/c.yaml", "out/no.yaml", "no.yaml"]
    ignored = ["e.yaml", "out/new.yaml", "out/other/f.yaml", "cache/g.yaml"]
    put(Program(tmp_path), dict.fromkeys(tracked, POD))
    put(Program(tmp_path), {".gitignore": "out/\ncache/\n*.yaml\n", ".krmignore": "no.yaml\n"})
    for command in (["init", "--quiet"], ["add", "--force", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    put(Program(tmp_path), dict.fromkeys(ignored, POD))
    assert names(tmp_path, ".") == ["a.yaml", "out/b.yaml", "out/deep/c.yaml"]


NAMED = [
    pytest.param("build", "build\n", ["build/a.yaml", "build/sub/b.yaml"], id="excluded directory"),
    pytest.param("build/sub", "/build/\n", ["build/sub/b.yaml"], id="directory in an excluded directory"),
    pytest.param("build", "build\nb.yaml\n", ["build/a.yaml"], id="pattern for a file"),
    pytest.param("build", "/build/\n/build/sub/\n", ["build/a.yaml"], id="pattern for a directory in it"),
    pytest.param("build", "build/*\n", [], id="pattern for the contents only"),
    pytest.param("build", "*\n", ["build/a.yaml", "build/sub/b.yaml"], id="pattern for all files"),
    pytest.param("build", "b*\n!build\n", ["build/a.yaml"], id="directory that is not excluded in the end"),
    pytest.param(".", "build\n", ["c.yaml"], id="directory that is not named"),
]


@pytest.mark.parametrize("ignore_file", [".gitignore", ".krmignore"])
@pytest.mark.parametrize(("path", "patterns", "expected"), NAMED)
def test_named_directory_overrides_the_patterns_that_match_it(
    tmp_path: Path, path: str, patterns: str, expected: list[str], ignore_file: str
) -> None:
    put(Program(tmp_path), {".git/HEAD": "", ignore_file: patterns})
    put(Program(tmp_path), dict.fromkeys(["build/a.yaml", "build/sub/b.yaml", "c.yaml"], POD))
    assert names(tmp_path, path) == expected


def test_ignore_file_in_a_named_directory_counts(tmp_path: Path) -> None:
    put(Program(tmp_path), {".git/HEAD": "", ".gitignore": "build\n", "build/.gitignore": "a.yaml\n"})
    put(Program(tmp_path), dict.fromkeys(["build/a.yaml", "build/b.yaml"], POD))
    assert names(tmp_path, "build") == ["build/b.yaml"]


def test_link_to_a_file_outside_the_directory_is_skipped(program: Program) -> None:
    put(program, {"outside.yaml": POD, "in/real.yaml": OTHER, "else/a.yaml": POD})
    (program.folder / "in/out.yaml").symlink_to("../outside.yaml")
    (program.folder / "in/same.yaml").symlink_to("real.yaml")
    (program.folder / "in/broken.yaml").symlink_to("nowhere.yaml")
    (program.folder / "in/folder").symlink_to("../else")
    ran = program("set", "in", "--image", "redis=redis:2", "--in-place")
    assert (ran.status, ran.stderr) == (
        0,
        f"{PREFIX}warning: in/out.yaml: skipped: symbolic link to a file outside in; "
        "name it on the command line to include it\n"
        f"{PREFIX}set 1 image in 1 file (1 file, 1 resource read)\n",
    )
    assert read(program, "outside.yaml") == POD


def test_file_that_is_not_yaml_is_skipped_in_a_directory(program: Program) -> None:
    put(program, {"chart/templates/a.yaml": TEMPLATE, "chart/b.yaml": POD})
    (program.folder / "chart/c.yaml").write_bytes(POD.encode("utf-16"))
    ran = program("set", "chart", *NGINX, "--in-place")
    assert ran.status == 0
    assert ran.stderr.splitlines()[:2] == [
        f"{PREFIX}warning: chart/c.yaml:1: skipped: not valid UTF-8 (byte 0xFF at offset 0); "
        "convert the input to UTF-8",
        f"{PREFIX}warning: chart/templates/a.yaml:2:7: skipped: invalid YAML: "
        "`{{` starts a template action; render the template first",
    ]
    assert read(program, "chart/b.yaml") == DONE
    ran = program("set", "chart/templates/a.yaml", "chart/b.yaml", *NGINX)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(f"{PREFIX}error: chart/templates/a.yaml:")


BAD_PATHS = [
    pytest.param(["nowhere"], "error: nowhere: no such file or directory", id="missing file"),
    pytest.param(["empty"], "warning: empty: no .yaml, .yml or .json files found", id="empty directory"),
    pytest.param(["other.yaml"], "error: other.yaml:1: not a Kubernetes resource", id="file without resources"),
    pytest.param(["bad"], "error: bad/.gitignore: invalid ignore pattern: ", id="invalid ignore file"),
]


@pytest.mark.parametrize(("paths", "message"), BAD_PATHS)
def test_invalid_path_is_reported(program: Program, paths: list[str], message: str) -> None:
    (program.folder / "empty").mkdir()
    put(program, {"other.yaml": "a: 1\n", "bad/.gitignore": "!\n", "bad/a.yaml": POD})
    assert program("set", *paths, *NGINX).stderr.startswith(PREFIX + message)


def test_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (file,) = find_files([str(tmp_path)])
    assert file.read() == b"a: 1\n"
    shutil.rmtree(tmp_path)
    assert file.read() == b"a: 1\n"


def test_next_run_reads_the_file_again(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    find_files([str(tmp_path)])[0].read()
    (tmp_path / "a.yaml").write_text("a: 2\n")
    assert find_files([str(tmp_path)])[0].read() == b"a: 2\n"


def test_files_beyond_the_limit_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST_KEPT", 6)
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("a: 1\n")
    first, second = find_files([str(tmp_path)])
    for file in (first, second):
        file.read()
        Path(file.path).write_text("a: 2\n")
    assert (first.read(), second.read()) == (b"a: 1\n", b"a: 2\n")


def test_worker_does_not_send_the_contents_back(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a" * 10_000)
    (file,) = find_files([str(tmp_path)])
    file.read()
    assert len(pickle.dumps(file)) < 1_000
