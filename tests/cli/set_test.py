"""`set`: which files, what is written, and what is left alone."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from random import Random

import pytest
from harness import Program, Ran, signals
from terminal import in_terminal

POD = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
DONE = POD.replace("nginx", "nginx:2")
OTHER = "kind: Pod\nspec: {containers: [{name: a, image: redis}]}\n"
CONFIG = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: nginx:2}\n"
MIXED = f"apiVersion: v1\n{POD}---\nx: nginx\n"  # a resource, and what is none
TEMPLATE = "kind: Pod\nspec: {{ .Values.spec }\n"
NGINX = ("--image", "nginx=nginx:2")
SAID = "krm-image-setter: "


def when(path: Path) -> tuple[int, int, int, int]:
    """Return what tells whether a file was written or replaced."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def read(program: Program, name: str) -> str:
    return (program.folder / name).read_bytes().decode()


def put(program: Program, files: dict[str, str]) -> None:
    for name, text in files.items():
        program.write(name, text)


def leftovers(program: Program) -> list[str]:
    return [str(path) for path in program.folder.rglob(".krm-image-setter-*")]


# Printing


def test_one_file_is_printed_as_it_is(program: Program) -> None:
    program.write("a.yaml", "\ufeff# x\r\n" + POD.replace("\n", "\r\n").rstrip())
    ran = program("set", "a.yaml", *NGINX)
    assert ran.stdout.decode() == "\ufeff# x\r\n" + DONE.replace("\n", "\r\n").rstrip()
    assert ran == (0, ran.stdout, f"{SAID}1 file, 1 resource: 1 image set in 1 file\n")


JOINED = [
    pytest.param([DONE, OTHER], DONE + "---\n" + OTHER, id="plain"),
    pytest.param(["---\n" + DONE, "---\n" + OTHER], "---\n" + DONE + "---\n" + OTHER, id="marked"),
    pytest.param([DONE.rstrip(), OTHER], DONE + "---\n" + OTHER, id="no newline at the end"),
    pytest.param([DONE, "\ufeff" + OTHER], DONE + "---\n" + OTHER, id="BOM"),
    pytest.param([DONE, "%YAML 1.2\n---\n" + OTHER], DONE + "...\n%YAML 1.2\n---\n" + OTHER, id="directive"),
]


@pytest.mark.parametrize(("texts", "expected"), JOINED)
def test_several_files_are_one_stream(program: Program, texts: list[str], expected: str) -> None:
    put(program, {f"{number}.yaml": text.replace("nginx:2", "nginx") for number, text in enumerate(texts)})
    assert program("set", ".", *NGINX, "-q") == (0, expected.encode(), "")
    assert program(*NGINX, stdin=expected) == (0, expected.encode(), "")


def test_standard_input(program: Program) -> None:
    program.write("a.yaml", OTHER)
    ran = program("set", "-", "a.yaml", *NGINX, "--quiet", stdin=POD)
    assert ran == (0, (DONE + "---\n" + OTHER).encode(), "")


def test_files_without_resources_are_no_part_of_the_stream(program: Program) -> None:
    put(program, {"a.yaml": POD, "values.yaml": "image: nginx\nlist: [kind]\n", "package.json": '{"name": "x"}'})
    assert program("set", ".", *NGINX) == (
        0,
        DONE.encode(),
        f"{SAID}3 files, 1 resource: 1 image set in 1 file\n",
    )


# In place


def test_in_place_keeps_everything_else(program: Program) -> None:
    put(program, {"a.yaml": "\ufeff" + POD.replace("\n", "\r\n"), "b/c.yml": OTHER})
    os.chmod(program.folder / "a.yaml", 0o640)
    if os.geteuid() == 0:
        os.chown(program.folder / "a.yaml", 1234, 1235)
    before = (program.folder / "a.yaml").stat()
    other = when(program.folder / "b/c.yml")
    assert program("set", ".", *NGINX, "--in-place") == (
        0,
        b"",
        f"{SAID}2 files, 2 resources: 1 image set in 1 file\n",
    )
    assert read(program, "a.yaml") == "\ufeff" + DONE.replace("\n", "\r\n")
    after = (program.folder / "a.yaml").stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert when(program.folder / "b/c.yml") == other
    assert leftovers(program) == []


def test_in_place_keeps_attributes(program: Program) -> None:
    program.write("a.yaml", POD)
    try:
        os.setxattr(program.folder / "a.yaml", "user.note", b"x")
    except OSError as error:
        pytest.skip(f"no extended attributes on this file system: {error.strerror}")
    assert program("set", "a.yaml", *NGINX, "--in-place").status == 0
    assert os.getxattr(program.folder / "a.yaml", "user.note") == b"x"


def test_in_place_twice_changes_nothing(program: Program) -> None:
    program.write("a.yaml", POD)
    program("set", "a.yaml", *NGINX, "--in-place")
    before = when(program.folder / "a.yaml")
    assert program("set", "a.yaml", *NGINX, "--in-place").stderr.endswith("0 images set in 0 files\n")
    assert when(program.folder / "a.yaml") == before


def test_a_link_stays_and_its_file_is_changed_once(program: Program) -> None:
    program.write("real/a.yaml", POD)
    (program.folder / "link.yaml").symlink_to("real/a.yaml")
    ran = program("set", "link.yaml", "real", *NGINX, "--in-place")
    assert (ran.status, ran.stderr) == (0, f"{SAID}1 file, 1 resource: 1 image set in 1 file\n")
    assert (program.folder / "link.yaml").is_symlink()
    assert read(program, "real/a.yaml") == DONE


def test_standard_input_is_not_changed_in_place(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml", "-", *NGINX, "--in-place", stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert (
        ran.stderr
        == f"{SAID}error: standard input can't be changed in place: give files, or leave out --in-place\n"
    )
    assert read(program, "a.yaml") == POD


def test_an_error_leaves_all_as_they_were(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": MIXED, "c.yaml": POD})
    ran = program("set", ".", *NGINX, "--in-place")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == (
        f"{SAID}error: ./b.yaml:5: not a Kubernetes resource: `kind` is missing; pass only manifests\n"
    )
    assert [read(program, name) for name in ("a.yaml", "c.yaml")] == [POD, POD]


@pytest.mark.parametrize("ending", [["--in-place"], ["--diff"], ["--check"], []])
def test_keep_going_says_which_were_not(program: Program, ending: list[str]) -> None:
    put(program, {"a.yaml": POD, "b.yaml": MIXED, "c.yaml": POD})
    ran = program("set", "a.yaml", "b.yaml", "c.yaml", *NGINX, "--keep-going", *ending)
    assert ran.status == 2
    assert ran.stderr.startswith(f"{SAID}error: b.yaml:5: not a Kubernetes resource")
    assert "in 2 files" in ran.stderr
    expected = [DONE, DONE] if ending == ["--in-place"] else [POD, POD]
    assert [read(program, name) for name in ("a.yaml", "c.yaml")] == expected


def test_unused_is_error(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": OTHER})
    ran = program("set", ".", *NGINX, "--image", "reddis=x", "--on-unused", "error", "--in-place", "--keep-going")
    assert ran == (2, b"", f'{SAID}error: the image "reddis" is nowhere to set: did you mean "redis"?\n')
    assert read(program, "a.yaml") == POD


# Diff and check


def test_diff(program: Program) -> None:
    text = "# one\n" * 4 + POD + "# two\n" * 7 + "---\n" + POD + "# end"
    put(program, {"a.yaml": text, "b.yaml": OTHER})
    ran = program("set", ".", *NGINX, "--diff")
    assert ran.status == 1
    assert ran.stderr == f"{SAID}2 files, 3 resources: 2 images to set in 1 file\n"
    assert ran.stdout.decode() == (
        "--- ./a.yaml\n+++ ./a.yaml\n"
        "@@ -3,7 +3,7 @@\n # one\n # one\n kind: Pod\n"
        f"-{POD.splitlines()[1]}\n+{DONE.splitlines()[1]}\n # two\n # two\n # two\n"
        "@@ -13,5 +13,5 @@\n # two\n ---\n kind: Pod\n"
        f"-{POD.splitlines()[1]}\n+{DONE.splitlines()[1]}\n # end\n\\ No newline at end of file\n"
    )
    assert read(program, "a.yaml") == text


def test_check(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": OTHER})
    assert program("set", ".", *NGINX, "--check", "-q") == (1, b"./a.yaml\n", "")
    assert program("set", "b.yaml", *NGINX, "--check", "-q", "--on-unused", "ignore") == (0, b"", "")
    assert program("set", "b.yaml", *NGINX, "--diff", "-q", "--on-unused", "ignore") == (0, b"", "")


@pytest.mark.parametrize("both", [("--in-place", "--diff"), ("--diff", "--check"), ("--in-place", "--check")])
def test_endings_exclude_each_other(program: Program, both: tuple[str, str]) -> None:
    program.write("a.yaml", POD)
    assert program("set", "a.yaml", *NGINX, *both) == (
        2,
        b"",
        f"{SAID}error: {both[0]} and {both[1]} exclude each other: give one of them\n",
    )
    assert read(program, "a.yaml") == POD


def test_diff_is_coloured_on_a_terminal_only(program: Program) -> None:
    program.write("a.yaml", POD)
    arguments = ("-m", "krm_image_setter", "set", "a.yaml", *NGINX, "--diff")
    red = "\x1b[31m-spec"
    assert red in in_terminal(program.folder, *arguments)[1]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        status, screen = in_terminal(program.folder, *arguments, env=env)
        assert (status, "\x1b" in screen, "\r\n-spec" in screen) == (1, False, True)
    assert b"\x1b" not in program("set", "a.yaml", *NGINX, "--diff").stdout


# Which files


def test_what_is_found_in_a_folder(program: Program) -> None:
    files = {
        "a.yaml": POD, "b.yml": POD, "c.json": '{"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}}',
        "d.txt": POD, ".hidden.yaml": POD, ".git/x.yaml": POD, "sub/deep/e.yaml": POD, "sub/.f/g.yaml": POD,
        "out/h.yaml": POD, "sub/secret.yaml": POD, "sub/deep/i.yaml": POD, "sub/deep/j.yaml": POD, "k/l.yaml": POD,
        ".gitignore": "/out/\n*secret*\n# no\n\nj.yaml\n", "sub/.gitignore": "i.yaml\n", "sub/deep/.krmignore": "!j.yaml\n",
        "k/.krmignore": "*\n",
    }  # fmt: skip
    put(program, files)
    expected = [b"./a.yaml", b"./b.yml", b"./c.json", b"./sub/deep/e.yaml", b"./sub/deep/j.yaml"]
    assert program("set", ".", *NGINX, "--check").stdout.splitlines() == expected
    # What is named counts, whatever an ignore file says; and those above the folder count up to the repository's.
    ran = program("set", "sub", "sub/secret.yaml", "out/h.yaml", *NGINX, "--check", "-q")
    assert sorted(ran.stdout.splitlines()) == [
        b"out/h.yaml", b"sub/deep/e.yaml", b"sub/deep/j.yaml", b"sub/secret.yaml"
    ]  # fmt: skip


def test_ignore_files_outside_of_a_repository_do_not_count(program: Program) -> None:
    put(program, {".gitignore": "*\n", "sub/a.yaml": POD})
    assert program("set", "sub", *NGINX, "--check", "-q").stdout == b"sub/a.yaml\n"


def test_links_in_a_folder(program: Program) -> None:
    put(program, {"outside.yaml": POD, "in/real.yaml": OTHER, "else/a.yaml": POD})
    (program.folder / "in/out.yaml").symlink_to("../outside.yaml")
    (program.folder / "in/same.yaml").symlink_to("real.yaml")
    (program.folder / "in/broken.yaml").symlink_to("nowhere.yaml")
    (program.folder / "in/folder").symlink_to("../else")
    ran = program("set", "in", "--image", "redis=redis:2", "--in-place")
    assert (ran.status, ran.stderr) == (
        0,
        f"{SAID}warning: in/out.yaml: this link leads out of in, it is skipped: name it to have it read\n"
        f"{SAID}1 file, 1 resource: 1 image set in 1 file\n",
    )
    assert read(program, "outside.yaml") == POD


def test_what_is_not_yaml(program: Program) -> None:
    put(program, {"chart/templates/a.yaml": TEMPLATE, "chart/b.yaml": POD})
    (program.folder / "chart/c.yaml").write_bytes(POD.encode("utf-16"))
    ran = program("set", "chart", *NGINX, "--in-place")
    assert ran.status == 0
    assert (
        ran.stderr.splitlines()[:2]
        == [
            f"{SAID}warning: chart/c.yaml:1: not valid UTF-8 (byte 0xFF at offset 0); convert the input to UTF-8, it is skipped",
            f"{SAID}warning: chart/templates/a.yaml:2:8: invalid YAML: expected ',' or '}}', but got '<stream end>' "
            "(while parsing a flow mapping), it is skipped",
        ]
        or "chart/templates/a.yaml:" in ran.stderr
    )
    assert read(program, "chart/b.yaml") == DONE
    ran = program("set", "chart/templates/a.yaml", "chart/b.yaml", *NGINX)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(f"{SAID}error: chart/templates/a.yaml:")


BAD_PATHS = [
    pytest.param(["nowhere"], "error: nowhere: there is no such file or folder: check the path", id="missing"),
    pytest.param(["empty"], "warning: empty: no .yaml, .yml, .json files are here", id="empty folder"),
    pytest.param(["values.yaml"], "error: values.yaml:1: not a Kubernetes resource", id="no resource"),
    pytest.param(["bad"], "error: bad/.gitignore: a pattern in it can't be read", id="ignore file"),
]


@pytest.mark.parametrize(("paths", "said"), BAD_PATHS)
def test_bad_paths(program: Program, paths: list[str], said: str) -> None:
    (program.folder / "empty").mkdir()
    put(program, {"values.yaml": "a: 1\n", "bad/.gitignore": "!\n", "bad/a.yaml": POD})
    assert program("set", *paths, *NGINX).stderr.startswith(SAID + said)


def test_files_are_named_as_they_are_spelt(program: Program) -> None:
    name = b"caf\xe9\x1b[31m.yaml"
    with open(os.path.join(os.fsencode(program.folder), name), "w") as file:
        file.write(POD + "---\nkind: A\nspec: {image: []}\n")
    ran = program("set", ".", *NGINX, "--kind", "A=.spec.image", "--check")
    assert ran.stdout == b"./" + name + b"\n"
    assert "\x1b" not in ran.stderr


# Where the configuration comes from


def test_configuration_among_the_files(program: Program) -> None:
    put(program, {"a.yaml": POD, "sub/functions.yaml": CONFIG})
    assert program("set", ".", "--in-place").status == 0
    assert read(program, "a.yaml") == DONE
    assert read(program, "sub/functions.yaml") == CONFIG


def test_functions_yaml_is_the_last_resort(program: Program) -> None:
    put(program, {"deploy/a.yaml": POD, "functions.yaml": CONFIG})
    ran = program("set", "deploy", "-q")
    assert ran == (0, DONE.encode(), f"{SAID}using configuration from ./functions.yaml\n")


def test_no_configuration(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(
        f"{SAID}error: no image to set; pass `--image NAME=REFERENCE` or `--images-from FILE`, or a configuration"
    )


def test_a_configuration_that_is_wrong_is_named(program: Program) -> None:
    put(program, {"a.yaml": POD, "f.yaml": CONFIG.replace("images", "imges")})
    ran = program("set", ".")
    assert (ran.status, ran.stderr) == (
        2, f'{SAID}error: ./f.yaml:3: imges: unknown field "imges": did you mean "images"?\n'
    )  # fmt: skip
    program.write("f.yaml", CONFIG + "x: [\n")
    assert program("set", ".").stderr.startswith(f"{SAID}error: ./f.yaml:5:1: ")


def test_images_from_standard_input(program: Program) -> None:
    program.write("a.yaml", POD)
    built = '{"builds": [{"imageName": "nginx", "tag": "nginx:2"}]}'
    assert program("set", "a.yaml", "--images-from", "-", "-q", stdin=built) == (0, DONE.encode(), "")
    ran = program("set", "-", "--images-from", "-", stdin=built)
    assert (ran.status, ran.stderr) == (
        2, f"{SAID}error: standard input is for the manifests: give a file instead of -\n"
    )  # fmt: skip


def test_a_reference_from_another_file(program: Program) -> None:
    config = (
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
        "images: [{name: nginx, from: {kind: Job, name: seed, path: .spec.image}}]\n"
    )
    put(
        program,
        {
            "a.yaml": POD,
            "f.yaml": config,
            "z/job.yaml": "kind: Job\nmetadata: {name: seed}\nspec: {image: 'nginx:2'}\n",
        },
    )
    put(program, {"template.yaml": TEMPLATE})
    assert program("set", ".", "--in-place").status == 0
    assert read(program, "a.yaml") == DONE


def test_warnings_name_file_and_line(program: Program) -> None:
    put(
        program,
        {
            "a.yaml": POD + "---\nkind: A\nmetadata: {name: x}\nspec: {image: []}\n",
            "b.yaml": "kind: B\nspec: {}\n",
        },
    )
    ran = program(
        "set", ".", *NGINX, "--kind", "A=.spec.image", "--kind", "B=.spec.image", "--image", "ngnix=x", "--check"
    )
    assert ran.stderr.splitlines() == [
        f"{SAID}warning: ./a.yaml:6: A/x: spec.image: the path .spec.image leads to a list, not to a string: left as it is",
        f'{SAID}warning: the path .spec.image of kinds "B" leads nowhere in the one resource there: check the path',
        f'{SAID}warning: the image "ngnix" is nowhere to set: did you mean "nginx"?',
        f"{SAID}2 files, 3 resources: 1 image to set in 1 file, 2 entries unused",
    ]


# Many files, and faults


@pytest.fixture
def many(program: Program) -> Program:
    """Return the program in a folder with so many files that they are read by several processes."""
    put(program, {f"m/{number:03}.yaml": POD if number % 2 else OTHER for number in range(500)})
    return program


def test_many_files(many: Program) -> None:
    ran = many("set", "m", *NGINX, "--image", "redis=redis:3", "--in-place")
    assert (ran.status, ran.stderr) == (0, f"{SAID}500 files, 500 resources: 500 images set in 500 files\n")
    texts = [read(many, f"m/{number:03}.yaml") for number in range(500)]
    assert texts == [OTHER.replace("redis", "redis:3"), DONE] * 250


def test_an_error_among_many(many: Program) -> None:
    put(many, {"m/333.yaml": MIXED})
    ran = many("set", "m", *NGINX, "--in-place")
    assert (ran.status, ran.stderr) == (
        2, f"{SAID}error: m/333.yaml:5: not a Kubernetes resource: `kind` is missing; pass only manifests\n"
    )  # fmt: skip
    assert read(many, "m/001.yaml") == POD


def start(program: Program, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "krm_image_setter", *arguments],
        cwd=program.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=signals,  # noqa: PLW1509  (no threads here)
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ended_at_any_moment_no_file_is_half_written(many: Program, number: signal.Signals) -> None:
    random = Random(number)
    statuses = set()
    for _ in range(6):
        put(many, {f"m/{n:03}.yaml": POD for n in range(500)})
        process = start(many, "set", "m", *NGINX, "--in-place")
        time.sleep(random.uniform(0.1, 0.5))
        process.send_signal(number)
        process.communicate(timeout=60)
        statuses.add(process.returncode)
        assert {read(many, f"m/{n:03}.yaml") for n in range(500)} <= {POD, DONE}
        if number != signal.SIGKILL:
            assert leftovers(many) == []
    assert statuses <= {0, 1, -number, 128 + number}  # 1: Python itself, while it starts


def test_interrupted_while_waiting_is_quiet(program: Program) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "krm_image_setter", "set", "-", *NGINX],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=signals,  # noqa: PLW1509  (no threads here)
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, b"", b"")


def test_a_closed_pipe_is_quiet(many: Program) -> None:
    command = f"{sys.executable} -m krm_image_setter set m --image nginx=nginx:2 -q | head -c 5"
    ran = subprocess.run(command, shell=True, capture_output=True, cwd=many.folder, timeout=60, check=True)
    assert (ran.stdout, ran.stderr) == (b"kind:", b"")


def test_no_room(program: Program) -> None:
    """A limit on the size of files stands for a full disk: the second file can't be written."""
    put(program, {"a.yaml": POD, "b.yaml": POD + "#" * 5000})
    ran = subprocess.run(
        [sys.executable, "-m", "krm_image_setter", "set", ".", *NGINX, "--in-place"],
        cwd=program.folder,
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4000, 4000)),
        env={**os.environ, "COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""},
    )
    assert ran.returncode == 2
    assert ran.stderr == f"{SAID}error: ./b.yaml: it can't be written: File too large\n".encode()
    assert read(program, "a.yaml") == POD
    assert leftovers(program) == []


def test_special_files(program: Program) -> None:
    os.mkfifo(program.folder / "fifo.yaml")
    program.write("a.yaml", POD)
    assert program("set", ".", *NGINX, "--check").stdout == b"./a.yaml\n"  # it is not waited for
    command = f"{sys.executable} -m krm_image_setter set <(cat a.yaml) --image nginx=nginx:2 -q"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, cwd=program.folder, timeout=60, check=True)
    assert ran.stdout.decode() == DONE
    ran = subprocess.run(
        ["bash", "-c", command + " --in-place"], capture_output=True, cwd=program.folder, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert b"this is no regular file: it can't be changed in place" in ran.stderr


def test_a_patch_program_makes_the_same_of_the_diff(program: Program) -> None:
    patch = shutil.which("patch")
    if patch is None:
        pytest.skip("no patch on this machine")
    put(program, {"a.yaml": "# x\r\n" + POD.replace("\n", "\r\n") + "---\n" + POD.rstrip(), "b.yaml": POD * 1})
    diff: Ran = program("set", ".", *NGINX, "--diff")
    expected = {name: program("set", name, *NGINX).stdout for name in ("a.yaml", "b.yaml")}
    subprocess.run(
        [patch, "-p0", "--binary"], input=diff.stdout, cwd=program.folder, check=True, capture_output=True
    )
    assert {name: Path(program.folder / name).read_bytes() for name in expected} == expected
