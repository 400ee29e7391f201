"""The output format `json`."""

from __future__ import annotations

import json
import os
import sys

import pytest
from harness import Program

POD = "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{image: 'nginx:1'}]}\n"


def test_report_without_rows_is_an_empty_array(program: Program) -> None:
    program.write("a.yaml", "kind: A\n")
    assert program("list", "a.yaml", "-o", "json").stdout == b"[]\n"


def test_report_has_one_line_per_row(program: Program) -> None:
    program.write("a.yaml", POD + "---\n" + POD)
    lines = program("list", "a.yaml", "-o", "json").stdout.decode().splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("[", "]", 4)
    assert [json.loads(line.rstrip(","))["line"] for line in lines[1:-1]] == [4, 9]


def test_file_name_that_is_not_utf_8_is_valid_json(program: Program) -> None:
    if sys.platform == "darwin":
        pytest.skip("this system has no file names that are not UTF-8")
    name = os.fsdecode(b"\xff.yaml")
    program.write(name, POD)
    out = program("list", ".", "-o", "json").stdout
    assert [row["file"] for row in json.loads(out.decode())] == [f"./{name}"]
