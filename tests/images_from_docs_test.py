"""Each example of docs/images-from.md, run by the program: the file that is shown, and what becomes of the manifest."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
import yaml
from harness import ROOT, Program

from krm_image_setter.builds.any_file import _FORMATS, _format_of
from krm_image_setter.builds.lines import is_lines

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "docs/images-from.md").read_text(), re.DOTALL | re.MULTILINE)
MANIFEST = BLOCKS[0][1]


class Example(NamedTuple):
    command: str
    content: str
    images: str


EXAMPLES = [
    Example(*(body for _, body in BLOCKS[start : start + 3]))
    for start, (language, _) in enumerate(BLOCKS)
    if language == "console"
]


def test_every_block_is_of_an_example() -> None:
    assert len(BLOCKS) == 1 + 3 * len(EXAMPLES)


def test_each_format_has_an_example() -> None:
    documents = [yaml.safe_load(example.content) for example in EXAMPLES if not is_lines(example.content)]
    assert set(map(_format_of, documents)) == set(_FORMATS)
    assert len(documents) < len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.command.split(" ")[0] for example in EXAMPLES])
def test_example(program: Program, example: Example) -> None:
    setter = example.command.strip().split(" && ")[-1]
    arguments = setter.split()
    assert arguments[:5] == ["krm-image-setter", "set", "deploy", "--in-place", "--images-from"]
    file = program.write(arguments[5], example.content)
    assert file in example.command.removesuffix(setter + "\n") or file == "kustomization.yaml"
    program.write("deploy/manifest.yaml", MANIFEST)
    ran = program(*arguments[1:], "--quiet")
    assert ran == (0, b"", "")
    before = re.findall(r"image: .*", MANIFEST)
    after = example.images.splitlines()
    expected = MANIFEST
    for old, new in zip(before, after, strict=True):
        expected = expected.replace(old, new)
    assert (program.folder / "deploy/manifest.yaml").read_text() == expected != MANIFEST
