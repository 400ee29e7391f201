"""Every folder of fixtures/ is a case: input.yaml, config.yaml, and what must come out.

expected.yaml is the output; where there is none the input must stay as it is. results.yaml lists the results that
are no changes; errors.txt has the lines of stderr of a run that fails. A ResourceList needs no config.yaml. Bytes
are compared with bytes. `make golden` rewrites the expectations, and fails where it changed one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, Program

from krm_image_setter import Outcome, read_config, set_images
from krm_image_setter.config import decode, read_values
from krm_image_setter.documents import Stream
from krm_image_setter.edits import apply_edits
from krm_image_setter.function import plan_function, read_resource_list
from krm_image_setter.results import INFO
from krm_image_setter.yaml import events

FIXTURES = ROOT / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.glob("*/input.yaml"))
FILES = {"input.yaml", "config.yaml", "expected.yaml", "results.yaml", "errors.txt"}
REWRITE = "WRITE_GOLDEN" in os.environ

ERRORS = [case for case in CASES if (case / "errors.txt").exists()]
STREAMS = [case for case in CASES if case not in ERRORS and (case / "config.yaml").exists()]


def each(cases: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def test_there_are_cases() -> None:
    assert CASES
    assert ERRORS
    assert STREAMS
    assert not [path for path in FIXTURES.iterdir() if not path.is_dir()]


def read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.exists() else None


def run(case: Path, text: str) -> Outcome:
    config = read(case / "config.yaml")
    resource_list = read_resource_list(Stream(text))
    if resource_list is None:
        assert config is not None, "a filter's case needs config.yaml"
        return set_images(text, read_config(config))
    edits, results = plan_function(resource_list, lambda value: decode_given(value, config))
    return Outcome(apply_edits(text, edits), results)


def decode_given(value: Any, config: str | None) -> Any:
    return decode([*(read_values(config, None) if config else []), *([value] if value else [])])


@each([case for case in CASES if case not in ERRORS])
def test_case(case: Path, parser: str) -> None:
    assert {path.name for path in case.iterdir()} <= FILES
    text = read(case / "input.yaml")
    assert text is not None
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


@each(ERRORS)
def test_error_case(case: Path, program: Program) -> None:
    errors = read(case / "errors.txt")
    assert errors is not None
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


@each(STREAMS)
def test_function_and_filter_agree(case: Path) -> None:
    """The items of a ResourceList come out as they do in a stream."""
    text, config = read(case / "input.yaml"), read(case / "config.yaml")
    assert text is not None
    assert config is not None
    documents = [part.removeprefix("---").lstrip("\r\n") for part in cut(text.removeprefix("\ufeff"))]
    items = "".join(
        re.sub(r"(?m)^(?=[^\r\n])", "  ", part).replace("  ", "- ", 1).rstrip() + "\n" for part in documents
    )
    head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
    as_function = run(case, head + items)
    as_filter = set_images(text, read_config(config))
    changes = [
        [r._replace(line=None, column=None) for r in outcome.results] for outcome in (as_function, as_filter)
    ]
    assert changes[0] == changes[1]
    assert yaml.load(as_function.text, yaml.BaseLoader)["items"] == [
        document for document in yaml.load_all(as_filter.text, yaml.BaseLoader) if document is not None
    ]


def cut(text: str) -> list[str]:
    """Return the documents of a stream of a fixture, which has no other lines that start with dashes."""
    return [part for part in re.split(r"(?m)^(?=---$)", text.replace("\r\n", "\n")) if part.strip("-\n")]


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


def test_the_ways_of_the_seed_give_the_same() -> None:
    """Tilt's official way and both workarounds, on one manifest."""
    cases = [case for case in CASES if case.name.startswith("seed-")]
    assert len(cases) == 3
    for name in ("input.yaml", "expected.yaml"):
        assert len({(case / name).read_bytes() for case in cases}) == 1
    assert len({(case / "config.yaml").read_bytes() for case in cases}) == 3
