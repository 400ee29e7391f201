"""Writes a report as tables in GitHub Flavored Markdown, for a comment in a pull request.

https://github.github.com/gfm/#tables-extension-
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import Report
from krm_image_setter.errors import one_line


def write(report: Report) -> None:
    """Write the tables of a report that have rows, or one sentence if there are none."""
    tables = [table for table in report.tables() if table.rows]
    if not tables:
        terminal.write(f"{report.empty}\n")
    for number, (header, rows) in enumerate(tables):
        terminal.write("\n" * bool(number) + table_line(header) + table_line("---" for _ in header))
        for row in rows:
            terminal.write(table_line(row, is_code=True))


def table_line(cells: Iterable[str], *, is_code: bool = False) -> str:
    """Return a line of a table. If `is_code` is true, the cells contain the user's text."""
    return f"| {' | '.join(map(_code, cells) if is_code else cells)} |\n"


def _code(text: str) -> str:
    """Return a text as a code span, so that nothing in it is markup. An empty text has no code span."""
    text = one_line(text)
    if not text:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # Blanks separate the fence from a backtick, and protect a blank at the start or end of the text.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    # A pipe separates cells even in a code span.
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")
