"""The reader reads as it says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from properties.reader import (
    NON_STRING_TAGS,
    Location,
    NonString,
    is_non_string,
    load,
    locate_images,
    resources,
    spans,
)
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode as RuamelScalarNode

N = NonString


@pytest.mark.parametrize(
    "text, documents",
    [
        ("", []),
        ("# c\n", []),
        ("---\n---\na\n", [N(""), "a"]),
        ("\ufeffa: b", [{"a": "b"}]),
        (
            "[yes, 'yes', 1, 12:30, 0o7, 1e3, .5, ~, =, 2024-01-01, 1.2.3]",
            [
                [
                    N("yes"),
                    "yes",
                    N("1"),
                    N("12:30"),
                    N("0o7"),
                    N("1e3"),
                    N(".5"),
                    N("~"),
                    "=",
                    "2024-01-01",
                    "1.2.3",
                ]
            ],
        ),
        ("[!!str 1, !!int '1', !foo 1, ! 1]", [["1", N("1"), "1", "1"]]),
        ("{a: , 'b': ''}", [{"a": N(""), "b": ""}]),
        ("{yes: a}", [{N("yes"): "a"}]),
        ("[&a b, &a c, *a]", [["b", "c", "c"]]),
        (
            "- &a {k: 1a, l: 1b}\n- {<<: *a, k: own}\n- {k: own, <<: *a}",
            [[{"k": "1a", "l": "1b"}, {"k": "own", "l": "1b"}, {"k": "own", "l": "1b"}]],
        ),
        (
            "- &a {k: 1a}\n- &b {k: 2a, l: 2b}\n- <<: [*a, *b]",
            [[{"k": "1a"}, {"k": "2a", "l": "2b"}, {"k": "1a", "l": "2b"}]],
        ),
        ("- &a {k: v}\n- {'<<': *a}", [[{"k": "v"}, {"<<": {"k": "v"}}]]),
    ],
)
def test_load(text: str, documents: list[Any]) -> None:
    assert load(text) == documents


def test_load_refuses_what_is_no_yaml() -> None:
    with pytest.raises(yaml.YAMLError):
        load("a: b: c")


SCALARS = """
    ~ null Null NULL nULL true True TRUE tRUE yes Yes YES no off On oN y n Y N
    0 1 -1 +1 00 0777 08 0o7 0o8 0b1 0b2 0x1F 0xg 1_000 _1 1__ 12:30 12:30:45 1:60 190:20:30.15 2:60 0:1 0:1.5
    1. 1.0 1.20 .5 . .. -.5 1e3 1E3 1e+3 1.e3 1.5e3 12e3 e3 553640e6 .inf -.INF .Inf .iNF .nan .NaN +.nan -0
    2024-01-01 2024-01-01T00:00:00Z = << a 1a 1-2 1.2.3 v1 sha256:1 nginx:1
"""


@pytest.mark.parametrize("text", ["", *SCALARS.split()])
def test_what_is_no_string_is_what_a_yaml_library_would_type(text: str) -> None:
    tags = {yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))}  # type: ignore[no-untyped-call]
    for version in ((1, 1), (1, 2)):
        ruamel = YAML(typ="safe", pure=True)
        ruamel.version = version
        tags.add(str(ruamel.resolver.resolve(RuamelScalarNode, text, (True, False))))
    typed = bool(tags & NON_STRING_TAGS)
    assert is_non_string(text) == (typed or text in {"y", "Y", "n", "N"})


@pytest.mark.parametrize(
    "text, found",
    [
        (
            "{kind: Pod, spec: {containers: [{image: a}, {name: x}, {image: b}]}}",
            [("spec", "containers", 0, "image", "a"), ("spec", "containers", 2, "image", "b")],
        ),
        (
            "{initContainers: [{image: a}], ephemeralContainers: [{image: b}]}",
            [("initContainers", 0, "image", "a"), ("ephemeralContainers", 0, "image", "b")],
        ),
        (
            "{volumes: [{image: {reference: a}}, {image: b}, {reference: c}, {image: {reference: 1}}]}",
            [("volumes", 0, "image", "reference", "a")],
        ),
        ("{deep: [[{containers: [{image: a}]}]]}", [("deep", 0, 0, "containers", 0, "image", "a")]),
        (
            "{containers: [{image: }, {image: 1}, {image: [a]}, {image: {reference: a}}, {image: "
            "''}, a, [{image: b}]]}",
            [("containers", 4, "image", "")],
        ),
        ("{containers: {image: a, b: {image: c}}}", []),
        ("{containers: , initContainers: [], volumes: a}", []),
        ("{metadata: {containers: [{image: a}]}, spec: {metadata: {containers: [{image: a}]}}}", []),
        ("{kind: CustomResourceDefinition, containers: [{image: a}]}", []),
        (
            "{kind: List, items: [{kind: CustomResourceDefinition, containers: [{image: a}]}, "
            "{containers: [{image: b}]}]}",
            [("items", 1, "containers", 0, "image", "b")],
        ),
        (
            "{kind: PodList, items: [{kind: List, items: [{containers: [{image: a}]}]}], containers: [{image: b}]}",
            [("items", 0, "items", 0, "containers", 0, "image", "a")],
        ),
        (
            "{kind: ResourceList, functionConfig: {containers: [{image: a}]}, items: [a, "
            "[{containers: [{image: a}]}]]}",
            [],
        ),
        ("{kind: Widget, items: [{containers: [{image: a}]}]}", [("items", 0, "containers", 0, "image", "a")]),
        (
            "{x: &x {image: a}, containers: [{<<: *x}, *x]}",
            [("containers", 0, "image", "a"), ("containers", 1, "image", "a")],
        ),
        ("[{containers: [{image: a}]}]", []),
        ("text", []),
    ],
)
def test_locate_images(text: str, found: list[tuple[str | int, ...]]) -> None:
    (document,) = load(text)
    assert [(*location, value) for location, value in locate_images(document)] == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("kind: Pod", [((), "Pod")]),
        ("a: b", [((), None)]),
        ("{kind: PodList, items: [{}, {kind: Job}, text]}", [(("items", 0), "Pod"), (("items", 1), "Job")]),
        (
            "{kind: List, items: [{}, {kind: JobList, items: [{}]}]}",
            [(("items", 0), None), (("items", 1, "items", 0), "Job")],
        ),
        ("{kind: ResourceList, items: [{}]}", [(("items", 0), None)]),
        ("{kind: PodList, items: {a: b}}", [((), "PodList")]),
    ],
)
def test_resources(text: str, found: list[tuple[Location, str | None]]) -> None:
    (document,) = load(text)
    assert [(location, kind) for location, kind, _ in resources(document)] == found


@pytest.mark.parametrize(
    "text, found",
    [
        ("a", [{(): "a"}]),
        ("\ufeff--- &x !!str a # c\n---\nb\n", [{(): "a"}, {(): "b"}]),
        ("a: [b, {c: 'd'}]", [{("a", 0): "b", ("a", 1, "c"): "'d'"}]),
        ("a: &x\n  !!str\n  b\n   c  # d", [{("a",): "b\n   c"}]),
        ("a: |2- # c\n   b\n\n  c\n\n# d\nb: c", [{("a",): "\n   b\n\n  c", ("b",): "c"}]),
        ("a:\nb: ''", [{("a",): "", ("b",): "''"}]),
    ],
)
def test_spans(text: str, found: list[dict[Location, str]]) -> None:
    cut = [{location: text[start:end] for location, (start, end) in document.items()} for document in spans(text)]
    assert cut == found
