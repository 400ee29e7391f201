"""The output format `markdown`, as a parser of GitHub Flavored Markdown reads it."""

from __future__ import annotations

import pytest
from harness import Program
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from krm_image_setter.cli.outputs.as_markdown import table_line
from krm_image_setter.errors import one_line

DASHES = "| --- | --- |\n"


def cells(markdown: str) -> list[list[str]]:
    """Return the texts of the cells of all tables, row by row. A cell contains one code span, or a plain text."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            children = token.children or []
            assert len(children) <= 1, children
            rows[-1].append("".join(child.content for child in children))
    return rows


TEXTS = [
    "a|b",
    "`",
    "``a`",
    "a`|`b",
    " a ",
    "<b>*_[x](y)",
    "a\nb",
    "${TAG}",
    "\\",
    "a\\",
    "&amp;",
    "---",
    "|",
    "`a",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_one_code_span(text: str) -> None:
    markdown = table_line(["A", "B"]) + DASHES + table_line([text, "b"], is_code=True)
    assert cells(markdown) == [["A", "B"], [one_line(text), "b"]]


@given(st.text(st.sampled_from("|`\\ ab*<&\n"), min_size=1, max_size=9).filter(str.strip))
def test_every_text_is_one_code_span(text: str) -> None:
    if "\\|" in one_line(text):
        return  # the parsers disagree about a backslash before a pipe
    markdown = table_line(["A", "B"]) + DASHES + table_line([text, "b"], is_code=True)
    assert cells(markdown) == [["A", "B"], [one_line(text), "b"]]


def test_list_is_a_table_sorted_by_image(program: Program) -> None:
    program.write("a.yaml", "kind: Pod\nspec: {containers: [{image: 'nginx:${A|B}'}, {image: a}]}\n")
    assert cells(program("list", "a.yaml", "-o", "markdown").stdout.decode()) == [
        ["Image", "Resource", "Location", "Field", "Rule"],
        ["a", "Pod", "a.yaml:2", "spec.containers[1].image", "podSpecs"],
        ["nginx:${A|B}", "Pod", "a.yaml:2", "spec.containers[0].image", "podSpecs"],
    ]


def test_report_without_rows_is_a_sentence(program: Program) -> None:
    program.write("a.yaml", "kind: A\n")
    assert program("list", "a.yaml", "-o", "markdown").stdout == b"No images found.\n"
    ran = program("set", "a.yaml", "--image", "a=b", "--on-unused", "ignore", "-o", "markdown")
    assert ran.stdout == b"No images change.\n"
