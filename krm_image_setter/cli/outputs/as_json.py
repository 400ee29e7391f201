"""Writes a report as a JSON array with one object per line."""

from __future__ import annotations

import json

from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import Report
from krm_image_setter.errors import python_escaped
from krm_image_setter.typed import Final

# In a file name, a lone surrogate represents a byte that is not UTF-8. Python escapes it as JSON does.
_SURROGATES: Final = r"[\ud800-\udfff]"


def write(report: Report) -> None:
    """Write a report as JSON. A byte of a file name that is not UTF-8 is written as an escape."""
    end = "["
    for row in report.data():
        line = python_escaped(_SURROGATES, json.dumps(row, ensure_ascii=False))
        terminal.write(f"{end}\n {line}")
        end = ","
    terminal.write("[]\n" if end == "[" else "\n]\n")
