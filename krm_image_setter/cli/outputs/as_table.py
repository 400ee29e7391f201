"""Writes a report as a table for a terminal: each image once, with its locations below it."""

from __future__ import annotations

from itertools import groupby

from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import ListReport
from krm_image_setter.typed import Final

_INDENT: Final = "  "


def write(report: ListReport) -> None:
    """Write a report as a table. On a terminal, its lines fit into the width of the terminal."""
    groups = list(report.groups())
    lines = terminal.fitted([row for _, row in groups], indent=_INDENT)
    for heading, group in groupby(zip(groups, lines, strict=True), key=lambda pair: pair[0][0]):
        terminal.write(f"{terminal.fitted([(heading,)])[0]}\n", style="1")
        terminal.write("".join(f"{line}\n" for _, line in group))
