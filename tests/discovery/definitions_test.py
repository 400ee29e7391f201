"""CRDs in JSON as plain data, and the other documents on the same lines."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from discovery.definitions import RULES, STRING, crd, fields

from krm_image_setter import InputError
from krm_image_setter.discovery import discover
from krm_image_setter.discovery.definitions import take_definitions
from krm_image_setter.documents import Stream

JSON = crd(fields(image=STRING))
LIST = '{"apiVersion": "v1", "kind": "List", "items": [%s]}'
POD = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n"
YAML = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
#: a stream, the number of CRDs that are taken, and the kinds that remain
STREAMS = [
    pytest.param(JSON, 1, [], id="JSON"),
    pytest.param(f"{JSON}\n{JSON}", 2, [], id="two JSON objects"),
    pytest.param(LIST % f"{JSON}, {JSON}", 2, [], id="list"),
    pytest.param(LIST % f"{JSON}, {{}}", 0, ["List"], id="mixed list"),
    pytest.param('{"kind": "List", "items": "CustomResourceDefinition"}', 0, ["List"], id="list without items"),
    pytest.param(f"---\n{POD}---\n{JSON}\n---\n{POD}", 1, ["Pod", "Pod"], id="JSON between others"),
    pytest.param(YAML, 0, ["CustomResourceDefinition"], id="YAML"),
    pytest.param(f"{JSON[:-1]}, }}\n", 0, ["CustomResourceDefinition"], id="not strict JSON"),
    pytest.param(POD, 0, ["Pod"], id="no CRD"),
]


@pytest.mark.parametrize(("text", "count", "kinds"), STREAMS)
def test_definitions_are_taken_from_a_stream(text: str, count: int, kinds: list[str]) -> None:
    definitions, rest = take_definitions(Stream(text))
    assert [definition["kind"] for definition in definitions] == ["CustomResourceDefinition"] * count
    assert re.findall(r"^(?:\{.*?)?\"?kind\"?: \"?(\w+)", rest.text, re.MULTILINE) == kinds
    assert not rest.text or rest.text.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", [JSON[:-1], f"{JSON}]", "[" * 100_000], ids=["open", "bracket", "deep"])
def test_invalid_definition_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        discover(Stream(f"{POD}---\n# CustomResourceDefinition\n{text}\n"), RULES)
    assert (error.value.line or 0) > POD.count("\n") + 1


def test_definition_in_yaml_gives_the_same_fields_as_in_json() -> None:
    as_yaml = yaml.safe_dump(json.loads(JSON))
    assert discover(Stream(as_yaml), RULES) == discover(Stream(JSON), RULES)
