"""A page as a story: its files are written, its commands run, its output compared.

A block with a `title` is a file. A `sh` block is run by bash in the folder of the page's files, with the program on
its PATH; a `text`, `diff` or `json` block right behind it is what it must print. A comment before a block may say
`not run: REASON`, `needs: PROGRAM` or `status: N`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from harness import ROOT
from jsonschema import Draft202012Validator

from krm_image_setter import read_config

SCHEMA = json.loads((ROOT / "krm_image_setter/config/schema.json").read_text())
OUTPUT = ("text", "diff", "json")


class Block(NamedTuple):
    line: int
    language: str
    title: str
    body: str
    said: dict[str, str]


def text_of(page: Path) -> str:
    """Return a page with the files that it includes, as the site has it."""
    return re.sub(
        r'^--8<-- "([^":]+)"\n', lambda match: text_of(ROOT / match[1]), page.read_text(), flags=re.MULTILINE
    )


def blocks(page: Path) -> list[Block]:
    text = text_of(page)
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
    """Say whether a program is on this machine, in the major version that may be said, or a `module NAME`."""
    name, _, major = needed.partition(" ")
    if name == "module":
        return find_spec(major) is not None
    if shutil.which(name) is None:
        return False
    if not major:
        return True
    version = subprocess.run([name, "version", "--short"], capture_output=True, text=True, check=False).stdout
    return version.startswith(f"v{major}.")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user who has the program on the PATH, and whose home is below `folder`."""
    others = {name: value for name, value in os.environ.items() if name != "KUSTOMIZE_PLUGIN_HOME"}
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    homes = {"HOME": "home", "XDG_CONFIG_HOME": "home/.config", "XDG_DATA_HOME": "home/.local/share"}
    return {**others, "PATH": path, **{name: str(folder / home) for name, home in homes.items()}}


def bash(script: str, folder: Path, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    if not Path(sys.executable).with_name("krm-image-setter").exists():
        pytest.skip("krm-image-setter is not installed as a program here")
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**environment(folder), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=600,  # pip may be slow
        check=False,
    )


def told(page: Path) -> list[tuple[Block, Block | None]]:
    """Return each block with the output behind it."""
    found = blocks(page)
    return [
        (block, follower if block.language == "sh" and follower and follower.language in OUTPUT else None)
        for block, follower in zip_longest(found, found[1:])
    ]


def run_story(found: list[tuple[Block, Block | None]], name: str, folder: Path) -> int:
    """Run the commands of a page whose files are in `folder`, and return how many; skip where a program is missing.

    Those that can be run are, before the test is skipped.
    """
    missing, ran = set(), 0
    for block, output in found:
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body)
        if block.language != "sh" or block.said.get("not run"):
            continue
        program = block.said.get("needs", "bash")
        if not is_there(program):
            missing.add(program)
            continue
        done = bash(block.body, folder)
        assert done.returncode == int(block.said.get("status", 0)), (name, block.line, done)
        if output:
            assert done.stdout == output.body, (name, block.line, done)
        ran += 1
    if missing:
        pytest.skip(f"not on this machine, and so not run: {', '.join(sorted(missing))}")
    return ran


def check_configuration(text: str) -> None:
    """Check that the decoder and the schema both accept an ImageSetter."""
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []
    if "images:" not in text and "registries:" not in text:
        text += "images: {nginx: nginx:2}\n"
    read_config(text)
