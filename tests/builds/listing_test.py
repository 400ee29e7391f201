from __future__ import annotations

import json
from pathlib import Path

import pytest
from builds.cases import A, becomes, errors
from harness import Program

from krm_image_setter.builds.any_file import read_images

ROW = {
    "image": f"quay.io/org/app:1@{A}",
    "name": "quay.io/org/app",
    "file": "a.yaml",
    "line": 6,
    "rule": "podSpecs",
}


def test_images_of_a_list_are_set_to_their_references() -> None:
    rows = [ROW, {**ROW, "image": "nginx:1.27"}, {**ROW, "line": 9}]
    assert becomes(json.dumps(rows)) == {"quay.io/org/app": ROW["image"], "nginx": "nginx:1.27"}


def test_images_without_a_version_are_skipped() -> None:
    text = json.dumps([ROW, {"image": "nginx:${TAG}", "name": None}, {"image": "redis"}], indent=0)
    rules, warnings = read_images([(text, "f")])
    assert [str(rule.name) for rule in rules] == ["quay.io/org/app"]
    assert warnings == (
        'f:10: [1].image: skipped: "nginx:${TAG}" is not an image reference',
        'f:14: [2].image: skipped: "redis" has no tag or digest; add one',
    )


def test_output_of_list_sets_another_folder(program: Program) -> None:
    pod = "kind: Pod\nspec: {containers: [{image: 'nginx:%s'}]}\n"
    program.write("staging/a.yaml", pod % "1.27")
    program.write("production/a.yaml", pod % "1.25")
    program.write("images.json", program("list", "staging", "-o", "json").stdout.decode())
    ran = program("set", "production", "--images-from", "images.json", "--in-place", "-q")
    assert ran == (0, b"", "")
    assert Path(program.folder, "production/a.yaml").read_text() == pod % "1.27"


test_error = errors(
    [
        pytest.param("[]", "f:1: the output of `list -o json` contains no images", id="empty list"),
        pytest.param(
            '[{"image": "a:1"},\n{"image": "a:2"}]',
            'f:2: [1].image: image "a" is set to "a:2" here and to "a:1" at f:1: [0].image; remove one of them',
            id="two tags of one image",
        ),
        pytest.param('[{"image": 1}]', 'f:1: [0].image: YAML reads 1 as the number 1; quote it: "1"', id="number"),
    ]
)
