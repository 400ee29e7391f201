"""docs/messages.md has the messages of the program: each row is a message, and each error is in a row."""

from __future__ import annotations

import ast
import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness import ROOT

PAGE = ROOT / "docs/messages.md"
SOURCE = ROOT / "krm_image_setter"
#: The first column of a row; a message with backticks is between two of them.
ROW = re.compile(r"^\| (?:`` (?P<quoted>.*?) ``|`(?P<plain>[^`]*)`) (?=\|)", re.MULTILINE)
#: Functions that take a message as their first argument.
REPORTS = {
    "ConfigError", "ImageSetterError", "InputError", "InvalidReference", "NotYAMLError", "PathError", "ValueError",
    "fail", "fail_shape", "_error", "_no_resource", "warning",
}  # fmt: skip
#: Parts of messages, faults of the program, and modules whose page says enough: import.md and paths.md.
ELSEWHERE = ("importers/", "paths/kubernetes.py", "paths/jsonpath.py", "edits.py", "builds/", "cli/")


def literal(node: ast.AST) -> str | None:
    """Return the text of a string in the source, with `…` for each value that is formatted into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def literals() -> Iterator[tuple[str, str, bool]]:
    """Yield each string of the program, its module, and whether it is reported as a message."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        reported = {
            id(call.args[0])
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and call.args and name_of(call.func) in REPORTS
        }
        for node in ast.walk(tree):
            text = literal(node)
            if text and " " in text:
                yield text, str(path.relative_to(SOURCE)), id(node) in reported


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def rows(page: str) -> list[str]:
    return [message_of(match) for match in ROW.finditer(page.partition("\n## Input")[2])]


def message_of(match: re.Match[str]) -> str:
    return (match["quoted"] or match["plain"]).replace("\\|", "|")


def test_each_row_is_a_message() -> None:
    texts = sorted({text for text, _, _ in literals()})
    everything = "\n".join(texts)
    page = PAGE.read_text()
    missing = [row for row in rows(page) if row not in everything]
    if missing and os.environ.get("WRITE_GOLDEN"):
        rewrite(page, missing, texts)
    assert missing == [], "WRITE_GOLDEN=1 writes the closest messages of today: read the diff"


def rewrite(page: str, missing: list[str], texts: list[str]) -> None:
    """Replace each message that no longer exists by the one that is most similar."""

    def row(match: re.Match[str]) -> str:
        closest = difflib.get_close_matches(message_of(match), texts, n=1, cutoff=0.3)
        if message_of(match) not in missing or not closest:
            return match[0]
        text = closest[0].replace("|", "\\|")
        return f"| `` {text} `` " if "`" in text else f"| `{text}` "

    head, heading, rest = page.partition("\n## Input")
    PAGE.write_text(head + heading + ROW.sub(row, rest))


def test_each_error_is_in_a_row() -> None:
    known = re.compile("|".join(re.escape(row).replace("…", ".*") for row in rows(PAGE.read_text())))
    unknown = {
        text
        for text, module, is_reported in literals()
        if is_reported and not module.startswith(ELSEWHERE) and not known.search(text)
    }
    assert unknown == set()


def test_there_are_rows() -> None:
    assert len(rows(PAGE.read_text())) > 80
    assert Path(PAGE).read_text().count("\n## ") > 8
