"""The `discover` command."""

from __future__ import annotations

import pytest
import yaml
from discovery.definitions import CONTAINER, STRING, crd, fields, listed
from harness import Program


def test_kinds_of_definitions_are_printed(program: Program) -> None:
    program.write("crds/a.yaml", crd(fields(image=STRING, web=CONTAINER, containers=listed(CONTAINER))))
    program.write("crds/template.yaml", "kind: {{ x\n")
    ran = program("discover", "crds")
    assert ran.status == 0
    assert "template.yaml" in ran.stderr
    config = yaml.safe_load(ran.stdout)
    assert config["kinds"] == [
        {"kind": "Thing", "apiVersion": "example.com/*", "paths": ["{.spec.image}", "{.spec.web.image}"]}
    ]
    assert b"# Thing.example.com: the pod specs at {.spec} are found without an entry" in ran.stdout
    program.write("functions.yaml", ran.stdout.decode())
    thing = "apiVersion: example.com/v1\nkind: Thing\nspec: {image: a:1}\n"
    ran = program("--fn-config", "functions.yaml", "--image", "a=a:2", stdin=thing)
    assert ran.stdout.decode() == thing.replace("a:1", "a:2")


@pytest.mark.parametrize(("least", "count"), [("sure", 1), ("likely", 2), ("possible", 3)])
def test_min_confidence_selects_paths(program: Program, least: str, count: int) -> None:
    program.write("a.yaml", crd(fields(image=STRING, web=CONTAINER)))
    config = yaml.safe_load(program("discover", "a.yaml", "--min-confidence", least).stdout)
    assert len(config["kinds"][0]["paths"]) == count


def test_input_without_findings_prints_no_kinds(program: Program) -> None:
    ran = program("discover", "-", stdin="kind: Pod\n")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.endswith(b"# No entries in `kinds` are needed.\n")
    assert program("discover", "-", stdin="x: 1\n").status == 2
