"""Faults of disks, permissions, signals, streams and limits: no data is lost, and one message reports the fault.

The faults are real: for example, a small tmpfs is full, and a process is killed.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest
from harness import UNMEASURED, Program, signals, unprivileged

from krm_image_setter.cli import files

POD = "kind: Pod\nspec: {containers: [{name: a, image: nginx}]}\n"
DONE = POD.replace("nginx", "nginx:2")
OTHER = "kind: Service\n"
# These runs wait for pipes. A search for ImageSetters would read the pipes before all other files.
NGINX = ("--image", "nginx=nginx:2", "--no-config")
SAID = "krm-image-setter: "
ME = (sys.executable, "-m", "krm_image_setter")


def start(
    folder: Path, *arguments: str, command: Sequence[str] = ME, **options: object
) -> subprocess.Popen[bytes]:
    given: dict[str, object] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    given |= {"cwd": folder, "env": UNMEASURED} | options
    return subprocess.Popen([*command, *arguments], **given)  # type: ignore[call-overload,no-any-return]


def ended(process: subprocess.Popen[bytes], stdin: bytes | None = None) -> tuple[int, bytes, str]:
    """Wait for a process, and return its exit status, standard output and standard error."""
    out, err = process.communicate(stdin, timeout=120)
    return process.returncode, out or b"", (err or b"").decode()


def put(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".krm-image-setter-*"))


# Standard streams


def closed(*numbers: int) -> None:
    for number in numbers:
        os.close(number)


NO_INPUT = f"{SAID}error: standard input: cannot read file: Bad file descriptor\n"
NO_OUTPUT = f"{SAID}error: standard output: cannot write: Bad file descriptor\n"
SET = f"{SAID}set 1 image in 1 file (1 file, 1 resource read)\n"
#: With this configuration, the program reads each file only to scan it.
SCAN_ONLY = ("--fn-config", "config")
CONFIG = (
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\ncatalog: false\nimages: {nginx: 'nginx:2'}\n"
)
IN_PLACE = ("set", "a.yaml", *NGINX, "--in-place")

CLOSED = [
    pytest.param([0], NGINX, (2, b"", NO_INPUT), id="filter without input"),
    pytest.param([1], NGINX, (2, b"", NO_OUTPUT), id="filter without output"),
    pytest.param([2], NGINX, (0, DONE.encode(), ""), id="filter without error"),
    pytest.param([2], (*NGINX, "--image", "x=y"), (0, DONE.encode(), ""), id="a warning without error"),
    pytest.param([2], ("--image", "x"), (2, b"", ""), id="a mistake without error"),
    pytest.param([0, 1, 2], NGINX, (2, b"", ""), id="filter without any"),
    pytest.param([1], ("set", "a.yaml", *NGINX), (2, b"", NO_OUTPUT), id="set without output"),
    pytest.param([1], ("list", "a.yaml"), (2, b"", NO_OUTPUT), id="list without output"),
    pytest.param([1], IN_PLACE, (0, b"", SET), id="in place without output"),
    pytest.param([2], IN_PLACE, (0, b"", ""), id="in place without error"),
    pytest.param([0, 1, 2], IN_PLACE, (0, b"", ""), id="in place without any"),
]


@pytest.mark.parametrize(("numbers", "arguments", "expected"), CLOSED)
def test_closed_at_start(
    tmp_path: Path, numbers: list[int], arguments: Sequence[str], expected: tuple[int, bytes, str]
) -> None:
    put(tmp_path, a=POD)
    process = start(tmp_path, *arguments, preexec_fn=partial(closed, *numbers))
    assert ended(process, POD.encode()) == expected
    assert (tmp_path / "a.yaml").read_text() == (DONE if arguments == IN_PLACE and expected[0] == 0 else POD)
    assert leftovers(tmp_path) == []


WRITERS = [
    NGINX,
    ("set", "a.yaml", *NGINX),
    ("set", "a.yaml", *NGINX, "--diff"),
    ("set", "a.yaml", *NGINX, "--check"),
    ("list", "a.yaml"),
    ("list", "a.yaml", "-o", "json"),
    ("discover", "a.yaml"),
    ("catalog",),
    ("schema",),
    ("--version",),
    ("list", "--help"),
    ("set", "a.yaml", *NGINX, "-o", "json"),
    ("--image", "nginx=nginx:2", "--no-config", "--"),
]


@pytest.mark.parametrize("arguments", WRITERS, ids=" ".join)
def test_output_to_a_full_disk(tmp_path: Path, arguments: Sequence[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no disk that is always full")
    put(tmp_path, a=POD)
    with Path("/dev/full").open("wb") as full:
        ran = ended(start(tmp_path, *arguments, stdout=full), POD.encode())
    assert ran == (2, b"", f"{SAID}error: standard output: cannot write: No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "status"), [*zip(WRITERS, [2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2], strict=True)], ids=str
)
def test_output_that_nobody_reads(tmp_path: Path, arguments: Sequence[str], status: int) -> None:
    """The reader of the pipe has ended before the write, as with `| head -1`.

    The status is 2 if manifests are lost. Otherwise, it does not depend on the reader.
    """
    put(tmp_path, a=POD)
    reader, writer = os.pipe()
    os.close(reader)
    process = start(tmp_path, *arguments, stdout=writer)
    os.close(writer)
    assert ended(process, POD.encode())[:2] == (status, b"")


@pytest.mark.parametrize("arguments", [(*NGINX, "--image", "x=y"), (*IN_PLACE, "--image", "x=y")], ids=" ".join)
def test_errors_to_a_full_disk(tmp_path: Path, arguments: Sequence[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no disk that is always full")
    put(tmp_path, a=POD)
    with Path("/dev/full").open("wb") as full:
        status, out, _ = ended(start(tmp_path, *arguments, stderr=full), POD.encode())
    done = out.decode() if arguments[0] != "set" else (tmp_path / "a.yaml").read_text()
    assert (status, done) == (0, DONE)


@pytest.mark.parametrize("is_blocking", [True, False])
def test_slow_input(tmp_path: Path, is_blocking: bool) -> None:
    """The input comes one byte at a time, with a pause, while the process is stopped and continued.

    If another process made the pipe non-blocking, the input must not end at the pause.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, is_blocking)
    process = start(tmp_path, *NGINX, stdin=reader)
    os.close(reader)
    for number, byte in enumerate(f"{POD}---\n{POD}".encode()):
        os.write(writer, bytes([byte]))
        time.sleep(0.003)
        if number == 80:
            for one in (signal.SIGSTOP, signal.SIGWINCH, signal.SIGCONT):
                process.send_signal(one)
                time.sleep(0.3)
    os.close(writer)
    assert ended(process) == (0, f"{DONE}---\n{DONE}".encode(), "")


PODS = f"{POD}---\n" * 5000
PODS_DONE = f"{DONE}---\n" * 5000
RESOURCE_LIST = "".join(
    (
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n",
        "  {apiVersion: krm-image-setter.dev/v1alpha1, kind: ImageSetter, images: {nginx: nginx:2}}\nitems:\n",
        *("- kind: Pod\n  spec: {containers: [{name: a, image: nginx}]}\n" for _ in range(200)),
    )
)
LONG_WRITERS = [
    pytest.param(NGINX, PODS, id="filter"),
    pytest.param((), RESOURCE_LIST, id="function"),
    pytest.param(("set", "a.yaml", *NGINX), "", id="set"),
    pytest.param(("set", "a.yaml", *NGINX, "--diff"), "", id="set --diff"),
    pytest.param(("list", "a.yaml"), "", id="list"),
    pytest.param(("list", "a.yaml", "-o", "json"), "", id="list -o json"),
    pytest.param(("discover", "crds.yaml"), "", id="discover"),
    pytest.param(("import", "Tiltfile"), "", id="import"),
    pytest.param(("catalog",), "", id="catalog"),
    pytest.param(("schema",), "", id="schema"),
    pytest.param(("--help",), "", id="help"),
]
UNBUFFERED = [pytest.param("", id="buffered"), pytest.param("1", id="unbuffered")]


def put_for_writers(folder: Path) -> None:
    put(folder, a=PODS, crds="---\n".join(CRD.replace("Widget", f"Widget{number}") for number in range(50)))
    (folder / "Tiltfile").write_text(
        "".join(f"k8s_kind('K{n}', image_json_path='{{.spec.image}}')\n" for n in range(50))
    )


CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget}
  versions:
  - name: v1
    schema: {openAPIV3Schema: {properties: {spec: {properties: {image: {type: string, description: "the container image"}}}}}}
"""


@pytest.mark.parametrize("unbuffered", UNBUFFERED)
@pytest.mark.parametrize(("arguments", "stdin"), LONG_WRITERS)
def test_output_over_the_file_size_limit_is_an_error(
    tmp_path: Path, arguments: Sequence[str], stdin: str, unbuffered: str
) -> None:
    """A write that reaches the limit is incomplete, as on a disk that is nearly full. Only the next write fails."""
    put_for_writers(tmp_path)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000))
    env = {**UNMEASURED, "PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "out").open("wb") as out:
        ran = ended(start(tmp_path, *arguments, stdout=out, env=env, preexec_fn=limit), stdin.encode())
    assert ran == (2, b"", f"{SAID}error: standard output: cannot write: File too large\n")


@pytest.mark.parametrize("unbuffered", UNBUFFERED)
@pytest.mark.parametrize(("arguments", "stdin"), LONG_WRITERS[:5])
def test_output_through_a_slow_pipe_is_complete(
    tmp_path: Path, arguments: Sequence[str], stdin: str, unbuffered: str
) -> None:
    """The pipe is non-blocking at the start and again later, and the process is stopped while it writes."""
    put_for_writers(tmp_path)
    expected = ended(start(tmp_path, *arguments), stdin.encode())
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    env = {**UNMEASURED, "PYTHONUNBUFFERED": unbuffered}
    process = start(tmp_path, *arguments, stdout=writer, env=env)
    assert process.stdin
    process.stdin.write(stdin.encode())
    process.stdin.close()
    process.stdin = None
    out = os.read(reader, 1)
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        os.set_blocking(writer, False)
        out += os.read(reader, 10_000)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    os.close(writer)
    with open(reader, "rb") as pipe:
        out += pipe.read()
    status, _, err = ended(process)
    assert (status, out, err) == expected


def test_input_that_ends_inside_a_character(program: Program) -> None:
    ran = program(*NGINX, stdin=(POD + "x: ü").encode()[:-1])
    assert ran == (
        2,
        b"",
        f"{SAID}error: standard input:3: the input is truncated: it ends in the middle of a UTF-8 character\n",
    )


# Disks and permissions


def in_own_mounts(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with permission to mount. Skip the test if the system does not allow this."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine: nothing can be mounted")
    command = ["unshare", *["--map-root-user"] * (os.geteuid() != 0), "--mount", "sh", "-c"]
    probe = subprocess.run([*command, "mount -t tmpfs none ."], cwd=folder, capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {probe.stderr.decode().strip()}")
    return subprocess.run(
        [*command, script], cwd=folder, capture_output=True, text=True, check=False, timeout=120, env=UNMEASURED
    )


def test_the_disk_is_full_while_files_are_staged(tmp_path: Path) -> None:
    script = f"""
        mount -t tmpfs -o size=64k none . && cd "$PWD" && for name in a b c d e; do cat > $name.yaml <<EOF
{POD}# {"x" * 8000}
EOF
        done
        {" ".join(ME)} set . {" ".join(NGINX)} --in-place OPTION
        echo $?; grep -c 'image: nginx}}' *.yaml; grep -c 'image: nginx:2}}' *.yaml; ls -A | wc -w
    """
    ran = in_own_mounts(tmp_path, script.replace("OPTION", ""))
    error = r": cannot write the file: No space left on device; EFFECT\n"
    assert re.fullmatch(f"{SAID}error: ./[bcde].yaml{error}".replace("EFFECT", "nothing was written"), ran.stderr)
    status, *counts, left = ran.stdout.split()
    assert (status, [count[-1] for count in counts], left) == ("2", ["1"] * 5 + ["0"] * 5, "5")

    ran = in_own_mounts(tmp_path, script.replace("OPTION", "--keep-going"))
    assert re.fullmatch(
        f"({SAID}error: ./[bcde].yaml{error})+{SAID}set . images? in [1234] files? .*\n".replace(
            "EFFECT", "the file was skipped"
        ),
        ran.stderr,
    )
    status, *counts, left = ran.stdout.split()
    old, new = [count[-1] for count in counts[:5]], [count[-1] for count in counts[5:]]
    assert (status, min(zip(old, new, strict=True)), left) == ("2", ("0", "1"), "5")
    assert old.count("1") == ran.stderr.count("cannot write")
    assert all(one != other for one, other in zip(old, new, strict=True))


def test_a_read_only_disk(tmp_path: Path) -> None:
    script = f"""
        mount -t tmpfs none . && cd "$PWD" && printf %s '{POD}' > a.yaml && mount -o remount,bind,ro "$PWD" &&
        {" ".join(ME)} set a.yaml {" ".join(NGINX)} --in-place; echo $?; cat a.yaml; ls -A | wc -w
    """
    ran = in_own_mounts(tmp_path, script)
    assert (
        ran.stderr == f"{SAID}error: a.yaml: cannot write the file: Read-only file system; nothing was written\n"
    )
    assert ran.stdout == f"2\n{POD}1\n"


def test_in_place_in_a_container_replaces_files_of_its_image(tmp_path: Path) -> None:
    """Opening a file for locking copies it to another layer, which changes its status time."""
    script = f"""
        mount -t tmpfs none . && cd "$PWD" && mkdir lower upper work m && printf %s '{POD}' > lower/a.yaml
        mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work m || exit 77
        {" ".join(ME)} set m {" ".join(NGINX)} --in-place; echo $?; cat m/a.yaml lower/a.yaml; ls -A m | wc -w
    """
    ran = in_own_mounts(tmp_path, script)
    if ran.returncode == 77:
        pytest.skip(f"no layers can be mounted here: {ran.stderr.strip()}")
    assert ran.stdout == f"0\n{DONE}{POD}1\n"
    assert ran.stderr == SET


REFUSED = [
    pytest.param("m", 0o500, "m/b.yaml: cannot write the file", id="a folder that may not be written"),
    pytest.param("m/b.yaml", 0o000, "m/b.yaml: cannot read file: Permission denied", id="file"),
    pytest.param("m", 0o000, "m: cannot read file: Permission denied", id="folder"),
    pytest.param("m", 0o600, "m/b.yaml: cannot read file: Permission denied", id="not to be entered"),
]


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize(("name", "mode", "said"), REFUSED)
def test_permission_denied(tmp_path: Path, name: str, mode: int, said: str, keep_going: bool) -> None:
    put(tmp_path, **{"a": POD, "m/b": POD, "z": POD})
    (tmp_path / name).chmod(mode)
    try:
        arguments = ("set", ".", *NGINX, "--in-place", *["--keep-going"] * keep_going)
        status, out, err = ended(start(tmp_path, *arguments, command=(*unprivileged(), *ME)))
    finally:
        (tmp_path / name).chmod(0o700)
    assert (status, out) == (2, b"")
    assert err.startswith(f"{SAID}error: ./{said}")
    assert err.count("\n") == 1 + keep_going
    texts = [(tmp_path / f"{each}.yaml").read_text() for each in ("a", "m/b", "z")]
    assert texts == ([DONE, POD, DONE] if keep_going else [POD, POD, POD])
    assert leftovers(tmp_path) == []


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    """The directory is writable, so the file is replaced as by `sed -i`, although it cannot be locked."""
    put(tmp_path, a=POD)
    (tmp_path / "a.yaml").chmod(0o444)
    assert ended(start(tmp_path, *IN_PLACE, command=(*unprivileged(), *ME))) == (0, b"", SET)
    assert ((tmp_path / "a.yaml").read_text(), (tmp_path / "a.yaml").stat().st_mode & 0o777) == (DONE, 0o444)


def test_list_tells_what_may_not_be_read(tmp_path: Path) -> None:
    put(
        tmp_path,
        **{"a": POD, "m/b": POD, "config": "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"},
    )
    (tmp_path / "m").chmod(0)
    try:
        arguments = ("list", ".", "--fn-config", "config.yaml", "-o", "names")
        ran = ended(start(tmp_path, *arguments, command=(*unprivileged(), *ME)))
    finally:
        (tmp_path / "m").chmod(0o700)
    assert ran == (2, b"nginx\n", f"{SAID}error: ./m: cannot read file: Permission denied\n")


# Changes during the run


@contextmanager
def paused(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program with arguments that contain the pipe `fifo`. During the block, it waits for the pipe."""
    os.mkfifo(folder / "fifo")
    process = start(folder, *arguments, stdin=subprocess.DEVNULL)
    with (folder / "fifo").open("w") as pipe:  # this returns when the program opens the pipe
        yield process
        pipe.write(OTHER)


def replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("x: 1\n")
    other.rename(path)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "written": lambda path: path.write_text(POD + "# by an editor\n"),
    "cut off": lambda path: os.truncate(path, 20),
    "emptied": lambda path: os.truncate(path, 0),
    "replaced": replaced,
    "made a folder": made_a_folder,
    "gone with its folder": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("ending", ["--in-place", "--diff", "-q"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_changed_after_it_was_read(tmp_path: Path, change: str, ending: str) -> None:
    put(tmp_path, **{"a": POD, "m/b": POD, "z": POD})
    (tmp_path / "config").write_text(CONFIG)
    with paused(tmp_path, "set", "a.yaml", "m/b.yaml", "z.yaml", "fifo", *SCAN_ONLY, ending) as process:
        CHANGES[change](tmp_path / "m/b.yaml")
    status, _, err = ended(process)
    assert status == 2
    assert re.fullmatch(f"{SAID}error: m/b.yaml: [^\n]*\n", err)
    if ending == "--in-place" and change != "made a folder":
        cause = "removed" if "removed" in change or "gone" in change else "changed"
        message = f"another program {cause} the file during this run; nothing was written, run the command again"
        assert err.endswith(f"{message}\n")
    assert [(tmp_path / f"{name}.yaml").read_text() for name in ("a", "z")] == [POD, POD]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path, keep_going: bool) -> None:
    put(tmp_path, **{"m/a": POD, "m/b": POD, "m/c": POD})
    arguments = ("set", "fifo", "m", *NGINX, "--in-place", *["--keep-going"] * keep_going)
    with paused(tmp_path, *arguments) as process:
        (tmp_path / "m/b.yaml").unlink()
    status, _, err = ended(process)
    error = f"{SAID}error: m/b.yaml: cannot read file: No such file or directory\n"
    summary = f"{SAID}set 2 images in 2 files (4 files, 3 resources read)\n"
    assert (status, err) == (2, error + summary * keep_going)
    assert (tmp_path / "m/a.yaml").read_text() == (DONE if keep_going else POD)


def test_a_folder_that_vanishes_while_it_is_walked(tmp_path: Path) -> None:
    put(tmp_path, **{"a": POD, "m/b": POD, "n/c": POD})
    walk = files._walk(str(tmp_path), lambda _: (), hidden=False)
    next(walk)
    shutil.rmtree(tmp_path / "m")
    names = {Path(shown).relative_to(tmp_path) for shown, _ in walk}
    assert names == {Path("m"), Path("n/c.yaml")}  # the first cannot be read, and a message reports it


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    # Use -P as an installed program does: no modules come from the directory, which makes even Python 3.13.0 fail.
    script = f'rmdir ../gone; {sys.executable} -P -c "{RUN}" '
    assert ended(start(gone, script + "list .", command=["sh", "-c"])) == (
        2, b"", f"{SAID}error: .: cannot read directory: No such file or directory\n"
    )  # fmt: skip
    gone.mkdir()
    assert ended(start(gone, script + " ".join(NGINX), command=["sh", "-c"]), POD.encode()) == (
        0,
        DONE.encode(),
        "",
    )


RUN = "from krm_image_setter.__main__ import run; run()"


def test_links_that_lead_in_circles_are_as_if_broken(program: Program) -> None:
    put(program.folder, **{"m/a": POD})
    (program.folder / "m/b.yaml").symlink_to("c.yaml")
    (program.folder / "m/c.yaml").symlink_to("b.yaml")
    assert program("list", "m", "-o", "names") == (0, b"nginx\n", "")


# Signals


ALL_SET = f"{SAID}set 500 images in 500 files (500 files, 500 resources read)\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a directory with so many files that a run takes some time and uses several processes."""
    put(tmp_path, **{f"m/{number:04}": POD for number in range(500)})
    return tmp_path


def texts(folder: Path) -> set[str]:
    return {path.read_text() for path in (folder / "m").glob("*.yaml")}


def wait_for_staged(folder: Path) -> None:
    until = time.monotonic() + 60
    while not any(name.startswith(".krm") for name in os.listdir(folder / "m")):
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("second", [None, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_while_files_are_staged(many: Path, first: signal.Signals, second: signal.Signals | None) -> None:
    """A second signal, for example a second Ctrl-C, does not leave more files."""
    process = start(many, "set", "m", *NGINX, "--in-place", preexec_fn=signals)
    wait_for_staged(many)
    process.send_signal(first)
    if second is not None:
        time.sleep(Random(first * 100 + second).uniform(0, 0.002))
        process.send_signal(second)
    status, _, err = ended(process)
    assert (status - 128 in (first, second), err) == (True, "")
    assert texts(many) <= {POD, DONE}
    assert leftovers(many) == []


def test_killed_while_files_are_staged(many: Path) -> None:
    """A remaining temporary file is hidden, and later runs ignore it."""
    process = start(many, "set", "m", *NGINX, "--in-place")
    wait_for_staged(many)
    process.kill()
    ended(process)
    assert texts(many) == {POD}
    assert leftovers(many)
    status, _, err = ended(start(many, "set", "m", *NGINX, "--in-place"))
    assert (status, err) == (0, ALL_SET)
    assert texts(many) == {DONE}


def test_file_locked_while_processes_replace_files(many: Path) -> None:
    """All processes stop, and the message contains the number of files that they have replaced."""
    with (many / "m" / "0250.yaml").open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        _, out, err = ended(start(many, command=(sys.executable, "-c", IN_PROCESSES.format(step="lock"))))
    done = sum(path.read_text() == "new" for path in (many / "m").iterdir())
    effect = f"{done} of 500 files were already written"
    message = f"m/0250.yaml: another program has locked the file; {effect}, run the command again\n"
    assert (out.decode(), err, leftovers(many)) == (message, "", [])
    assert 0 < done < 499


IN_PROCESSES = """
import os, signal
from pathlib import Path
from krm_image_setter.cli import replace, workers
from krm_image_setter.cli.files import content_digest
from krm_image_setter.errors import ImageSetterError

workers._cores = lambda: 2

def kill_worker(*arguments, parent=os.getpid(), replace=os.replace, **keywords):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(*arguments, **keywords) if len(arguments) == 2 else [b"new"]

def file(path):
    rewrite = kill_worker if "{step}" == "rewrite" else lambda _: [b"new"]
    return replace.Rewrite(f"m/{{path.name}}", str(path), content_digest(path.read_bytes()), rewrite)

if "{step}" == "replace":
    os.replace = kill_worker
if "{step}" == "fork":
    forks, fork = [], os.fork
    def few():
        forks.append(1)
        if len(forks) % 2 == 0:
            raise BlockingIOError
        return fork()
    os.fork = few
    workers._cores = lambda: 3
if "{step}" == "lock":  # another program locks a file after the check
    replace._check_staged = lambda _: None
try:
    with replace.Replacement() as replacement:
        assert not any(replacement.stage(list(map(file, sorted(Path("m").resolve().iterdir())))))
        replacement.commit()
except ImageSetterError as error:
    print(error)
"""


@pytest.mark.parametrize("step", ["rewrite", "replace"])
def test_process_killed_while_it_writes(many: Path, step: str) -> None:
    """If this happens while files are replaced, the files that the main process has replaced stay new."""
    needs_cores()
    _, out, err = ended(start(many, command=(sys.executable, "-c", IN_PROCESSES.format(step=step))))
    killed = "a worker process was killed by signal 9 (probably out of memory)"
    done = sum(path.read_text() == "new" for path in (many / "m").iterdir())
    effect = f"{done} of 500 files were already written" if done else "nothing was written"
    message = f"{killed} while it processed 32 files, m/0000.yaml to m/0031.yaml; {effect}\n"
    assert (out.decode(), err) == (message, "")
    assert not (done and step == "rewrite")
    assert texts(many) == ({POD, "new"} if done else {POD})
    assert leftovers(many) == []


def test_no_process_can_be_started_after_the_first(many: Path) -> None:
    """The parent does the work of the missing processes, and the work of the first process is kept."""
    needs_cores()
    _, out, err = ended(start(many, command=(sys.executable, "-c", IN_PROCESSES.format(step="fork"))))
    assert (out, err) == (b"", "")
    assert (texts(many), leftovers(many)) == ({"new"}, [])


def test_runs_with_several_processes_do_not_stop_each_other(many: Path) -> None:
    config = "--no-config", "--in-place"
    runs = [start(many, "set", "m", f"--image=nginx=nginx:{tag}", *config, preexec_fn=all_cores) for tag in "23"]
    results = [ended(run) for run in runs]
    assert 0 in [status for status, _, _ in results]
    assert all(status == 0 or "during this run; nothing was written" in err for status, _, err in results)
    assert (len(texts(many)), leftovers(many)) == (1, [])


def test_hard_links_to_one_file_are_all_replaced(many: Path) -> None:
    """Two processes that lock the same file under two names would refuse it."""
    for path in sorted((many / "m").iterdir())[1:]:
        path.unlink()
        os.link(many / "m" / "0000.yaml", path)
    status, _, err = ended(start(many, "set", "m", *NGINX, "--in-place", preexec_fn=all_cores))
    assert (status, err) == (0, ALL_SET)
    assert texts(many) == {DONE}


def test_nohup_is_heeded(many: Path) -> None:
    process = start(many, "set", "m", *NGINX, "--in-place", preexec_fn=partial(signals, signal.SIGHUP))
    for _ in range(3):
        wait_for_staged(many)
        process.send_signal(signal.SIGHUP)
    assert ended(process)[0] == 0
    assert texts(many) == {DONE}


def test_the_terminal_goes_away(many: Path) -> None:
    screen, terminal = pty.openpty()

    def take_terminal() -> None:
        signals()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = start(
        many, "set", "m", *NGINX, "--in-place",
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=take_terminal,
    )  # fmt: skip
    os.close(terminal)
    wait_for_staged(many)
    os.close(screen)
    assert process.wait(60) == 128 + signal.SIGHUP
    assert texts(many) == {POD}
    assert leftovers(many) == []


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 130)],
)
def test_a_filter_ended_while_it_writes(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """The output is incomplete, and only the exit status reports this, as for any filter."""
    process = start(tmp_path, *NGINX, preexec_fn=signals)
    assert process.stdin
    assert process.stdout
    process.stdin.write((f"{POD}---\n" * 4000).encode())
    process.stdin.close()
    process.stdin = None
    first = os.read(process.stdout.fileno(), 1)  # the pipe cannot contain the rest
    process.send_signal(number)
    ran = ended(process)
    assert (ran[0], ran[2]) == (status, "")
    whole = (f"{DONE}---\n" * 4000).encode()
    assert whole.startswith(first + ran[1])
    assert len(ran[1]) < len(whole) - 1


# Processes, memory, open files, environments


def all_cores() -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def needs_cores() -> None:
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        pytest.skip("one core: no other process is started")


def children(process: subprocess.Popen[bytes]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not path.exists():
        pytest.skip("this system does not tell the children of a process")
    return [int(number) for number in path.read_text().split()]


def test_a_process_is_killed(many: Path) -> None:
    needs_cores()
    os.mkfifo(many / "fifo")
    (many / "config").write_text(CONFIG)
    process = start(many, "set", "fifo", "m", *SCAN_ONLY, "--in-place", preexec_fn=all_cores)
    with (many / "fifo").open("w"):  # the process that reads the pipe has opened it
        killed = children(process)
        assert killed
        for child in killed:
            os.kill(child, signal.SIGKILL)
        status, out, err = ended(process)
    assert (status, out) == (2, b"")
    error = r"a worker process was killed by signal 9 \(probably out of memory\) while it processed [^\n]*\n"
    assert re.fullmatch(f"{SAID}error: {error}", err)
    assert texts(many) == {POD}
    assert leftovers(many) == []


def test_a_process_is_killed_while_it_answers() -> None:
    script = """
import os, signal, sys, time
from krm_image_setter.cli import workers
from krm_image_setter.errors import ImageSetterError
workers._cores = lambda: 3
reader, writer = os.pipe()
def job(item):
    if item == 0:  # the first process waits until the result of the second process has filled its pipe
        other = int(os.read(reader, 9))
        time.sleep(0.5)
        os.kill(other, signal.SIGKILL)
    if item == workers._BATCH:
        os.write(writer, b"%d" % os.getpid())
    return "x" * 100_000 if item >= workers._BATCH else ""
try:
    list(workers.for_each(job, range(1000)))
except ImageSetterError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert ran.stdout.startswith(
        b"a worker process was killed by signal 9 (probably out of memory) while it processed 32 "
        b"files, 32 to 63; nothing"
    )


@pytest.mark.parametrize("limit", [6, 8, 10, 12, 16])
def test_few_open_files(many: Path, limit: int) -> None:
    """If no other process can be started, one process does all the work."""

    def limited() -> None:
        all_cores()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    needs_cores()
    status, _, err = ended(start(many, "set", "m", *NGINX, "--in-place", preexec_fn=limited))
    assert (status, err) == (0, ALL_SET)
    assert texts(many) == {DONE}


@pytest.mark.parametrize("arguments", [NGINX, ("set", "a.yaml", *NGINX, "--in-place")], ids=" ".join)
def test_little_memory(tmp_path: Path, arguments: Sequence[str]) -> None:
    """With every memory limit, the run either succeeds or reports in one message that the memory is too small."""
    text = f"{POD}---\n" * 200 + POD + "# " + "x" * 12_000_000
    put(tmp_path, a=text)
    statuses = []
    for megabytes in (24, 32, 48, 64, 96, 1024):
        limit = partial(resource.setrlimit, resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        status, out, err = ended(start(tmp_path, *arguments, preexec_fn=limit), text.encode())
        statuses.append(status)
        after = (tmp_path / "a.yaml").read_text()
        if status == 0:
            assert (out.decode() if arguments == NGINX else after) == text.replace("nginx", "nginx:2")
            break
        assert (status, out, after) == (2, b"", text)
        assert re.match(
            f"{SAID}error: (a.yaml: not enough memory to process this file|out of memory|cannot import)",
            err,
        )
        assert "Traceback" not in err
        assert leftovers(tmp_path) == []
    assert statuses[0] == 2
    assert statuses[-1] == 0


ENVIRONMENTS = [
    pytest.param({}, id="nothing at all"),
    pytest.param({"LC_ALL": "C"}, id="C"),
    pytest.param({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="ASCII"),
]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_environments(tmp_path: Path, env: dict[str, str]) -> None:
    """Without a home, with an ASCII locale and in a read-only directory, contents and names do not change."""
    name = "café".encode() + b"\xff.yaml"
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"# ü😀\n{POD}---\nkind: A\nmetadata: {{name: ü}}\nspec: {{image: []}}\n")
    tmp_path.chmod(0o500)
    command = (*unprivileged(), *ME)
    shown = b"./" + name
    try:
        for arguments, expected in (
            (["set", ".", *NGINX, "--check", "-q"], (1, shown + b"\n")),
            (["list", ".", "-o", "names"], (0, b"nginx\n")),
            (["set", ".", *NGINX, "-q"], (0, Path(os.fsdecode(path)).read_bytes().replace(b"nginx", b"nginx:2"))),
        ):
            assert ended(start(tmp_path, *arguments, command=command, env=env)) == (*expected, "")
        status, out, _ = ended(start(tmp_path, "set", ".", *NGINX, "--diff", "-q", command=command, env=env))
        assert (status, out.splitlines()[0]) == (1, b"--- " + name)
        for flag in ("--help", "--version"):
            assert ended(start(tmp_path, flag, command=command, env=env))[::2] == (0, "")
        for arguments in (["set", "."], ["set", ".", *NGINX, "--in-place"], ["list", os.fsdecode(name + b"x")]):
            status, _, err = ended(start(tmp_path, *arguments, command=command, env=env))
            assert (status, err.count("\n"), err.startswith(SAID)) == (2, 1, True)
    finally:
        tmp_path.chmod(0o700)


# Several runs at once


@pytest.mark.parametrize("is_same", [True, False])
def test_several_runs_at_once(tmp_path: Path, is_same: bool) -> None:
    """Each file has the old contents or those of one run. The changes of a run with exit status 0 are not lost."""
    names = [f"i{number}" for number in range(6)]
    before = "kind: Pod\nspec:\n  containers:\n" + "".join(f"  - image: {name}:0\n" for name in names)
    for turn in range(2):
        put(tmp_path, **{f"m/{number:02}": before for number in range(30)})
        images = [names[:1] if is_same else [name] for name in names]
        runs = [
            start(tmp_path, "set", "m", *(f"--image={name}={name}:{turn + 1}" for name in each), "--in-place")
            for each in images
        ]
        results = [ended(run) for run in runs]
        done = {each[0] for each, (status, _, _) in zip(images, results, strict=True) if status == 0}
        assert done
        for status, _, err in results:
            # A run that reads the changes of another run sets only the other images.
            count = r"\d+" if is_same else "30"
            told = f"set {count} images? in {count} files? .*\n|during this run|locked the file"
            assert status in (0, 2)
            assert re.search(told, err)
        for text in texts(tmp_path):
            assert re.sub(r":\d", ":0", text) == before
            assert all(f"{name}:{turn + 1}\n" in text for name in done)
        assert leftovers(tmp_path) == []
