"""Messages about entries of `images` whose `from` has no reference, or several."""

from __future__ import annotations

import re

import pytest
from harness import Program

from krm_image_setter import ConfigError, read_config, set_images, set_images_in

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
CONFIG = HEAD + "images:\n- {name: k, from: {kind: Job, name: no-op, path: .image}}\n"
JOB = "kind: Job\nmetadata: {name: no-op}\nimage: "
POINTS = "path .image of Job/no-op points to"

FAILURES = {
    "missing resource": ("kind: A\nspec: {image: k}\n", "no resource matches Job no-op"),
    "resource of another kind": (
        "kind: CronJob\nmetadata: {name: no-op}\nimage: k\n",
        "no resource matches Job no-op",
    ),
    "missing field": ("kind: Job\nmetadata: {name: no-op}\n", "path .image matches no field of Job/no-op"),
    "empty string": (JOB + "''\n", f"{POINTS} an empty string, expected an image reference"),
    "blank string": (JOB + "' '\n", f"{POINTS} a string, expected an image reference"),
    "null": (JOB + "\n", f"{POINTS} null, expected an image reference"),
    "list": (JOB + "[k]\n", f"{POINTS} a list, expected an image reference"),
    "number": (JOB + "1\n", f"{POINTS} a number, expected an image reference"),
    "invalid reference": (JOB + "a b\n", "the value at .image of Job/no-op is not an image reference: "),
    "two values": (
        f"{JOB}a\n---\n{JOB}b\n",
        '.image has different values: "a" (Job/no-op) and "b" (Job/no-op); narrow the selector',
    ),
    "three values": (
        f"{JOB}a\n---\n{JOB}b\n---\n{JOB}c\n",
        '.image has different values: "a" (Job/no-op) and "b" (',
    ),
}


@pytest.mark.parametrize(("text", "reason"), FAILURES.values(), ids=FAILURES)
def test_failure_names_resource_field_or_value(text: str, reason: str) -> None:
    expected = f'line 4: images[0].from: cannot set "k": {reason}'
    with pytest.raises(ConfigError, match=re.escape(expected)):
        set_images(text, read_config(CONFIG))
    texts = {str(number): part for number, part in enumerate(text.split("---\n"))}
    with pytest.raises(ConfigError, match=re.escape(expected)):
        set_images_in(texts, read_config(CONFIG))


def test_invalid_value_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        set_images(JOB + "hunter2 hunter2\n", read_config(CONFIG))
    assert "hunter2" not in str(caught.value)


def test_equal_values_are_one_reference() -> None:
    text = f"{JOB}a:1\n---\n{JOB}a:1\n---\nkind: Pod\nspec: {{containers: [{{image: k}}]}}\n"
    assert "image: a:1}" in set_images(text, read_config(CONFIG)).text


@pytest.mark.parametrize("text", [FAILURES["missing resource"], FAILURES["missing field"], FAILURES["list"]])
def test_program_reports_the_entry_of_the_configuration(program: Program, text: tuple[str, str]) -> None:
    program.write("a.yaml", text[0])
    program.write("functions.yaml", CONFIG)
    ran = program("set", "a.yaml")
    assert ran.status == 2
    assert f'error: functions.yaml:4: images[0].from: cannot set "k": {text[1]}' in ran.stderr
