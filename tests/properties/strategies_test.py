"""The strategies are as good as they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from properties import strategies
from properties.reader import load
from properties.strategies import Written
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

STRATEGIES = {
    "streams": (strategies.streams(), strategies.STREAM_FEATURES),
    "resource lists": (strategies.resource_lists(), strategies.RESOURCE_LIST_FEATURES),
    "JSON": (strategies.json_streams(), strategies.JSON_FEATURES),
}
needs_c = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml here")
# The same examples in every run, and no shrinking.
fixed = settings(
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    found: list[Any] = []

    @settings(fixed, max_examples=count)
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@cache
def examples(name: str) -> list[Written]:
    return drawn(STRATEGIES[name][0], 400)


def is_read_by_c(text: str) -> bool:
    return reads(lambda: yaml.parse(text, Loader=yaml.CSafeLoader), yaml.YAMLError)


def is_read_by_pyyaml(text: str) -> bool:
    return reads(lambda: yaml.parse(text, Loader=yaml.SafeLoader), yaml.YAMLError)


def is_read_by_ruamel(text: str) -> bool:
    return reads(lambda: YAML(typ="safe", pure=True).parse(text), YAMLError)


def reads(parse: Callable[[], Any], refusal: type[Exception]) -> bool:
    try:
        list(parse())
    except refusal:
        return False
    return True


@needs_c
@pytest.mark.parametrize("name", STRATEGIES)
def test_texts_read_as_they_were_meant(name: str) -> None:
    for written in examples(name):
        text, features, documents = written
        assert is_read_by_c(text)
        assert is_read_by_ruamel(text) or features & strategies.RUAMEL_REFUSES
        assert load(text) == documents


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_feature_occurs(name: str) -> None:
    strategy, features = STRATEGIES[name]
    seen = Counter(feature for written in examples(name) for feature in written.features)
    assert seen.keys() <= features
    if not yaml.__with_libyaml__:  # what the only parser refuses is not drawn
        features -= strategies.RUAMEL_REFUSES
    for feature in sorted(features - seen.keys()):
        try:
            find(strategy, has(feature), settings=settings(fixed, max_examples=4000), random=Random(1))
        except NoSuchExample:
            pytest.fail(f"nothing drawn has {feature!r}")


def has(feature: str) -> Callable[[Written], bool]:
    return lambda written: feature in written.features


def test_what_is_found_shrinks() -> None:
    phases = settings(fixed, max_examples=4000, phases=[Phase.generate, Phase.shrink])
    found = find(strategies.streams(), has("literal image"), settings=phases, random=Random(1))
    assert len(found.text) < 600


def test_every_first_choice_makes_one_plain_resource() -> None:
    choices = strategies.Choices(lambda _: 0, aliases=True, directives=True)
    assert strategies.write_stream(choices, strategies.drawn_documents(choices, [])) == (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\n"
        "spec:\n  template:\n    spec:\n      containers:\n      - name: c0\n        image: nginx:1\n"
    )


@needs_c
def test_aliases_and_directives_can_be_left_out() -> None:
    unwanted = {*strategies.ALIASES, *strategies.DIRECTIVES, "merge"}
    for strategy in (strategies.streams, strategies.resource_lists):
        for stream in drawn(strategy(aliases=False, directives=False), 100):
            assert not stream.features & unwanted
            events = list(yaml.parse(stream.text, Loader=yaml.CSafeLoader))
            assert not any(getattr(event, "anchor", None) for event in events)
            assert not any(getattr(event, "version", None) for event in events)


@needs_c
@pytest.mark.parametrize("name", STRATEGIES)
def test_no_key_occurs_twice(name: str) -> None:
    for written in examples(name):
        events = yaml.parse(written.text, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                check_keys(next(events), events)


def check_keys(event: Any, events: Any) -> Any:
    """Read one node; fail where a mapping in it has a key twice."""
    if isinstance(event, yaml.SequenceStartEvent):
        while not isinstance(child := next(events), yaml.SequenceEndEvent):
            check_keys(child, events)
    if isinstance(event, yaml.MappingStartEvent):
        keys = []
        while not isinstance(child := next(events), yaml.MappingEndEvent):
            keys.append(check_keys(child, events))
            check_keys(next(events), events)
        assert len(keys) == len(set(keys))
    return getattr(event, "value", None)


def spelling_groups() -> dict[str, int]:
    return {spelling: i for i, spellings in enumerate(strategies.RULE_NAMES) for spelling in spellings}


def test_image_rules_do_not_chain() -> None:
    groups = spelling_groups()
    assert not groups.keys() & set(strategies.NEW_NAMES)
    changes: Counter[str] = Counter()
    for rules in drawn(strategies.image_rules(), 200):
        assert rules
        names = [groups[name_of(rule["name"])] for rule in rules]
        assert len(names) == len(set(names))
        for rule, group in zip(rules, names, strict=True):
            fields = rule.keys() - {"name"}
            changes.update(fields)
            assert fields
            assert fields == {"newImage"} or "newImage" not in fields
            new = rule.get("newName") or name_of(rule.get("newImage", ""))
            assert groups.get(new, group) == group
    assert changes.keys() == {"newTag", "newName", "digest", "newImage", "tagSuffix"}


def name_of(reference: str) -> str:
    name = reference.partition("@")[0]
    head, _, last = name.rpartition("/")
    return "/".join(part for part in (head, last.partition(":")[0]) if part)


def test_kind_rules() -> None:
    shapes = set()
    for rules in drawn(strategies.kind_rules(), 200):
        kinds = [rule["kind"] for rule in rules]
        assert rules
        assert len(kinds) == len(set(kinds))
        for rule in rules:
            assert rule.keys() == {"kind", "paths"}
            shapes.add(type(rule["paths"]))
            paths = [rule["paths"]] if isinstance(rule["paths"], str) else rule["paths"]
            assert paths
            assert set(paths) <= set(strategies.KIND_PATHS[rule["kind"]])
    assert shapes == {str, list}


# What the strategies leave out, since not all parsers read it: C, PyYAML's pure one, ruamel.yaml's pure one.
@needs_c
@pytest.mark.parametrize(
    "text, c, pyyaml, ruamel",
    [
        ('["a":b]', True, True, False),  # the only one of these that is drawn: RUAMEL_REFUSES
        ("{a: http://x/?b}", True, False, True),
        ("{a: ::1}", False, False, True),
        ("{a: x:}", False, False, True),
        ("{a: !!str, b: c}", True, False, False),
        ("[&a x, {*a: y}]", True, True, False),
        ("[&é x, *é]", False, False, True),
        ("a:\tb", True, False, False),
        ("a: b\t# c", True, False, False),
        ("---\t# c\na", True, False, False),
        ('{\n\t"a": 1\n}', True, False, True),
        ("a: |\n \tb", False, True, True),
        ("a: |-#c\n b", True, False, False),
        ("--- |\na", False, False, True),
        ('"\\ud83d\\ude00"', False, True, True),
        ("a\n...\nb", False, False, True),
        ("a\n...\n...\n", True, True, False),
        ("a: \u2028b", False, False, True),
        ("%FOO x\n---\na", False, True, True),
    ],
)
def test_known_differences(text: str, c: bool, pyyaml: bool, ruamel: bool) -> None:
    assert (is_read_by_c(text), is_read_by_pyyaml(text), is_read_by_ruamel(text)) == (c, pyyaml, ruamel)
