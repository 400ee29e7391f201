"""The unified diff of edits, compared with difflib and with a strict patch program."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess

import pytest
from harness import Program
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.cli.diff import unified_diff
from krm_image_setter.edits import Edit, apply_edits

PIECES = st.sampled_from(["", "a", "b", "\n", "a\n", "\r\n", "b\n\nc", "\x0b", "\u2028"])


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    source = "".join(draw(st.lists(PIECES, max_size=30)))
    cuts = sorted(draw(st.sets(st.integers(0, len(source)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return source, [Edit(start, end, draw(PIECES)) for start, end in pairs]


def applied(source: str, diff: str) -> str:
    """Return the result of a strict patch program for a source and a diff."""
    old = re.findall(r"[^\n]*\n|[^\n]+", source)
    new: list[str] = []
    at = 0
    lines = re.findall(r"[^\n]*\n", diff)[2:]
    for number, line in enumerate(lines):
        follows = lines[number + 1] if number + 1 < len(lines) else ""
        text = line[1:-1] if follows.startswith("\\ No newline") else line[1:]
        if line.startswith("@@"):
            match = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", line)
            assert match
            start = int(match[1]) - (match[2] != "0")
            new += old[at:start]
            at = start
            assert int(match[3]) - (match[4] != "0") == len(new)
        elif line[0] in " -":
            assert old[at] == text
            at += 1
        if line[0] in " +":
            new.append(text)
    return "".join(new + old[at:])


@given(edited())
def test_diff_of_random_edits_gives_the_new_text(case: tuple[str, list[Edit]]) -> None:
    source, edits = case
    new = apply_edits(source, edits)
    diff = "".join(unified_diff("f", source, edits))
    assert bool(diff) == (new != source)
    if diff:
        assert applied(source, diff) == new


def test_diff_equals_the_diff_of_difflib() -> None:
    source = "".join(f"line {number}\n" for number in range(40))
    edits = [
        Edit(source.index(f"line {n}\n"), source.index(f"line {n}\n") + 4, "LINE") for n in (0, 3, 20, 26, 34)
    ]
    new = apply_edits(source, edits)
    expected = difflib.unified_diff(source.splitlines(True), new.splitlines(True), "f", "f")
    assert list(unified_diff("f", source, edits)) == list(expected)


ADDED = [
    pytest.param("a\nb\n", Edit(1, 1, "\n  c"), "@@ -1,2 +1,3 @@\n a\n+  c\n b\n", id="added line"),
    pytest.param(
        "a\nb",
        Edit(3, 3, "\nc\n"),
        "@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n",
        id="no line feed at the end",
    ),
    pytest.param("", Edit(0, 0, "a\n"), "@@ -0,0 +1 @@\n+a\n", id="empty old text"),
    pytest.param("a\n", Edit(0, 2, ""), "@@ -1 +0,0 @@\n-a\n", id="empty new text"),
    pytest.param("a\n", Edit(0, 1, "a"), "", id="edit without a change"),
]


@pytest.mark.parametrize(("source", "edit", "expected"), ADDED)
def test_diff_of_one_edit_has_its_lines(source: str, edit: Edit, expected: str) -> None:
    diff = "".join(unified_diff("f", source, [edit]))
    assert diff == (f"--- f\n+++ f\n{expected}" if expected else "")


NAMES = [
    "web.yaml",
    "a b/c/x y.yaml",
    " leading.yaml",
    "trailing .yaml",
    "größe-日本.yaml",
    'quote".yaml',
    "back\\slash.yaml",
    "tab\there.yaml",
    "line\nfeed.yaml",
    "-.yaml",
]
POD = "kind: Pod\nspec: {containers: [{image: nginx}]}\n"
TEXTS = [POD, POD.replace("\n", "\r\n"), POD.rstrip(), "\ufeff# ü\r\n" + POD.rstrip()]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("path", [".", "./", "{folder}", "../{name}"])
def test_git_applies_the_diff(program: Program, path: str) -> None:
    names = [f"{number}/{name}" for number in range(len(TEXTS)) for name in NAMES]
    for number, name in enumerate(names):
        program.write(name, TEXTS[number // len(NAMES)])
    path = path.format(folder=program.folder, name=program.folder.name)
    diff = program("set", path, "--image", "nginx=nginx:2", "--diff").stdout
    git = ["git", "-c", "core.autocrlf=false", "apply", "-p0", "--whitespace=nowarn"]
    subprocess.run(git, cwd=program.folder, input=diff, check=True)
    for number, name in enumerate(names):
        expected = TEXTS[number // len(NAMES)].replace("nginx", "nginx:2")
        assert (program.folder / name).read_bytes().decode() == expected
