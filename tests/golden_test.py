"""Every folder of fixtures/ is a case: input.yaml, config.yaml, and what must come out.

expected.yaml is the output; where there is none the input must stay as it is. results.yaml lists the results that
are no changes; errors.txt has the lines of stderr of a run that fails. A ResourceList needs no config.yaml. Bytes
are compared with bytes. `make golden` rewrites the expectations, and fails where it changed one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, Program

from krm_image_setter import Outcome, read_config, set_images
from krm_image_setter.config import decode, read_values
from krm_image_setter.function import read_resource_list, run_function
from krm_image_setter.results import INFO
from krm_image_setter.yaml import events

FIXTURES = ROOT / "fixtures"
CASES = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
FILES = {"input.yaml", "config.yaml", "expected.yaml", "results.yaml", "errors.txt"}
REWRITE = "WRITE_GOLDEN" in os.environ

cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def test_there_are_cases() -> None:
    assert len(CASES) >= 10
    assert not [path for path in FIXTURES.iterdir() if not path.is_dir()]


def read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.exists() else None


def run(case: Path, text: str) -> Outcome:
    config = read(case / "config.yaml")
    resource_list = read_resource_list(text)
    if resource_list is None:
        assert config is not None, "a filter's case needs config.yaml"
        return set_images(text, read_config(config))
    return run_function(resource_list, lambda value: decode_given(value, config))


def decode_given(value: Any, config: str | None) -> Any:
    return decode([*(read_values(config, None) if config else []), *([value] if value else [])])


@cases
def test_case(case: Path, parser: str) -> None:
    assert {path.name for path in case.iterdir()} <= FILES
    text = read(case / "input.yaml")
    assert text is not None
    if (case / "errors.txt").exists():
        pytest.skip("an error: see test_error_case")
    outcome = run(case, text)
    if REWRITE and parser == "c":
        rewrite(case, text, outcome)
    expected = read(case / "expected.yaml")
    assert outcome.text.encode() == (text if expected is None else expected).encode()
    told = yaml.safe_load(read(case / "results.yaml") or "[]")
    assert [result.to_data() for result in outcome.results if result.severity != INFO] == told

    again = run(case, outcome.text)
    assert [result for result in again.results if result.severity == INFO] == [], "a second run changes nothing"
    if not told:
        assert again.text == outcome.text


@cases
def test_error_case(case: Path, program: Program) -> None:
    errors = read(case / "errors.txt")
    if errors is None:
        pytest.skip("no error: see test_case")
    assert not (case / "expected.yaml").exists(), "a case has an output or an error"
    config = case / "config.yaml"
    ran = program(
        *(["--fn-config", str(config)] if config.exists() else []), stdin=(case / "input.yaml").read_bytes()
    )
    said = ran.stderr.replace(str(case) + os.sep, "")
    if REWRITE and said != errors:
        (case / "errors.txt").write_bytes(said.encode())
        pytest.fail("rewritten: look at the diff")
    assert (ran.status, said) == (2, errors)


@cases
def test_function_and_filter_agree(case: Path) -> None:
    """The items of a ResourceList come out as they do in a stream."""
    text, config = read(case / "input.yaml"), read(case / "config.yaml")
    assert text is not None
    if config is None or (case / "errors.txt").exists() or read_resource_list(text) or text.startswith("\ufeff"):
        pytest.skip("no stream that could stand in a ResourceList")
    if "\n---" in text or not text.startswith(("apiVersion", "kind")) or "\r" in text:
        pytest.skip("more than one plain document")
    wrapped = "\n".join(f"  {line}" if line else line for line in text.removesuffix("\n").split("\n"))
    head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
    as_function = run(case, f"{head}- {wrapped[2:]}\n")
    as_filter = set_images(text, read_config(config))
    changes = [[r._replace(line=None) for r in outcome.results] for outcome in (as_function, as_filter)]
    assert changes[0] == changes[1]
    items = yaml.load(as_function.text, yaml.BaseLoader)["items"]
    assert items == [yaml.load(as_filter.text, yaml.BaseLoader)]


def rewrite(case: Path, text: str, outcome: Outcome) -> None:
    told = [result.to_data() for result in outcome.results if result.severity != INFO]
    results = yaml.safe_dump(told, sort_keys=False, width=1000) if told else None
    expected = outcome.text if outcome.text != text else None
    changed = False
    for name, new in (("expected.yaml", expected), ("results.yaml", results)):
        path = case / name
        if new is None and path.exists():
            path.unlink()
            changed = True
        elif new is not None and read(path) != new:
            path.write_bytes(new.encode())
            changed = True
    if changed:
        pytest.fail("rewritten: look at the diff")


def test_both_parsers_are_here() -> None:
    if events.c_parser() is None:
        pytest.skip("PyYAML was built without libyaml here")
    assert events.pure_parser()
