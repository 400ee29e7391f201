"""CRDs as plain data: the same data as the tree, and the other documents on the same lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from discovery.definitions import RULES, STRING, crd, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter import InputError
from krm_image_setter.discovery import discover
from krm_image_setter.discovery.definitions import take_definitions
from krm_image_setter.documents import Stream
from krm_image_setter.yaml import parsing

JSON = crd(fields(image=STRING))
YAML = yaml.safe_dump(json.loads(JSON))
ITEM = "- " + YAML.rstrip().replace("\n", "\n  ") + "\n"
LIST = "apiVersion: v1\nitems:\n%skind: List\n"
POD = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n"
#: a stream, the number of CRDs in it, and the kinds that remain
STREAMS = [
    pytest.param(JSON, 1, [], id="JSON"),
    pytest.param(f"{JSON}\n{JSON}", 2, [], id="two JSON objects"),
    pytest.param(f'{{"apiVersion": "v1", "kind": "List", "items": [{JSON}, {JSON}]}}', 2, [], id="JSON list"),
    pytest.param(
        f'{{"apiVersion": "v1", "kind": "List", "items": [{JSON}, {{}}]}}', 0, ["List"], id="mixed JSON list"
    ),
    pytest.param(YAML, 1, [], id="YAML"),
    pytest.param(f"---\n{POD}---\n{YAML}---\n{POD}", 1, ["Pod", "Pod"], id="YAML between others"),
    pytest.param(LIST % (ITEM + ITEM), 2, ["List"], id="YAML list"),
    pytest.param(LIST % (ITEM + "- kind: X\n" + ITEM), 2, ["X", "List"], id="mixed YAML list"),
    pytest.param(POD, 0, ["Pod"], id="no CRD"),
    pytest.param(f"# CustomResourceDefinition\n{POD}", 0, ["Pod"], id="only the name of the kind"),
]


@pytest.mark.parametrize(("text", "count", "kinds"), STREAMS)
def test_definitions_are_taken_from_a_stream(text: str, count: int, kinds: list[str]) -> None:
    definitions, rest = take_definitions(Stream(text))
    assert [definition["kind"] for definition in definitions] == ["CustomResourceDefinition"] * count
    assert re.findall(r"^(?:- )?kind: (\w+)|\"kind\": \"(List)\"", rest.text, re.MULTILINE) == [
        (kind, "") if "\n" in text else ("", kind) for kind in kinds
    ]
    assert not rest.text.strip() or rest.text.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "line", ["description: a: b", "description: 'a", "description: a\n  b: c", "x: {"], ids=lambda line: line[:20]
)
def test_invalid_definition_is_an_error_with_its_line(line: str) -> None:
    with pytest.raises(InputError) as error:
        discover(Stream(f"{POD}---\n{YAML}{line}\n"), RULES)
    assert (error.value.line or 0) > POD.count("\n") + 1


WORDS = st.sampled_from(
    ["image", "it's", '"quoted"', "a: b", "# no", "-", "back\\slash", "$(x)", "long " * 30, "\n", "é"]
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.just("string"), "description": TEXTS}),
    lambda inner: st.fixed_dictionaries(
        {
            "description": TEXTS,
            "properties": st.dictionaries(st.sampled_from(["image", "a", "b"]), inner, max_size=3),
        }
    ),
    max_leaves=8,
)


@given(SCHEMAS, st.sampled_from([None, "'", '"', "|", ">"]), st.sampled_from([20, 80, 1000]))
@settings(deadline=None)
def test_plain_data_of_a_definition_is_that_of_its_tree(schema: Any, style: str | None, width: int) -> None:
    text = yaml.dump({**json.loads(JSON), "schema": schema}, default_style=style, width=width, allow_unicode=True)
    (document,) = parsing.parse(text)
    definitions, rest = take_definitions(Stream(text))
    if style in (None, "'"):
        assert (len(definitions), rest.text) == (1, "")
    assert [normalized(definition) for definition in definitions] == [normalized(document.root)] * len(definitions)


def normalized(value: Any) -> Any:
    """Return data without the characters that are not kept in long texts."""
    if isinstance(value, dict):
        return {key: normalized(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [*map(normalized, value)]
    return " ".join(re.sub(r"[\"'\\]", "", value).split()) if isinstance(value, str) else value
