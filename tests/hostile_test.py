"""Malicious input: one message, time and memory in proportion to its size, and no access to other files.

Malicious input for one module is in the tests of the module. Rejected streams are in tests/main_test.py.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml
from harness import UNMEASURED, Program
from pathspec import GitIgnoreSpec
from terminal import in_terminal

from krm_image_setter import ConfigError, ImageSetterError, read_config, set_images
from krm_image_setter.builds.any_file import read_images
from krm_image_setter.cli.files import find_files
from krm_image_setter.cli.list_ import Output
from krm_image_setter.globs import Globs

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
CONFIG: Final = HEAD + "images: {nginx: nginx:2}\n"
NGINX: Final = ("--image", "nginx=nginx:2")
POD: Final = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: nginx}]}\n"
SAID: Final = "krm-image-setter: "


def resource_list(config: str, name: str = "p") -> str:
    item = (
        "- apiVersion: v1\n"
        "  kind: Pod\n"
        f"  metadata: {{name: {name}}}\n"
        "  spec: {containers: [{name: a, image: nginx}]}\n"
    )
    indented = config.replace("\n", "\n  ").rstrip(" ")
    return f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{item}functionConfig:\n  {indented}"


# Input that is not text

NO_TEXT = [
    pytest.param(b"kind: Pod\nx: \xc0\xae nginx\n", "standard input:2: not valid UTF-8", id="overlong"),
    pytest.param(
        b"kind: Pod\nx: \xed\xa0\x80 nginx\n", "standard input:2: not valid UTF-8", id="half a surrogate pair"
    ),
    pytest.param(
        POD.encode("utf-16-le"),
        "line 1, column 2: invalid YAML: the character U+0000",
        id="UTF-16 LE without BOM",
    ),
    pytest.param(
        POD.encode("utf-16-be"), "the character U+0000 is not allowed; convert UTF-16", id="UTF-16 BE without BOM"
    ),
    pytest.param(POD.encode("utf-32"), "standard input:1: not valid UTF-8", id="UTF-32"),
    pytest.param(
        POD.encode() * 1000 + b"\xff" + POD.encode(), "standard input:4001: not valid UTF-8", id="in the middle"
    ),
    pytest.param(
        POD.encode() + b"# \x1b[31m\n",
        "line 5, column 3: invalid YAML: the character U+001B",
        id="an escape sequence",
    ),
]


@pytest.mark.parametrize(("stdin", "said"), NO_TEXT)
def test_what_is_no_text_is_refused(program: Program, stdin: bytes, said: str) -> None:
    ran = program(*NGINX, stdin=stdin)
    assert (ran.status, ran.stdout, ran.stderr.count("\n")) == (2, b"", 1)
    assert said in ran.stderr


HALF: Final = r'"\ud800"'
PAIR: Final = r'"\ud83d\ude00"'


def test_half_a_surrogate_pair_is_refused(program: Program) -> None:
    """JSON can express this text, but UTF-8 cannot."""
    program.write("a.yaml", POD.replace("name: p", f"name: {HALF}"))
    said = "3:18: invalid YAML: unpaired surrogate escape\n"
    for output in Output:
        ran = program("list", "a.yaml", "-o", output)
        assert (ran.status, ran.stderr) == (2, f"{SAID}error: a.yaml:{said}")
    stdin = resource_list(CONFIG, HALF)
    ran = program(stdin=stdin)
    assert (ran.status, ran.stderr.count("\n")) == (2, 1)
    assert ran.stdout.decode().startswith(stdin) or ran.stdout == b""
    assert "unpaired surrogate escape" in ran.stderr


def test_a_surrogate_pair_is_its_character(program: Program) -> None:
    ran = program(stdin=resource_list(CONFIG, PAIR))
    assert ran.status == 0
    assert f"metadata: {{name: {PAIR}}}".encode() in ran.stdout
    assert "    name: \U0001f600\n".encode() in ran.stdout


def test_a_surrogate_pair_beside_an_image_stays_as_it_is_spelt() -> None:
    config = read_config(HEAD + "images: [{name: nginx, newTag: '2'}]\nkinds: {A: {path: .a, as: text}}\n")
    text = r'{"kind": "A", "a": "\ud83d\ude00 nginx:1 \uD83D\uDE00 nginx:1"}'
    assert set_images(text, config).text == text.replace("nginx:1", "nginx:2")


# Input that grows


def embedded(text: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: {json.dumps(text)}\n"


INSIDE: Final = read_config(CONFIG + "kinds: {ConfigMap: {path: .data.a, as: yaml}}\nonUnused: ignore\n")


def refusals(text: str) -> Iterator[str]:
    """Yield the messages about a text from all parts of the program that read a text."""
    for read in (
        lambda: set_images(text, INSIDE),
        lambda: read_config(text),
        lambda: read_images([(text, "f")]),
        lambda: read_config(f"kind: ConfigMap\ndata: {{images: {json.dumps(text)}}}\n"),
    ):
        with pytest.raises(ImageSetterError) as caught:
            read()
        yield str(caught.value)
    outcome = set_images(embedded(text), INSIDE)
    assert outcome.text == embedded(text)
    yield outcome.results[0].message


def chain(length: int, link: str) -> str:
    return (
        POD + "x0: &x0 {image: nginx}\n" + "".join(f"x{n}: &x{n} {link.format(n - 1)}\n" for n in range(1, length))
    )


GROWING = [
    pytest.param(
        chain(40, "{{a: *x{0}, b: *x{0}}}"),
        "the aliases of this document expand to more than 1,000,000 nodes",
        id="bomb",
    ),
    pytest.param(chain(40, "{{<<: *x{0}, c: *x{0}}}"), "1,000,000 nodes", id="bomb of merge keys"),
    pytest.param(
        POD + f"x: &x {'a' * 200_000}\ny: [{'*x, ' * 501}]\n", "or 100,000,000 characters", id="long text"
    ),
    pytest.param(
        POD + f"x: &x [{'a' * 200_000}]\ny: [{'*x, ' * 501}]\n", "100,000,000 characters", id="list of text"
    ),
    pytest.param(POD + f"x: {{&x {'a' * 900}: b}}\ny: [{'*x, ' * 100_001}]\n", "characters", id="long key"),
    pytest.param(
        chain(1200, "{{<<: *x{0}}}"),
        "nested too deeply after aliases are expanded: more than 250 levels",
        id="merge keys",
    ),
    pytest.param(
        chain(1200, "[*x{0}]"), "nested too deeply after aliases are expanded: more than 250 levels", id="aliases"
    ),
    pytest.param(POD + "x: " + "[" * 100_000, "nested too deeply: more than 250 levels", id="[[["),
    pytest.param(POD + "x: " + "[{a: " * 100_000, "nested too deeply: more than 250 levels", id="[{[{"),
    pytest.param(POD + "x:\n" + "".join(f"{' ' * n}-\n" for n in range(2000)), "250 levels", id="lines of dashes"),
    pytest.param(
        POD + "x:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 2000)), "250 levels", id="lines of keys"
    ),
]


@pytest.mark.parametrize(("text", "said"), GROWING)
def test_what_grows_is_refused_wherever_it_stands(text: str, said: str) -> None:
    for message in refusals(text):
        assert said in message


def test_brackets_in_a_string_are_no_levels(parser: str) -> None:
    text = POD + "x: '" + "[{" * 10_000 + "'\n"
    assert set_images(text, INSIDE).text == text.replace("nginx", "nginx:2", 1)


def test_aliases_of_a_long_text_are_not_copied_into_an_annotation() -> None:
    """The value must be a string. With its aliases expanded, this list would have 90 MB."""
    path = f"config.kubernetes.io/path: [&x {'a' * 90_000}, {'*x, ' * 1_000}]"
    outcome = set_images(POD.replace("name: p", f"name: p, annotations: {{{path}}}"), INSIDE)
    assert [result.file for result in outcome.results] == [None]


LONG_NAMES: Final = [
    pytest.param("name: p", f"name: {'p' * 254}", "resourceRef", id="name"),
    pytest.param("name: p", f"name: p, namespace: {'p' * 254}", "resourceRef", id="namespace"),
    pytest.param(
        "name: p", f"name: p, annotations: {{config.kubernetes.io/path: {'p' * 4_097}}}", "file", id="path"
    ),
    pytest.param("spec: {", f"? {'s' * 4_097}\n: {{", "field", id="field"),
]


@pytest.mark.parametrize(("old", "new", "key"), LONG_NAMES)
def test_name_that_cannot_exist_is_not_repeated_in_results(old: str, new: str, key: str) -> None:
    """Thousands of results would repeat the long text."""
    text = POD.replace("name: p", "name: p, annotations: {config.kubernetes.io/path: p.yaml}")
    (before,) = (result.to_data() for result in set_images(text, INSIDE).results)
    text = POD if key == "file" else text
    (after,) = (result.to_data() for result in set_images(text.replace(old, new, 1), INSIDE).results)
    assert key in before
    assert key not in after
    assert len(json.dumps(after)) < 500


@pytest.mark.parametrize("link", ["[*x{0}]", "{{<<: *x{0}}}", "{{a: *x{0}}}"])
def test_the_longest_chain_of_aliases_is_read(link: str) -> None:
    text = chain(248, link) + "spec2: {containers: [{name: a, image: nginx}]}\n"
    outcome = set_images(text, INSIDE)
    assert outcome.text.count("nginx:2") == 2


# Input that takes time


class Late(BaseException):
    """The time limit was exceeded. This is not an Exception, so that `except Exception` does not catch it."""


@pytest.fixture
def soon() -> Iterator[None]:
    """Allow ten seconds of processor time. With quadratic time, these inputs would take minutes."""

    def end(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, 20)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


TEXT: Final = read_config(
    HEAD + "images: [{name: nginx, newTag: '2'}]\n"
    "kinds: {A: '{.spec.*}', B: {path: .a, as: text}}\n"
    "onUnused: ignore\n"
)
MANY: Final = 20_000
LARGE = [
    pytest.param("kind: B\na: '" + "nginx:1 " * MANY + "'\n", id="references in a text"),
    pytest.param("kind: B\na: |\n" + "  nginx:1\n" * MANY, id="references in a block"),
    pytest.param("kind: A\nspec:\n" + "".join(f"  k{n}: nginx:1\n" for n in range(MANY)), id="keys"),
    pytest.param(
        "kind: A\nx: 'a''b'\nspec:\n" + "".join(f"  k{n}: nginx:1\n" for n in range(MANY)),
        id="keys, by the parser",
    ),
    pytest.param(
        "kind: A\nspec: {" + "".join(f"k{n}: nginx:1, " for n in range(MANY)) + "a: b}\n", id="keys on a line"
    ),
    pytest.param(
        "kind: Pod\nspec:\n  containers: [" + "{name: a, image: nginx:1}, " * MANY + "a]\n", id="items on a line"
    ),
]


@pytest.mark.parametrize("text", LARGE)
def test_many_images_in_one_place_take_linear_time(soon: None, text: str) -> None:
    assert set_images(text, TEXT).text == text.replace("nginx:1", "nginx:2")


def test_policies_beside_many_aliases_take_linear_time(soon: None) -> None:
    config = read_config(CONFIG + "imagePullPolicy: Always\n")
    text = "kind: Pod\nx: &a 1\ny: *a\nspec:\n  containers:\n" + "  - image: nginx\n    name: a\n" * 5_000
    assert set_images(text, config).text.count("imagePullPolicy: Always") == 5_000


def test_many_unused_entries_and_many_images_are_not_all_compared(soon: None) -> None:
    entries = "".join(f"- {{name: registry.example.com/team/app-{n}, newTag: '1'}}\n" for n in range(2_000))
    pods = "---\n".join(POD.replace("nginx", f"registry.example.com/team/srv-{n}") for n in range(2_000))
    results = set_images(pods, read_config(f"{HEAD}images:\n{entries}")).results
    assert len(results) == 2_000
    assert "did you mean" in results[0].message
    assert results[-1].message.endswith("run `krm-image-setter list` to see which images exist")


DEEP: Final = "kind: A\nspec: " + "{a: " * 240 + "nginx" + "}" * 240 + "\n"
ITEMS: Final = "kind: A\nspec:\n" + "- a: nginx\n" * 1_000
LISTS: Final = "kind: A\nspec: " + "[" * 40 + "nginx" + "]" * 40 + "\n"
PATHS = [
    pytest.param("{" + "..a" * 12 + "}", DEEP, id=".."),
    pytest.param("{range ..a}" * 10 + "{..a}" + "{end}" * 10, DEEP, id="ranges"),
    pytest.param("{.spec" + "[0,0,-1,0]" * 40 + "}", LISTS, id="unions"),
    pytest.param("$" + "..a" * 12, DEEP, id="$ and .."),
    pytest.param("$.spec" + "[0,0,-1,0]" * 40, LISTS, id="$ and unions of indexes"),
    pytest.param("$" + ".(spec|spec|`this`)" * 40, "kind: A\nspec: nginx\n", id="$ and unions"),
    pytest.param("$.spec[*]" + ".`parent`[*]" * 40 + ".a", ITEMS, id="$ and parents"),
    pytest.param("$.spec[*]" + ".$.spec[*]" * 40 + ".a", ITEMS, id="$ and roots"),
    pytest.param("$.spec[*]" + ".$..*" * 8 + ".a", ITEMS, id="$ and .. from the root"),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_a_path_finds_each_field_once_at_each_step(soon: None, path: str, text: str) -> None:
    config = read_config(CONFIG + f"kinds: {{A: {json.dumps(path)}}}\n")
    assert set_images(text, config).text == text.replace("nginx", "nginx:2")


BAD_PATHS = [
    pytest.param("[" * 200_000, "missing closing ]", id="["),
    pytest.param("{" + "[?(" * 100_000 + "}", "missing closing )] of the filter", id="filters"),
    pytest.param("{range .a}" * 21 + "{end}" * 21, "{range} is nested more than 20 levels deep", id="ranges"),
    pytest.param(
        "$.a[?(@.b =~ '(a+)+$')].image",
        "cannot use a regular expression in a path; compare with == (column 11 of the path)",
        id="=~",
    ),
    pytest.param("$.a.`sub(/(a+)+$/, b)`", "cannot use a regular expression in a path", id="sub"),
    pytest.param(
        "$.a[?(@..b)].image", "cannot use .., `parent`, where, | or a comma in a filter", id=".. in a filter"
    ),
    pytest.param(
        "$.a * 1000000000", "cannot use arithmetic in a path; quote a key that contains an operator", id="*"
    ),
    pytest.param("$" + "(" * 9_000, "invalid JSONPath", id="parentheses"),
    pytest.param("$" + "(" * 100_000, "the limit of a path with $ is 10,000", id="length"),
]


@pytest.mark.parametrize(("path", "said"), BAD_PATHS)
def test_a_path_that_could_take_hours_is_refused(soon: None, path: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(CONFIG + f"kinds: {{A: {json.dumps(path)}}}\n")
    assert said in str(caught.value)


def test_a_path_of_brackets_is_read_in_linear_time(soon: None) -> None:
    assert read_config(CONFIG + f"kinds: {{A: 'a/{'[' * 200_000}'}}\n").kinds[0].path.text.startswith("a/[[")


def test_a_text_that_looks_like_a_regular_expression_is_compared() -> None:
    config = read_config(CONFIG + """kinds: {A: '$.a[?(@.b == "=~")].image'}\n""")
    text = "kind: A\na: [{b: '=~', image: nginx}]\n"
    assert set_images(text, config).text == text.replace("nginx", "nginx:2")


@pytest.mark.parametrize("pattern", ["*a" * 30 + "*b", "*?" * 30 + "*b", "?" * 5000 + "*b"])
def test_wildcards_take_linear_time(soon: None, pattern: str) -> None:
    config = read_config(f"{CONFIG}kinds: [{{kind: {json.dumps(pattern)}, paths: .a}}]\nonUnused: ignore\n")
    text = f"kind: {'a' * 5000}\na: nginx\n"
    assert set_images(text, config).text == text


IGNORED = [
    ("*a" * 30 + "b", "a" * 240),
    ("*?" * 30 + "b", "a" * 240),
    ("[a]*" * 30 + "b", "a" * 240),
    ("a**" * 30 + "b", "a" * 240),
    ("**/a/" * 8 + "b", "a/" * 800 + "c"),
    ("**/*a*/" * 8 + "b", "aa/" * 600 + "c"),
    ("*a*a*/" * 20 + "b", "aaaaa/" * 200),
]


@pytest.mark.parametrize(("pattern", "path"), IGNORED, ids=[pattern[:8] for pattern, _ in IGNORED])
def test_a_pattern_of_an_ignore_file_takes_linear_time(soon: None, pattern: str, path: str) -> None:
    # With `bc`, the path contains all texts of the pattern, so that the pattern is parsed and matched.
    assert Globs([pattern]).answer(f"{path}bc") is None


PIECES: Final = ("*", "**", "/", "a", "b", "?", "[ab]", "/**/", "*a", "\\*")


@pytest.mark.parametrize("first", PIECES)
def test_an_ignore_file_means_what_it_means_to_pathspec(first: str) -> None:
    names = ["a", "b", "ab", "ba", "aab", "a*b"]
    paths = [*names, *(f"{x}/{y}" for x in names for y in names), *(f"{x}/a/{y}/" for x in names for y in names)]
    for pattern in (f"{first}{x}{y}{z}" for x in PIECES for y in PIECES for z in ("", "*b", "/**/b")):
        try:
            theirs = GitIgnoreSpec.from_lines([pattern])
        except ValueError:
            continue
        ours = Globs([pattern])
        for path in paths:
            assert ours.answer(path) == theirs.check_file(path).include, (pattern, path)


# Input that takes memory

MEASURED: Final = """
import re, sys
from krm_image_setter.__main__ import main
status = main(sys.argv[1:])
# The peak memory of this process. The value of getrusage would include the parent at the time of the fork.
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(status)
"""
SIZE: Final = 64_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc here")
@pytest.mark.parametrize(
    "scalar",
    ['"' + "words of it " * (SIZE // 12) + '"', "|\n" + f"    {'x' * 1_000_000}\n" * (SIZE // 1_000_000)],
    ids=["in quotes", "in a block"],
)
def test_a_long_scalar_takes_a_small_multiple_of_its_size(tmp_path: Path, scalar: str) -> None:
    text = POD + f"data:\n  a: {scalar}\n"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", MEASURED, *NGINX], input=text.encode(), capture_output=True, cwd=tmp_path, check=True, env=UNMEASURED
    )  # fmt: skip
    assert ran.stdout.decode() == text.replace("image: nginx", "image: nginx:2")
    assert int(ran.stderr) * 1024 < 10 * SIZE


# Input with control characters for a terminal

SPEAKING: Final = "a\x1b]0;owned\x07\x9b31m\u202e\rb"


def test_a_file_name_is_told_on_one_line(program: Program) -> None:
    name = f"{SPEAKING}\nkrm-image-setter: all is well.yaml"
    (program.folder / name).write_text("a: [\n")
    for arguments in (["set", ".", *NGINX], ["set", name, *NGINX], ["import", name], ["--fn-config", name]):
        ran = program(*arguments, stdin=POD)
        assert [line for line in ran.stderr.splitlines() if not line.startswith(SAID)] == []
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.stderr)
        assert "\nkrm-image-setter: all" not in ran.stderr


def test_a_name_like_an_option_is_a_name(program: Program) -> None:
    (program.folder / "--in-place.yaml").write_text(POD)
    assert program("set", "--check", "-q", *NGINX, "--", "--in-place.yaml").stdout == b"--in-place.yaml\n"
    assert program("set", "--check", "-q", *NGINX, ".").stdout == b"./--in-place.yaml\n"


@pytest.mark.parametrize("arguments", [["list", "."], ["list", ".", "-o", "wide"], ["list", ".", "-o", "json"],
                                       ["set", ".", *NGINX, "--diff"], ["set", ".", *NGINX, "--check"]])  # fmt: skip
def test_to_a_terminal_nothing_of_a_file_speaks(program: Program, arguments: list[str]) -> None:
    image = json.dumps("nginx-" + SPEAKING)
    text = (
        POD
        + f"---\nkind: Pod\nspec:\n  containers:\n  - name: b\n    image: {image}\n  - image: nginx # \x85\u2028\n"
    )
    (program.folder / f"{SPEAKING}.yaml").write_text(text)
    _, screen = in_terminal(program.folder, "-m", "krm_image_setter", *arguments, env={"NO_COLOR": "1"})
    assert "nginx" in screen or "yaml" in screen
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]|\r(?![\r\n])", screen)


# Files that are replaced during the run


@pytest.mark.parametrize(
    ("into", "said"), [("link", "Too many levels of symbolic links"), ("pipe", "not a regular file")]
)
def test_a_found_file_that_became_something_else_is_not_read(program: Program, into: str, said: str) -> None:
    program.write("d/a.yaml", POD)
    program.write("secret.yaml", POD)
    (file,) = find_files([str(program.folder / "d")])
    assert file.read().decode() == POD
    path = program.folder / "d/a.yaml"
    path.unlink()
    if into == "link":
        path.symlink_to("../secret.yaml")
    else:
        os.mkfifo(path)
    with pytest.raises(ImageSetterError, match=said):
        file.read(again=True)


def test_an_ignore_file_that_is_a_link_is_not_read(program: Program) -> None:
    """A link can point to a file of another user, so it is not followed, as in git."""
    program.write("secret", "*.yaml\n[\n")
    program.write("d/a.yaml", POD)
    (program.folder / "d/.gitignore").symlink_to("../secret")
    assert program("set", "d", *NGINX, "--check", "-q") == (1, b"d/a.yaml\n", "")


# A configuration can only set images

AUDITED: Final = """
import json, sys
seen = []
QUIET = ("object.", "sys._getframe", "code.", "gc.", "builtins.id", "marshal.", "sys.excepthook", "sys.unraisablehook")
def hook(event, arguments):
    if not event.startswith(QUIET):
        seen.append([event, [argument.decode(errors="replace") if isinstance(argument, bytes) else str(argument)
                             for argument in arguments]])
sys.addaudithook(hook)
from krm_image_setter.__main__ import main
status = main(sys.argv[1:])
seen, done = [], seen
with open(sys.argv[0] or "events.json", "w") as file:
    json.dump([status, done], file)
"""


def audited(program: Program, *arguments: str, stdin: str = "") -> tuple[int, list[tuple[str, list[str]]]]:
    """Run the program, and return its exit status and all audit events of Python."""
    log = program.folder.parent / f"{program.folder.name}.json"
    code = AUDITED.replace('sys.argv[0] or "events.json"', repr(str(log)))
    ran = subprocess.run(
        [sys.executable, "-IB", "-c", code, *arguments], input=stdin, capture_output=True, text=True, cwd=program.folder, env=UNMEASURED, check=False
    )  # fmt: skip
    assert "Traceback" not in ran.stderr
    status, events = json.loads(log.read_text())
    return status, events


MARK: Final = "krm_hostile_mark"
EVIL: Final = f"""\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
metadata:
  name: !!python/object/apply:os.system ["touch {MARK}"]
  annotations:
    config.kubernetes.io/function: "exec: {{path: ./{MARK}.sh}}"
    a: !!python/name:{MARK}.x
    b: !!python/module:{MARK}
    c: !include {MARK}.yaml
    $ref: file:{MARK}.json
    d: "{{{{ include '{MARK}' }}}} $(cat {MARK}) `cat {MARK}` %({MARK})s ${{{MARK}}}"
images: [{{name: nginx, newTag: "2"}}]
kinds:
- {{kind: Pod, name: "{MARK}*", paths: ["$.spec.`len`", "$.`parent`.`this`", "{{.spec['__class__']}}", "$.spec.__import__"]}}
- {{kind: ConfigMap, paths: [{{path: .data.a, as: yaml}}]}}
onUnused: ignore
"""  # fmt: skip
EVIL_STREAM: Final = POD + "---\n" + embedded(EVIL.replace("kind: ImageSetter", "kind: Pod"))
# jsonschema explains it.
WRONG: Final = EVIL + f"$ref: file:{MARK}.json\n$schema: https://example.invalid/{MARK}\n"
TILTFILE: Final = f"""\
load('./{MARK}.star', 'x')
load_dynamic('{MARK}.star')
include('./{MARK}.star')
local('touch {MARK}')
k8s_yaml(read_file('{MARK}.yaml'))
__import__('{MARK}')
docker_build('app', '.', dockerfile='{MARK}')
k8s_kind(open('{MARK}.yaml').read(), image_json_path='.a')
"""
KUSTOMIZATION: Final = f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images: [{{name: nginx, newTag: "2"}}]
configurations: [../{MARK}.yaml, /etc/passwd, link.yaml, "https://example.invalid/{MARK}.yaml", own.yaml]
transformers: [../{MARK}.yaml, link/{MARK}.yaml]
patches: [{{path: ../{MARK}.yaml}}]
resources: ["https://example.invalid/{MARK}", ../other, /etc, link]
generators: [{MARK}.yaml]
"""

HARMLESS = [
    pytest.param([], resource_list(EVIL), {}, set(), id="function"),
    pytest.param([], resource_list(WRONG), {}, set(), id="function with a wrong configuration"),
    pytest.param(["--fn-config", "c.yaml"], EVIL_STREAM, {"c.yaml": EVIL}, {"c.yaml"}, id="filter"),
    pytest.param([], f"{EVIL_STREAM}---\n{EVIL}", {}, set(), id="configuration in the stream"),
    pytest.param(
        ["--images-from", "b.json"],
        POD,
        {"b.json": json.dumps({"builds": [{"imageName": "nginx", "tag": "nginx:2", "$ref": f"file:{MARK}"}]})},
        {"b.json"},
        id="images-from",
    ),
    pytest.param(
        ["set", "d", "-q"],
        "",
        {"d/c.yaml": EVIL, "d/p.yaml": EVIL_STREAM, "d/.gitignore": f"!{MARK}\n"},
        {"d/c.yaml", "d/p.yaml", "d/.gitignore"},
        id="set",
    ),
    pytest.param(
        ["list", "d"], "", {"d/c.yaml": EVIL, "d/p.yaml": EVIL_STREAM}, {"d/c.yaml", "d/p.yaml"}, id="list"
    ),
    pytest.param(
        ["discover", "d"], "", {"d/c.yaml": EVIL, "d/p.yaml": EVIL_STREAM}, {"d/c.yaml", "d/p.yaml"}, id="discover"
    ),
    pytest.param(["import", "Tiltfile"], "", {"Tiltfile": TILTFILE}, {"Tiltfile"}, id="Tiltfile"),
    pytest.param(
        ["import", "d/kustomization.yaml"],
        "",
        {
            "d/kustomization.yaml": KUSTOMIZATION,
            "d/own.yaml": "images: []\n",
            "other/kustomization.yaml": KUSTOMIZATION,
        },
        {"d/kustomization.yaml", "d/own.yaml"},
        id="kustomization",
    ),
    pytest.param(
        ["set", "d", "--image", "nginx=nginx:3", "--check"],
        "",
        {
            "d/.git/HEAD": "",
            "d/kustomization.yaml": KUSTOMIZATION,
            "d/own.yaml": "images: []\n",
            "other/kustomization.yaml": KUSTOMIZATION,
        },
        {"d/kustomization.yaml", "d/own.yaml"},
        id="set with a kustomization",
    ),
]
# The allowed audit events, except for opened files: Python loads its own modules and lists directories.
USUAL: Final = {
    "import",
    "exec",
    "compile",
    "function.__new__",  # the constructors of Record
    "code.__new__",
    "open",
    "os.listdir",
    "os.scandir",
    "os.putenv",
    "os.unsetenv",
    "cpython.run_command",
    "sys.set_asyncgen_hooks_firstiter",
    "cpython.PyInterpreterState_Clear",
    "cpython._PySys_ClearAuditHooks",
    "signal.pthread_kill",
    "os.fwalk",
    "fcntl.ioctl",
    "sys.monitoring.register_callback",
    "os.getxattr",
    "os.listxattr",
}


@pytest.mark.parametrize(("arguments", "stdin", "files", "read"), HARMLESS)
def test_a_configuration_opens_nothing_and_runs_nothing(
    program: Program, arguments: list[str], stdin: str, files: dict[str, str], read: set[str]
) -> None:
    folder = program.folder
    for name, text in files.items():
        program.write(name, text)
    for name in (f"{MARK}.yaml", f"{MARK}.json", f"{MARK}.star", f"{MARK}.py", "parsetab.py", "parser_jsonpath_parsetab.py"):  # fmt: skip
        program.write(name, "import os\n" if name.endswith("py") else "images: []\n")
    if (folder / "d").is_dir():
        (folder / "d/link.yaml").symlink_to(f"../{MARK}.yaml")
        (folder / "d/link").symlink_to("..")
    before = sorted(folder.rglob("*"))
    _, events = audited(program, *arguments, stdin=stdin)
    assert sorted(folder.rglob("*")) == before
    own = tuple(
        os.path.realpath(path)
        for path in {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path}
        if path
    )
    for event, told in events:
        # Without the C parser, ruamel.yaml reads the text, and searches for plug-ins in its own directory.
        may_look = event.startswith("glob.") and not yaml.__with_libyaml__
        assert event in USUAL or (may_look and os.path.realpath(told[0]).startswith(own)), event
    opened = {
        (path if path.isdigit() else os.path.realpath(folder / path)): mode
        for path, mode, _ in (a for e, a in events if e == "open")
    }
    given = {path: mode for path, mode in opened.items() if not path.startswith(own) and not path.isdigit()}
    assert set(given) <= {os.path.realpath(folder / name) for name in read} | {"/dev/null"}
    assert not any(mode and set(mode) & set("wax+") for mode in opened.values())
    for event, told in events:
        # `ast.parse` of a Tiltfile causes an event for compiling "<unknown>", but creates no code.
        if event in ("import", "exec") or (event == "compile" and told[1] != "<unknown>"):
            assert MARK not in " ".join(told), event
