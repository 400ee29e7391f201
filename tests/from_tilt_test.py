"""Each pair of docs/from-tilt.md, run: Tilt's call by our import, our configuration, and what becomes of a manifest."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from harness import ROOT, before_and_after
from importers.acceptance import filled, source

from krm_image_setter import read_config, set_images
from krm_image_setter.errors import ConfigError
from krm_image_setter.importers.tiltfile import import_tiltfile

PAGE = (ROOT / "docs/from-tilt.md").read_text()
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
IMAGES = "images: [{name: app, newName: registry/app, newTag: '2'}]\n"


class Pair(NamedTuple):
    tilt: str
    config: str
    lines: str


def pairs() -> list[Pair]:
    """Return the examples: Tilt's block where there is one, ours, and the manifest."""
    found: list[Pair] = []
    blocks = re.findall(r"^```(python|yaml|text)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    tilt = config = ""
    for language, body in blocks:
        if language == "python":
            tilt = body
        elif language == "yaml":
            config = body
        else:
            found.append(Pair(tilt, config, body))
            tilt = config = ""
    return found


PAIRS = pairs()
TILT = [pair for pair in PAIRS if pair.tilt]


def test_there_are_pairs() -> None:
    assert len(PAIRS) >= 12
    assert len(TILT) >= 8


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.config for pair in PAIRS])
def test_our_side(pair: Pair) -> None:
    before, after, error = before_and_after(pair.lines)
    config = HEAD + pair.config + ("" if "images:" in pair.config else IMAGES)
    try:
        outcome = set_images(before, read_config(config))
    except ConfigError as refused:
        assert error == f"error: {refused.message}"
        assert before == after
    else:
        assert outcome.text == after
        told = [str(result) for result in outcome.results if result.severity != "info"]
        assert told == ([error] if error else [])


@pytest.mark.parametrize("pair", TILT, ids=[pair.tilt for pair in TILT])
def test_tilts_side_imported(pair: Pair) -> None:
    before, after, _ = before_and_after(pair.lines)
    imported = import_tiltfile(source(pair.tilt, "Tiltfile"))
    assert imported.notes == ()
    if "NEW-REFERENCE" in imported.text:
        config = filled(imported.text, "registry/app:2")
    else:
        config = imported.text + ("" if "docker_build" in pair.tilt else IMAGES)
    assert set_images(before, read_config(config)).text == after
