"""A page as a story: its files are written, its commands run, its output compared.

A block with a `title`, or after a line with a path in backticks and a colon, is a file. A `sh` block is run by bash in the directory of the page's files, with the program on
its PATH. The block after it is the output: `text`, `diff` and `json` are standard output, `console` is what a terminal
shows, which includes standard error. A comment before a block can be `not run: REASON`, `needs: PROGRAM` or `status: N`.

With WRITE_GOLDEN in the environment, each output block of the page is replaced by the output of today.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
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
OUTPUT = ("text", "diff", "json", "console")


class Block(NamedTuple):
    line: int
    language: str
    title: str
    body: str
    said: dict[str, str]


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    fence = re.compile(
        r"(?:^`(?P<caption>[\w./-]+)`:\n\n)?(?:<!-- (?P<key>[a-z ]+): (?P<value>[^\n]*?) "
        r'-->\n)?^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$',
        re.DOTALL | re.MULTILINE,
    )
    found = [
        Block(
            text.count("\n", 0, match.start()) + 1,
            match["language"],
            match["title"] or match["caption"] or "",
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


def bash(
    script: str, folder: Path, variables: dict[str, str] | None = None, *, as_terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script; `as_terminal` writes standard error to standard output, as a terminal shows them."""
    if not Path(sys.executable).with_name("krm-image-setter").exists():
        pytest.skip("krm-image-setter is not installed as a program here")
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**environment(folder), **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if as_terminal else subprocess.PIPE,
        text=True,
        timeout=600,  # pip may be slow
        check=False,
    )


def told(page: Path) -> list[tuple[Block, Block | None]]:
    """Return each block with the output block after it."""
    found = blocks(page)
    return [
        (block, follower if block.language == "sh" and follower and follower.language in OUTPUT else None)
        for block, follower in zip_longest(found, found[1:])
    ]


def run_story(
    found: list[tuple[Block, Block | None]], page: Path, folder: Path, hosts: Mapping[str, str] | None = None
) -> int:
    """Run the commands of a page whose files are in `folder`, and return how many; skip if a program is missing.

    The commands that can be run are run before the test is skipped. `hosts` maps the names of registries in the page
    to those of registries on loopback.
    """
    local, published = hosts or {}, {host: name for name, host in (hosts or {}).items()}
    missing, ran, outdated = set(), 0, []
    for block, output in found:
        written_files([(block, None)], folder, local)
        if block.language != "sh" or block.said.get("not run"):
            continue
        if "krm-image-setter/fixtures/" in block.body:
            (folder / "krm-image-setter").symlink_to(ROOT)
        program = block.said.get("needs", "bash")
        if not is_there(program):
            missing.add(program)
            continue
        done = bash(
            replaced(block.body, local), folder, as_terminal=output is not None and output.language == "console"
        )
        assert done.returncode == int(block.said.get("status", 0)), (page.name, block.line, done)
        if output and replaced(done.stdout, published) != output.body:
            outdated.append((output, replaced(done.stdout, published)))
        ran += 1
    if outdated and os.environ.get("WRITE_GOLDEN"):
        write_outputs(page, outdated)
    assert [(output.line, output.body) for output, _ in outdated] == [
        (output.line, new) for output, new in outdated
    ], f"{page.name}: WRITE_GOLDEN=1 writes the output of today"
    if missing:
        pytest.skip(f"not on this machine, and so not run: {', '.join(sorted(missing))}")
    return ran


def written_files(found: list[tuple[Block, Block | None]], folder: Path, hosts: Mapping[str, str]) -> None:
    """Write the files of a page into `folder`, with the registries in `hosts`."""
    for block, _ in found:
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(replaced(block.body, hosts))


def replaced(text: str, hosts: Mapping[str, str]) -> str:
    """Replace the names of hosts in a text."""
    for name, host in hosts.items():
        text = text.replace(name, host)
    return text


def write_outputs(page: Path, outdated: list[tuple[Block, str]]) -> None:
    """Replace the bodies of output blocks in a page."""
    lines = page.read_text().splitlines(keepends=True)
    for output, new in reversed(outdated):
        lines[output.line : output.line + output.body.count("\n")] = [new]
    page.write_text("".join(lines))


def check_configuration(text: str) -> None:
    """Check that the decoder and the schema both accept an ImageSetter."""
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []
    if "images:" not in text and "registries:" not in text:
        text += "images: {nginx: nginx:2}\n"
    read_config(text)
