"""Each page of docs/ as a story that is true: its files are written, its commands run, its output compared.

A block with a `title` is a file. A `sh` block is run by bash in the folder of the page's files, with the program on
its PATH; a `text`, `diff` or `json` block right behind it is what it must print. A comment before a block may say
`not run: REASON`, `needs: PROGRAM` or `status: N`. Other YAML blocks are (parts of) an ImageSetter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from harness import ROOT
from jsonschema import Draft202012Validator

from krm_image_setter import read_config
from krm_image_setter.paths import parse_path

#: Pages whose examples have a form, and a test, of their own.
OTHERS = {"from-tilt.md", "images-from.md", "import.md"}
PAGES = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in OTHERS]
SCHEMA = json.loads((ROOT / "krm_image_setter/config/schema.json").read_text())
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
OUTPUT = ("text", "diff", "json")


class Block(NamedTuple):
    line: int
    language: str
    title: str
    body: str
    said: dict[str, str]


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    fence = re.compile(
        r'(?:<!-- (?P<key>[a-z ]+): (?P<value>.*?) -->\n)?^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$',
        re.DOTALL | re.MULTILINE,
    )
    found = [
        Block(
            text.count("\n", 0, match.start()) + 1,
            match["language"],
            match["title"] or "",
            match["body"],
            {match["key"]: match["value"]} if match["key"] else {},
        )
        for match in fence.finditer(text)
    ]
    assert len(found) * 2 == len(re.findall(r"^```", text, re.MULTILINE))
    return found


def is_there(needed: str) -> bool:
    """Say whether a program is on this machine, in the major version that may be said."""
    name, _, major = needed.partition(" ")
    if shutil.which(name) is None:
        return False
    version = subprocess.run([name, "version", "--short"], capture_output=True, text=True, check=False).stdout
    return not major or version.startswith(f"v{major}.")


def bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("krm-image-setter")
    if not program.exists():
        pytest.skip("krm-image-setter is not installed as a program here")
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "XDG_DATA_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings(value)


def check_configuration(text: str) -> None:
    """Check that the decoder and the schema both accept an ImageSetter."""
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []
    if "images:" not in text and "registries:" not in text:
        text += "images: {}\n"
    read_config(text)


def told(page: Path) -> list[tuple[Block, Block | None]]:
    """Return each block with the output behind it."""
    found = blocks(page)
    return [
        (block, follower if block.language == "sh" and follower and follower.language in OUTPUT else None)
        for block, follower in zip_longest(found, found[1:])
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path, tmp_path: Path) -> None:
    missing = set()
    outputs: list[Block | None] = []
    for block, output in told(page):
        where = f"{page.name}:{block.line}"
        if block.title:
            path = tmp_path / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body)
            if "kind: ImageSetter" in block.body:
                check_configuration(block.body)
            continue
        if block.language == "sh":
            outputs.append(output)
            if block.said.get("not run"):
                continue
            program = block.said.get("needs", "bash")
            if not is_there(program):
                missing.add(program)
                continue
            ran = bash(block.body, tmp_path)
            assert ran.returncode == int(block.said.get("status", 0)), (where, ran)
            if output:
                assert ran.stdout == output.body, where
            continue
        if block.language == "yaml":
            check_configuration(block.body if "kind: ImageSetter" in block.body else HEAD + block.body)
            continue
        assert block in outputs, f"{where}: nothing checks this block"
    if missing:
        pytest.skip(f"not on this machine, and so not run: {', '.join(sorted(missing))}")


@pytest.mark.parametrize("name", [".github/workflows/images.yaml", ".pre-commit-config.yaml", "plugin.yaml"])
def test_commands_in_configurations_of_others(name: str, tmp_path: Path) -> None:
    """What other programs would run of ours is run."""
    files = {block.title: block.body for block in blocks(ROOT / "docs/recipes.md") if block.title}
    for title, body in files.items():
        path = tmp_path / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body.replace("nginx:1.25", "nginx:1.27"))
    (tmp_path / "kustomization.yaml").write_text("resources: [deploy/web.yaml]\n")
    commands = [
        text for text in strings(yaml.safe_load(files[name])) if re.search(r"(^|\| )krm-image-setter ", text)
    ]
    assert len(commands) == 1
    if "kubectl" in commands[0] and shutil.which("kubectl") is None:
        pytest.skip("no kubectl on this machine")
    ran = bash(commands[0], tmp_path)
    assert (ran.returncode, ran.stderr.count("error")) == (0, 0), ran
    # On what is not yet as it should be, the checks say so.
    (tmp_path / "deploy/web.yaml").write_text(files["deploy/web.yaml"])
    ran = bash(commands[0], tmp_path)
    assert (ran.returncode, "image: nginx:1.27" in ran.stdout) == (
        (0, True) if "kubectl" in commands[0] else (1, False)
    )


def rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs/paths.md").read_text().partition("each of these finds:")[2]
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
