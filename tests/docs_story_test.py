"""README.md and each page of docs/ are stories that are true (story.py). Their other YAML blocks configure the program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT
from story import SCHEMA, blocks, check_configuration, run_story, told

from krm_image_setter.paths import parse_path

#: Pages whose examples have a form, and a test, of their own.
OTHERS = {"from-tilt.md", "images-from.md", "import.md", "pin-and-mirror.md", "recipes.md"}
PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in OTHERS)]
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path, tmp_path: Path) -> None:
    found = told(page)
    outputs = [output for _, output in found if output]
    for block, _ in found:
        if (block.language == "yaml" and block.title and "kind: ImageSetter" in block.body) or (
            block.language == "yaml" and not block.title
        ):
            check_configuration(block.body if "kind: ImageSetter" in block.body else HEAD + block.body)
        elif not block.title and block.language not in ("sh", ""):  # a block without a language is a drawing
            assert block in outputs, f"{page.name}:{block.line}: nothing checks this block"
    run_story(found, page, tmp_path)


def rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs/paths.md").read_text().partition("each of these finds:")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \| ?(.*?) ?\|$", text, re.MULTILINE)


@pytest.mark.parametrize(("path", "finds"), rows(), ids=lambda value: value or "nothing")
def test_paths(path: str, finds: str) -> None:
    (resource,) = (block.body for block in blocks(ROOT / "docs/paths.md") if block.title)
    assert [match.value for match in parse_path(path).find(yaml.safe_load(resource))] == finds.split()


def test_every_notation_has_rows() -> None:
    assert len(rows()) > 15


def test_the_reference_is_that_of_the_schema() -> None:
    tables = ROOT / "tools/config_reference.py"
    module: dict[str, Any] = {"__file__": str(tables), "__name__": "config_reference"}
    exec(compile(tables.read_text(), tables, "exec"), module)
    page = (ROOT / "docs/configuration.md").read_text()
    assert module["with_tables"](page) == page, "run python tools/config_reference.py"
    shown = re.findall(r"<!-- reference: (\S+) -->", page)
    assert set(properties(SCHEMA)) == {
        name
        for path in shown
        for name in properties({"properties": module["mapping_at"](path)["properties"]}, deep=False)
    }


def properties(node: Any, *, deep: bool = True) -> Iterator[str]:
    """Yield the names of all fields in a schema, each of which must have a description."""
    if isinstance(node, dict):
        for name, field in node.get("properties", {}).items():
            assert field.get("description"), name
            yield name
        for value in node.values() if deep else ():
            yield from properties(value)
    elif isinstance(node, list):
        for item in node:
            yield from properties(item)
