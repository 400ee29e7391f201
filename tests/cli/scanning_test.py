"""An error in one file of a directory is one line with its name, and the other files are read."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import Program
from properties.laws import check_names_change_neither_problems_nor_counts

PREFIX = "krm-image-setter: "
HINT = " (use --unknown to search them)"
GOOD = (
    "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n"
    "---\napiVersion: a.example/v1\nkind: Widget\nmetadata: {name: w}\nspec: {image: m.io/w:1}\n"
)
DEEP = "kind: Pod\nspec: " + "[" * 300 + "]" * 300 + "\n"
BOMB = "kind: Pod\na0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
NOT_YAML = {
    "template before the first marker": b"{{ if .Values.on }}\n---\nkind: Pod\n{{ end }}\n",
    "document without a kind before one that is not YAML": b"a: 1\n---\nkind: [\n",
    "kind that is not YAML": b"kind: [\n",
    "resource before a document that is not YAML": b"apiVersion: v1\nkind: Pod\n---\nkind: Pod\nspec: {\n",
    "list with an item that is not a resource, then not YAML": b"kind: List\nitems: [1]\n---\n'\n",
    "tab as indentation": b"kind: Pod\nspec:\n\tx: 1\n",
    "UTF-16": "kind: Pod\n".encode("utf-16"),
    "bytes that are not UTF-8": b"kind: Pod\nx: \xff\n",
    "control character": b"kind: Pod\nx: \x00\n",
    "alias without an anchor": b"kind: Pod\nx: *a\n",
}
MIXED = b"apiVersion: v1\nkind: Pod\n---\na: 1\n"
ERROR = {
    "nesting that is too deep": DEEP.encode(),
    "document without a kind before nesting that is too deep": f"a: 1\n---\n{DEEP}".encode(),
    "alias bomb": BOMB.encode(),
    "resource before a document without a kind": MIXED,
    "ResourceList without items": b"apiVersion: v1\nkind: ResourceList\n",
}
OTHERS = {
    "document without a kind": b"a: 1\n",
    "word kind in a value": b"a: kind\n",
    "kind that is a number": b"kind: 5\n",
    "kind that is nested": b"a: {kind: Pod}\n",
    "scalar before a document that is not YAML": b"text\n---\n}\n",
}
COMMANDS = {
    ("list",): b"nginx:1",
    ("set", "--image", "nginx=nginx:2", "--check", "--keep-going", "-q"): b"m/000.yaml",
    ("set", "--image", "x=x:2", "--check", "--keep-going", "-q", "--on-unused", "ignore"): b"",
    ("discover",): b"Widget",
    ("list", "--unknown"): b"m.io/w:1",
}


@pytest.mark.parametrize("count", [1, 420])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_problems_of_files_are_reported_and_others_are_read(
    program: Program, command: tuple[str, ...], count: int
) -> None:
    """Several processes read many files."""
    put_good(program, count)
    expected = []
    for number, (usual, data) in enumerate(
        [("warning", data) for data in NOT_YAML.values()]
        + [("error", data) for data in ERROR.values()]
        + [("", data) for data in (*OTHERS.values(), b"")]
    ):
        name = f"m/{number * 20:03}-odd.yaml"
        (program.folder / name).write_bytes(data)
        severity = usual
        if "--unknown" in command:  # this also searches documents that are not resources
            severity = {OTHERS["scalar before a document that is not YAML"]: "warning", MIXED: ""}.get(data, usual)
        expected += [f"{PREFIX}{severity}: {name}:"] * bool(severity)
    name, *options = command
    ran = program(name, "m", *options)
    lines = [line for line in ran.stderr.splitlines() if not line.endswith("are not Kubernetes resources" + HINT)]
    assert ran.status == 2
    assert len(lines) == len(expected)
    assert all(map(str.startswith, lines, expected))
    assert ran.stdout.count(COMMANDS[command]) in (1, count)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        *(pytest.param(data, (0, f"{PREFIX}warning: m/odd.yaml:"), id=name) for name, data in NOT_YAML.items()),
        *(pytest.param(data, (2, f"{PREFIX}error: m/odd.yaml:"), id=name) for name, data in ERROR.items()),
        *(
            pytest.param(data, (0, f"{PREFIX}m: 2 files, 2 resources; 1 file is not"), id=name)
            for name, data in OTHERS.items()
        ),
        pytest.param(b"", (0, ""), id="empty file"),
    ],
)
def test_problem_of_a_file_decides_the_status(program: Program, data: bytes, expected: tuple[int, str]) -> None:
    put_good(program, 1)
    (program.folder / "m/odd.yaml").write_bytes(data)
    ran = program("list", "m", "-o", "names")
    assert (ran.status, ran.stdout, ran.stderr[: len(expected[1])]) == (expected[0], b"nginx:1\n", expected[1])
    assert bool(ran.stderr) == bool(expected[1])


@pytest.mark.parametrize("command", ["set", "list", "explain"])
def test_empty_standard_input_is_an_error_as_in_the_filter(program: Program, command: str) -> None:
    program.write("a.yaml", "")
    images = [] if command == "list" else ["--image", "nginx=nginx:2"]
    ran = program(command, "-", *images, stdin="\n")
    message = "standard input: the input is empty; expected Kubernetes YAML or a ResourceList"
    assert (ran.status, ran.stderr.splitlines()[0]) == (2, f"{PREFIX}error: {message}")
    assert program(command, "a.yaml", *images).status == 0


@pytest.mark.parametrize("data", [b"a: 1\n", b"\x00\x01", b"kind: Pod\nx: \xff\n", MIXED, DEEP.encode()])
@pytest.mark.parametrize("command", ["set", "explain"])
def test_entry_is_not_reported_as_unused_if_no_file_could_be_read(
    program: Program, command: str, data: bytes
) -> None:
    (program.folder / "odd.yaml").write_bytes(data)
    ran = program(command, "odd.yaml", "--image", "nginx=nginx:2", "--kind", "A=.spec.image")
    assert ran.status == 2
    assert ran.stderr.startswith(f"{PREFIX}error: odd.yaml:")
    assert "warning" not in ran.stderr


def put_good(program: Program, count: int) -> None:
    for number in range(count):
        program.write(f"m/{number:03}.yaml", GOOD)


# The image names decide which documents are parsed; they must not change the errors.

TEXTS = {
    **{name: data.decode() for name, data in {**NOT_YAML, **ERROR, **OTHERS}.items() if data.isascii()},
    "resource that is not YAML": "kind: Pod\nspec: [\n",
    "resource with a template": "kind: Pod\nspec:\n{{ toYaml .Values.spec | indent 2 }}\n",
    "template that is a value": "kind: Pod\nspec: {{ .Values.spec }}\n",
    "resource that is indented in two ways": "kind: Pod\nspec:\n    a: 1\n  b: 2\n",
    "resource that is not closed": "kind: Pod\nspec: 'a\n",
    "document with the word kind": "# kind: Pod\na: kind\n",
    "resource": "kind: Pod\nspec: {}\n",
    "resource with a template in a script": "kind: ConfigMap\ndata:\n  a: |\n    {{ .x }}\n",
    "list": "kind: PodList\nitems:\n- spec: {}\n- spec: {}\n",
}
NAMES = ("kind", "a", "spec", "no/such")


def test_names_of_images_change_no_report(program: Program) -> None:
    for number, text in enumerate(TEXTS.values()):
        program.write(f"m/{number}.yaml", text)
    files = [f"m/{number}.yaml" for number in range(len(TEXTS))]
    for paths in (["m"], files):
        options = (("--image", f"{name}={name}:9", "--on-unused", "ignore") for name in NAMES)
        first, *others = (program("set", *paths, "--check", *each) for each in options)
        assert others == [first] * len(others)
        assert first.stderr.count("invalid YAML") > 5


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_names_of_images_change_no_problem_and_no_count(text: str) -> None:
    check_names_change_neither_problems_nor_counts(text)
    check_names_change_neither_problems_nor_counts(f"kind: Pod\n---\n{text}")
    item = "- " + text.replace("\n", "\n  ").rstrip(" ")
    check_names_change_neither_problems_nor_counts(f"apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n{item}")


BUG = """
import sys
from krm_image_setter import discovery, from_fields, transform
from krm_image_setter.cli import import_
import krm_image_setter.cli.list_ as list_
import krm_image_setter.cli.discover as discover_
def faulty(function):
    def call(stream, *arguments, **options):
        if "boom" in getattr(stream, "text", stream):
            raise {error}
        return function(stream, *arguments, **options)
    return call
transform.scan = faulty(transform.scan)
from_fields.references_in = faulty(from_fields.references_in)
list_.images_in = faulty(list_.images_in)
discovery.unknown_images = faulty(discovery.unknown_images)
discover_.discover = faulty(discover_.discover)
import_.import_file = faulty(import_.import_file)
from krm_image_setter.__main__ import run
run()
"""
BUGS = [
    pytest.param("ZeroDivisionError('x')", "unexpected ZeroDivisionError (<string>:10): x; this", id="bug"),
    pytest.param("KeyError('x' * 999)", "xx; this is a bug in krm-image-setter, please report it", id="long text"),
    pytest.param("RecursionError", "unexpected RecursionError (<string>:10); this is a bug", id="recursion"),
    pytest.param("MemoryError", "not enough memory to process this file", id="no memory"),
    pytest.param("SystemError", "not enough memory to process this file", id="no memory in a C library"),
    pytest.param("OSError(24, 'Too many')", "cannot process this file: Too many", id="no file"),
    pytest.param("ImportError('libyaml')", "cannot process this file: libyaml", id="no library"),
]


@pytest.mark.parametrize("count", [1, 420])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_bug_is_one_line_that_names_the_file(program: Program, command: tuple[str, ...], count: int) -> None:
    check_unexpected(program, command, count, "ZeroDivisionError", "this is a bug in krm-image-setter")


@pytest.mark.parametrize(("error", "message"), BUGS)
def test_unexpected_exception_is_one_line_that_names_the_file(program: Program, error: str, message: str) -> None:
    check_unexpected(program, ("list",), 1, error, message)


def check_unexpected(program: Program, command: tuple[str, ...], count: int, error: str, message: str) -> None:
    put_good(program, count)
    program.write("m/050.yaml", f"# boom\n{GOOD}")
    name, *options = command
    ran = subprocess.run(
        [sys.executable, "-c", BUG.format(error=error), name, "m", *options],
        cwd=program.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stderr.startswith(f"{PREFIX}error: m/050.yaml: ")
    assert (ran.returncode, ran.stderr.count("\n"), len(ran.stderr) < 400) == (2, 1, True)
    assert message in ran.stderr
    assert COMMANDS[command].decode() in ran.stdout


def test_unexpected_exception_in_an_import_is_one_line_that_names_the_file(program: Program) -> None:
    program.write("Tiltfile", "# boom\n")
    script = BUG.format(error="ZeroDivisionError('x')")
    ran = subprocess.run(
        [sys.executable, "-c", script, "import", "Tiltfile"], cwd=program.folder, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(f"{PREFIX}error: Tiltfile: unexpected ZeroDivisionError".encode())
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("count", [1, 420])
def test_unexpected_exception_in_a_from_field_names_the_file(program: Program, count: int) -> None:
    put_good(program, count)
    program.write("m/050.yaml", f"# boom\n{GOOD}")
    config = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
    program.write(
        "f.yaml", f"{config}images: [{{name: nginx, from: {{kind: Widget, name: w, path: .spec.image}}}}]\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", BUG.format(error="ZeroDivisionError('x')"), "set", "m", "--fn-config", "f.yaml"],
        cwd=program.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith(f"{PREFIX}error: m/050.yaml: unexpected ZeroDivisionError")
