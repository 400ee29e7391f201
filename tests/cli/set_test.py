"""The `set` command: output, configuration, many files and faults."""

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
MIXED = f"apiVersion: v1\n{POD}---\nx: nginx\n"  # a resource and another document
TEMPLATE = "kind: Pod\nspec: {{ .Values.spec }\n"
NGINX = ("--image", "nginx=nginx:2")
PREFIX = "krm-image-setter: "
NOT_WRITTEN = "; no file was changed, pass `--in-place` to change the files"


def when(path: Path) -> tuple[int, int, int, int]:
    """Return the inode, times and size of a file, which change when it is written or replaced."""
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

IMAGES = "kind: Pod\nspec: {containers: [%s]}\n"
NOTHING = ("--registry", "r.example=m.io", "--on-unused", "ignore")
INVALID = [
    pytest.param(
        "{image: docker.io/Org/App:1}", '1 value is not an image reference: a.yaml:2 "docker.io/Org/App:1"'
    ),
    pytest.param("{image: 'nginx: 1'}", '1 value is not an image reference: a.yaml:2 "nginx: 1"'),
    pytest.param(
        "{image: quay.io/A}, {image: '<b>'}", '2 values are not image references, such as a.yaml:2 "quay.io/A"'
    ),
]


@pytest.mark.parametrize(("containers", "message"), INVALID)
def test_summary_counts_values_that_are_not_references(program: Program, containers: str, message: str) -> None:
    program.write("a.yaml", IMAGES % containers)
    # The entry matches nothing, so the resource is parsed only because of the value.
    ran = program("set", "a.yaml", *NOTHING, "--check")
    assert ran == (0, b"", f"{PREFIX}would set 0 images in 0 files (1 file, 1 resource read); {message}\n")


@pytest.mark.parametrize("containers", ["{image: ''}", "{image: }", "{name: a}", "{image: ko://example.com/app}"])
def test_summary_does_not_count_empty_fields_and_images_of_ko(program: Program, containers: str) -> None:
    program.write("a.yaml", IMAGES % containers)
    ran = program("set", "a.yaml", *NOTHING, "--check")
    assert ran.stderr == f"{PREFIX}would set 0 images in 0 files (1 file, 1 resource read)\n"


def test_summary_shows_no_value_of_a_secret(program: Program) -> None:
    program.write("a.yaml", "apiVersion: v1\nkind: Secret\nspec: {containers: [{image: quay.io/A}]}\n")
    ran = program("set", "a.yaml", *NOTHING, "--check")
    assert ran.stderr.endswith("; 1 value is not an image reference: a.yaml:3 ***\n")


def test_one_file_is_printed_without_other_changes(program: Program) -> None:
    program.write("a.yaml", "\ufeff# x\r\n" + POD.replace("\n", "\r\n").rstrip())
    ran = program("set", "a.yaml", *NGINX)
    assert ran.stdout.decode() == "\ufeff# x\r\n" + DONE.replace("\n", "\r\n").rstrip()
    assert ran == (0, ran.stdout, f"{PREFIX}would set 1 image in 1 file (1 file, 1 resource read){NOT_WRITTEN}\n")


def test_several_files_are_shown_as_a_diff_on_a_terminal(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": OTHER})
    status, screen = in_terminal(
        program.folder, "-m", "krm_image_setter", "set", ".", *NGINX, env={"NO_COLOR": "1"}
    )
    assert status == 0
    assert "--- a.yaml\r\n+++ a.yaml\r\n" in screen
    assert "containers: [{name: a, image: redis}]" not in screen
    assert NOT_WRITTEN in screen.replace("\r\n", "")
    one = in_terminal(program.folder, "-m", "krm_image_setter", "set", "a.yaml", *NGINX)
    assert one[1].startswith(DONE.replace("\n", "\r\n"))


def test_standard_input_needs_no_hint(program: Program) -> None:
    summary = f"{PREFIX}set 1 image in 1 file (1 file, 1 resource read)\n"
    assert program("set", "-", *NGINX, stdin=POD) == (0, DONE.encode(), summary)


def test_registry_moves_images(program: Program) -> None:
    put(
        program,
        {
            "a.yaml": POD,
            "functions.yaml": CONFIG.replace(
                "images: {nginx: nginx:2}", "registries: [{from: docker.io, to: o.io}]"
            ),
        },
    )
    ran = program("set", "a.yaml", "--registry", "docker.io=m.io/hub", "-q")
    assert ran.stdout == POD.replace("nginx", "m.io/hub/library/nginx").encode()


JOINED = [
    pytest.param([DONE, OTHER], DONE + "---\n" + OTHER, id="documents without markers"),
    pytest.param(["---\n" + DONE, "---\n" + OTHER], "---\n" + DONE + "---\n" + OTHER, id="documents with markers"),
    pytest.param([DONE.rstrip(), OTHER], DONE + "---\n" + OTHER, id="no line feed at the end"),
    pytest.param([DONE, "\ufeff" + OTHER], DONE + "---\n" + OTHER, id="BOM"),
    pytest.param([DONE, "%YAML 1.2\n---\n" + OTHER], DONE + "...\n%YAML 1.2\n---\n" + OTHER, id="directive"),
]


@pytest.mark.parametrize(("texts", "expected"), JOINED)
def test_several_files_are_printed_as_one_stream(program: Program, texts: list[str], expected: str) -> None:
    put(program, {f"{number}.yaml": text.replace("nginx:2", "nginx") for number, text in enumerate(texts)})
    assert program("set", ".", *NGINX, "-q") == (0, expected.encode(), "")
    assert program(*NGINX, stdin=expected) == (0, expected.encode(), "")


def test_standard_input_is_printed_with_files(program: Program) -> None:
    program.write("a.yaml", OTHER)
    ran = program("set", "-", "a.yaml", *NGINX, "--quiet", stdin=POD)
    assert ran == (0, (DONE + "---\n" + OTHER).encode(), "")


def test_files_without_resources_are_not_printed(program: Program) -> None:
    put(program, {"a.yaml": POD, "other.yaml": "image: nginx\nlist: [kind]\n", "package.json": '{"name": "x"}'})
    assert program("set", ".", *NGINX) == (
        0,
        DONE.encode(),
        f"{PREFIX}.: 3 files, 1 resource; 2 files are not Kubernetes resources "
        f"(`krm-image-setter list --unknown` searches them)\n"
        f"{PREFIX}would set 1 image in 1 file (3 files, 1 resource read){NOT_WRITTEN}\n",
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
        f"{PREFIX}set 1 image in 1 file (2 files, 2 resources read)\n",
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
    assert program("set", "a.yaml", *NGINX, "--in-place").stderr.startswith(f"{PREFIX}set 0 images in 0 files (")
    assert when(program.folder / "a.yaml") == before


def test_link_is_kept_and_its_file_is_changed_once(program: Program) -> None:
    program.write("real/a.yaml", POD)
    (program.folder / "link.yaml").symlink_to("real/a.yaml")
    ran = program("set", "link.yaml", "real", *NGINX, "--in-place")
    assert (ran.status, ran.stderr) == (0, f"{PREFIX}set 1 image in 1 file (1 file, 1 resource read)\n")
    assert (program.folder / "link.yaml").is_symlink()
    assert read(program, "real/a.yaml") == DONE


def test_in_place_with_standard_input_is_an_error(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml", "-", *NGINX, "--in-place", stdin=POD)
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == f'{PREFIX}error: `--in-place` cannot be combined with standard input ("-")\n'
    assert read(program, "a.yaml") == POD


def test_error_in_one_file_changes_no_file(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": MIXED, "c.yaml": POD})
    ran = program("set", ".", *NGINX, "--in-place")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr == (
        f"{PREFIX}error: ./b.yaml:5: not a Kubernetes resource: `kind` is missing; pass only manifests\n"
    )
    assert [read(program, name) for name in ("a.yaml", "c.yaml")] == [POD, POD]


@pytest.mark.parametrize("ending", [["--in-place"], ["--diff"], ["--check"], []])
def test_keep_going_reports_skipped_files(program: Program, ending: list[str]) -> None:
    put(program, {"a.yaml": POD, "b.yaml": MIXED, "c.yaml": POD})
    ran = program("set", "a.yaml", "b.yaml", "c.yaml", *NGINX, "--keep-going", *ending)
    assert ran.status == 2
    assert ran.stderr.startswith(f"{PREFIX}error: b.yaml:5: not a Kubernetes resource")
    assert "in 2 files" in ran.stderr
    expected = [DONE, DONE] if ending == ["--in-place"] else [POD, POD]
    assert [read(program, name) for name in ("a.yaml", "c.yaml")] == expected


def test_unused_entry_can_be_an_error(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": OTHER})
    ran = program("set", ".", *NGINX, "--image", "reddis=x", "--on-unused", "error", "--in-place", "--keep-going")
    assert ran == (2, b"", f'{PREFIX}error: no image named "reddis" was found; did you mean "redis"?\n')
    assert read(program, "a.yaml") == POD


# Diff and check


def test_diff_shows_hunks_and_summary(program: Program) -> None:
    text = "# one\n" * 4 + POD + "# two\n" * 7 + "---\n" + POD + "# end"
    put(program, {"a.yaml": text, "b.yaml": OTHER})
    ran = program("set", ".", *NGINX, "--diff")
    assert ran.status == 1
    assert ran.stderr == f"{PREFIX}would set 2 images in 1 file (2 files, 3 resources read)\n"
    assert ran.stdout.decode() == (
        "--- a.yaml\n+++ a.yaml\n"
        "@@ -3,7 +3,7 @@\n # one\n # one\n kind: Pod\n"
        f"-{POD.splitlines()[1]}\n+{DONE.splitlines()[1]}\n # two\n # two\n # two\n"
        "@@ -13,5 +13,5 @@\n # two\n ---\n kind: Pod\n"
        f"-{POD.splitlines()[1]}\n+{DONE.splitlines()[1]}\n # end\n\\ No newline at end of file\n"
    )
    assert read(program, "a.yaml") == text


def test_check_lists_changed_files(program: Program) -> None:
    put(program, {"a.yaml": POD, "b.yaml": OTHER})
    assert program("set", ".", *NGINX, "--check", "-q") == (1, b"./a.yaml\n", "")
    assert program("set", "b.yaml", *NGINX, "--check", "-q", "--on-unused", "ignore") == (0, b"", "")
    assert program("set", "b.yaml", *NGINX, "--diff", "-q", "--on-unused", "ignore") == (0, b"", "")


@pytest.mark.parametrize("both", [("--in-place", "--diff"), ("--diff", "--check"), ("--in-place", "--check")])
def test_two_output_options_are_an_error(program: Program, both: tuple[str, str]) -> None:
    program.write("a.yaml", POD)
    assert program("set", "a.yaml", *NGINX, *both) == (
        2,
        b"",
        f"{PREFIX}error: `{both[0]}` cannot be combined with `{both[1]}`\n",
    )
    assert read(program, "a.yaml") == POD


# Where the configuration comes from


def test_configuration_in_the_files_is_used(program: Program) -> None:
    put(program, {"a.yaml": POD, "sub/functions.yaml": CONFIG})
    assert program("set", ".", "--in-place").status == 0
    assert read(program, "a.yaml") == DONE
    assert read(program, "sub/functions.yaml") == CONFIG


def test_functions_yaml_is_used_without_other_configuration(program: Program) -> None:
    put(program, {"deploy/a.yaml": POD, "functions.yaml": CONFIG})
    ran = program("set", "deploy", "-q")
    assert ran == (0, DONE.encode(), f"{PREFIX}using configuration from ./functions.yaml\n")


def test_missing_configuration_is_an_error(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(
        f"{PREFIX}error: no image to set; pass `--image NAME=REFERENCE` or `--images-from "
        "FILE`, or a configuration"
    )


def test_empty_configuration_is_named(program: Program) -> None:
    put(program, {"a.yaml": POD, "f.yaml": "# nothing\n"})
    ran = program("set", "a.yaml", "--fn-config", "f.yaml")
    assert (ran.status, ran.stderr) == (
        2,
        f"{PREFIX}error: no image to set; add `images: {{NAME: REFERENCE}}` to f.yaml, which is empty, or pass "
        "`--image NAME=REFERENCE` or `--images-from FILE`\n",
    )
    assert program("set", "a.yaml", "--fn-config", "f.yaml", *NGINX).stdout.decode() == DONE


def test_invalid_configuration_is_reported_with_its_file(program: Program) -> None:
    put(program, {"a.yaml": POD, "f.yaml": CONFIG.replace("images", "imges")})
    ran = program("set", ".")
    assert (ran.status, ran.stderr) == (
        2, f'{PREFIX}error: ./f.yaml:3: imges: unknown field "imges"; did you mean "images"?\n'
    )  # fmt: skip
    program.write("f.yaml", CONFIG + "x: [\n")
    assert program("set", ".").stderr.startswith(f"{PREFIX}error: ./f.yaml:5:1: ")


def test_images_from_reads_standard_input(program: Program) -> None:
    program.write("a.yaml", POD)
    built = '{"builds": [{"imageName": "nginx", "tag": "nginx:2"}]}'
    assert program("set", "a.yaml", "--images-from", "-", "-q", stdin=built) == (0, DONE.encode(), "")
    ran = program("set", "-", "--images-from", "-", stdin=built)
    assert (ran.status, ran.stderr) == (
        2, f"{PREFIX}error: `--images-from -` cannot be combined with manifests from standard input; "
        "pass a file\n"
    )  # fmt: skip


def test_from_field_in_another_file_is_found(program: Program) -> None:
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


def test_warnings_have_file_and_line(program: Program) -> None:
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
        f"{PREFIX}warning: ./a.yaml:6: A/x: spec.image: not changed: path .spec.image points "
        "to a list, expected a string",
        f"{PREFIX}warning: path .spec.image matched no field in the selected resource (B): no "
        'field "image" in .spec',
        f'{PREFIX}warning: no image named "ngnix" was found; did you mean "nginx"?',
        f"{PREFIX}would set 1 image in 1 file (2 files, 3 resources read); 2 unused entries",
    ]


# Many files, and faults


@pytest.fixture
def many(program: Program) -> Program:
    """Return the program in a directory with enough files for several processes."""
    put(program, {f"m/{number:03}.yaml": POD if number % 2 else OTHER for number in range(500)})
    return program


def test_many_files_are_all_set(many: Program) -> None:
    ran = many("set", "m", *NGINX, "--image", "redis=redis:3", "--in-place")
    assert (ran.status, ran.stderr) == (
        0,
        f"{PREFIX}set 500 images in 500 files (500 files, 500 resources read)\n",
    )
    texts = [read(many, f"m/{number:03}.yaml") for number in range(500)]
    assert texts == [OTHER.replace("redis", "redis:3"), DONE] * 250


def test_error_in_one_of_many_files_changes_no_file(many: Program) -> None:
    put(many, {"m/333.yaml": MIXED})
    ran = many("set", "m", *NGINX, "--in-place")
    assert (ran.status, ran.stderr) == (
        2, f"{PREFIX}error: m/333.yaml:5: not a Kubernetes resource: `kind` is missing; pass only manifests\n"
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
def test_signal_at_any_time_leaves_no_half_written_file(many: Program, number: signal.Signals) -> None:
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
    assert statuses <= {0, 1, -number, 128 + number}  # 1: Python exits during its start


def test_interrupt_during_input_gives_no_message(program: Program) -> None:
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


def test_closed_pipe_gives_no_error(many: Program) -> None:
    command = f"{sys.executable} -m krm_image_setter set m --image nginx=nginx:2 -q | head -c 5"
    ran = subprocess.run(command, shell=True, capture_output=True, cwd=many.folder, timeout=60, check=True)
    assert (ran.stdout, ran.stderr) == (b"kind:", b"")


def test_full_disk_changes_no_file(program: Program) -> None:
    """A limit on the size of files acts as a full disk for the second file."""
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
    assert (
        ran.stderr
        == f"{PREFIX}error: ./b.yaml: cannot write the file: File too large; nothing was written\n".encode()
    )
    assert read(program, "a.yaml") == POD
    assert leftovers(program) == []


def test_pipes_are_read_but_not_replaced(program: Program) -> None:
    os.mkfifo(program.folder / "fifo.yaml")
    program.write("a.yaml", POD)
    assert program("set", ".", *NGINX, "--check").stdout == b"./a.yaml\n"  # the pipe does not block
    command = f"{sys.executable} -m krm_image_setter set <(cat a.yaml) --image nginx=nginx:2 -q"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, cwd=program.folder, timeout=60, check=True)
    assert ran.stdout.decode() == DONE
    ran = subprocess.run(
        ["bash", "-c", command + " --in-place"], capture_output=True, cwd=program.folder, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert b"cannot change the file in place: it is not a regular file" in ran.stderr


def test_patch_with_the_diff_gives_the_same_files(program: Program) -> None:
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
