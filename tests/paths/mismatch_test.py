from __future__ import annotations

from typing import Any

import pytest

from krm_image_setter.paths import parse_path
from krm_image_setter.paths.mismatch import Mismatch, find_mismatch

DATA: dict[str, Any] = {
    "spec": {
        "steps": [{"image": "secret"}, {"img": 1}],
        "empty": [],
        "text": "secret",
        "number": 1,
        "null": None,
        "a.b": {"c": 1},
    }
}

IMAGE = 'no field "imag" in .spec.steps[0]; did you mean "image"?'
STEPS = 'no field "step" in .spec; did you mean "steps"?'
KUBERNETES = {
    "misspelled first field": ("{.spc.x}", 1, 'no field "spc"; did you mean "spec"?'),
    "misspelled field": ("{.spec.step}", 2, STEPS),
    "relaxed form": ("spec.step", 2, STEPS),
    "field without a similar name": ("{.spec.other}", 2, 'no field "other" in .spec'),
    "list without an index": ("{.spec.steps.image}", 3, ".spec.steps is a list; use [*]"),
    "field of all items": ("{.spec.steps[*].imag}", 4, IMAGE),
    "index after the last item": ("{.spec.steps[5].image}", 3, "no item of .spec.steps matches"),
    "filter without a match": ("{.spec.steps[?(@.a==1)].image}", 3, "no item of .spec.steps matches"),
    "empty list": ("{.spec.empty[*].image}", 3, ".spec.empty is an empty list"),
    "field of a string": ("{.spec.text.image}", 3, ".spec.text is a string, not a mapping"),
    "field of a number": ("{.spec.number.image}", 3, ".spec.number is a number, not a mapping"),
    "field of null": ("{.spec.null.image}", 3, ".spec.null is null, not a mapping"),
    "items of a string": ("{.spec.text[*]}", 3, ".spec.text is a string, not a list"),
    "items of a mapping": ("{.spec[*].image}", 2, ".spec is a mapping, not a list"),
    "quoted key": ("{.spec['a.c'].d}", 2, 'no field "a.c" in .spec; did you mean "a.b"?'),
    "field in a quoted key": ("{.spec['a.b'].d}", 3, "no field \"d\" in .spec['a.b']"),
}
FIELD_SPECS = {
    "fieldSpec with a misspelled field": ("spec/step/image", 2, STEPS),
    "fieldSpec into a list": ("spec/steps/imag", 3, IMAGE),
    "fieldSpec with brackets": ("spec/steps[]/imag", 4, IMAGE),
    "fieldSpec with brackets after a string": ("spec/text[]/image", 3, ".spec.text is a string, not a list"),
    "fieldSpec through an empty list": ("spec/empty/image", 3, ".spec.empty is an empty list"),
}
JSON_PATHS = {
    "$ path with a misspelled field": ("$.spec.step", 2, STEPS),
    "$ path to a list without an index": ("$.spec.steps.image", 3, ".spec.steps is a list; use [*]"),
    "$ path to a field of all items": ("$.spec.steps[*].imag", 4, IMAGE),
    "$ path with an index of a string": ("$.spec.text[0].a", 3, ".spec.text is a string, not a list"),
}


@pytest.mark.parametrize(
    ("path", "steps", "reason"),
    [*KUBERNETES.values(), *FIELD_SPECS.values(), *JSON_PATHS.values()],
    ids=[*KUBERNETES, *FIELD_SPECS, *JSON_PATHS],
)
def test_reason_of_a_mismatch(path: str, steps: int, reason: str) -> None:
    parsed = parse_path(path)
    assert parsed.find(DATA) == []
    assert find_mismatch(parsed, DATA) == Mismatch(steps, reason)


UNEXPLAINED = {
    "recursive descent": "{..imag}",
    "range": "{range .spec.steps[*]}{.imag}{end}",
    "two actions": "{.spec.a}{.spec.b}",
    "empty action": "{}",
    "$ path with recursive descent": "$..imag",
    "$ path with a filter": "$.spec.steps[?(@.image=='x')]",
    "path with a match": "{.spec.steps[*].image}",
    "$ path with a match": "$.spec.steps[*].image",
    "fieldSpec with a match": "spec/steps/image",
}


@pytest.mark.parametrize("path", UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_no_reason_for_other_paths(path: str) -> None:
    assert find_mismatch(parse_path(path), DATA) is None


def test_reason_never_contains_a_value() -> None:
    paths = ["{.spec.text.secre}", "{.spec.steps[0].image.secre}", "$.spec.text.secre", "spec/text/secre"]
    assert not any("secret" in str(find_mismatch(parse_path(path), DATA)) for path in paths)
