"""Several texts come out as one stream of them would, whoever does the work on each."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from harness import Program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties.strategies import Written, image_rules, kind_rules, resource_lists, streams

from krm_image_setter import (
    ConfigError,
    InputError,
    Result,
    set_images,
    set_images_in,
)
from krm_image_setter.config import decode, read_values
from krm_image_setter.resources import ResourceRef
from krm_image_setter.rules import rules_for

TEXTS = {
    "job.yaml": "kind: Job\n"
    "metadata: {name: no-op}\n"
    "spec: {template: {spec: {containers: [{image: 'r.io/connect:7'}]}}}\n",
    "connect.yaml": "kind: KafkaConnect\nmetadata: {name: a}\nspec: {image: connect}  # by CI\n",
    "empty.yaml": "# nothing\n",
    "web.yaml": "kind: Pod\n"
    "metadata: {name: web}\n"
    "spec:\n"
    "  containers:\n"
    "  - image: nginx:1\n"
    "  - image: ghcr.io/org/redis\n",
    "more.yaml": "kind: KafkaConnect\nmetadata: {name: b}\nspec: {image: [no, string]}\n---\n"
    "kind: Pod\nmetadata: {name: bé}\nspec: {containers: [{image: nginx}, {image: docker.io/library/httpd:3}]}\n",
    "cache.yaml": "kind: Cache\nmetadata: {name: c}\nspec: {img: x}\n---\nkind: Cache\nmetadata: {name: d}\n",
}
CONFIGS = {
    "from another text": "images:\n- name: connect\n  from: {kind: Job, name: no-op, path: '{..image}'}\n"
    "kinds: {KafkaConnect: .spec.image}\n",
    "used in one text only": "images: {nginx: 'nginx:2', redis: 'redis:1', ghcr.io/org/redis: "
    "'ghcr.io/org/redis:9'}\n",
    "set by an earlier run": "images:\n"
    "- {name: apache, newName: httpd, newTag: '3'}\n"
    "- {name: nginx, newTag: '2'}\n",
    "path without a match": "images: {nginx: 'nginx:2'}\nkinds: {Cache: .spec.image, KafkaConnect: .spec.image}\n",
    "path with a match in one text": "images: {x: 'x:1'}\nkinds: {'*': .spec.img}\n",
    "overridden": "onUnused: error\n"
    "images:\n"
    "- {name: nginx, newTag: '2'}\n"
    "- {name: docker.io/nginx, newTag: '3'}\n",
    "unused entry as an error": "onUnused: error\nimages: {nginx: 'nginx:2', rediss: 'rediss:1'}\n",
    "unused entry that is ignored": "onUnused: ignore\nimages: {nginx: 'nginx:2', rediss: 'rediss:1'}\n",
    "all notations, forms and rules": "registries: [{from: docker.io, to: m.io}]\nimagePullPolicy: Always\n"
    "images: {nginx: 'nginx:2'}\n"
    "kinds:\n- kind: Cache\n  paths: ['$.spec.img', \"{.spec.a[?(@.name=='x')]['b','c']}\", spec/b/c, "
    "{path: .spec, fields: {repository: img}}, {path: .spec.t, as: yaml, paths: [.image]}]\n",
}


HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"


def config_of(text: str, file: str | None = None) -> Any:
    return decode(read_values(HEAD + text, file))


def without_lines(results: Iterable[Result]) -> list[Result]:
    """What stands in a text of its own has other lines there than in a stream."""
    return [result._replace(line=None) for result in results]


@pytest.fixture(scope="module", params=["here", "spawned"])
def for_each(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    if request.param == "here":
        yield map
        return
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_as_one_stream(config: str, for_each: Callable[..., Any]) -> None:
    outcomes = set_images_in(TEXTS, config_of(config), for_each)
    stream = set_images("---\n".join(TEXTS.values()), config_of(config))
    assert list(outcomes.of) == list(TEXTS)
    assert "---\n".join(outcome.text for outcome in outcomes.of.values()) == stream.text
    assert outcomes.failed == stream.failed
    of_texts = [result for outcome in outcomes.of.values() for result in outcome.results]
    of_texts.sort(key=lambda result: result.severity != "info")
    assert without_lines([*of_texts, *outcomes.results]) == without_lines(stream.results)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_as_the_files_of_a_folder(config: str, program: Program) -> None:
    for name, text in TEXTS.items():
        program.write(f"deploy/{name}", text)
    program.write("c.yaml", HEAD + config)
    ran = program("set", "deploy", "--in-place", "--quiet", "--fn-config", "c.yaml")
    texts = {f"deploy/{name}": TEXTS[name] for name in sorted(TEXTS)}
    outcomes = set_images_in(texts, config_of(config, "c.yaml"))
    assert {name: (program.folder / name).read_text() for name in texts} == {
        name: outcome.text for name, outcome in outcomes.of.items()
    }
    of_files = [
        result.format(name)
        for name, outcome in outcomes.of.items()
        for result in outcome.results
        if result.severity != "info"
    ]
    assert ran.stderr.splitlines() == [
        f"krm-image-setter: {told}" for told in [*of_files, *map(str, outcomes.results)]
    ]
    assert ran.status == (2 if outcomes.failed else 0)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=100
)
@given(st.lists(streams() | resource_lists(), min_size=1, max_size=3), image_rules(), st.just([]) | kind_rules())
def test_but_for_what_is_shared_as_each_alone(
    written: list[Written], images: list[dict[str, str]], kinds: list[dict[str, Any]]
) -> None:
    config = config_of(f"images: {json.dumps(images)}\nkinds: {json.dumps(kinds)}\n")
    texts = {str(number): stream.text for number, stream in enumerate(written)}
    try:
        alone = [set_images(text, config._replace(on_unused="ignore")) for text in texts.values()]
    except InputError as error:
        with pytest.raises(type(error), match=re.escape(error.message)):
            set_images_in(texts, config)
        return
    assert list(set_images_in(texts, config).of.values()) == alone


def test_there_is_something_to_see() -> None:
    """Each text alone would come out otherwise: what is shared makes the difference."""
    config = config_of(CONFIGS["used in one text only"])
    outcomes = set_images_in(TEXTS, config)
    assert [result.message for result in outcomes.results] == [
        'line 3: images.redis: no image named "redis" was found; did you mean "ghcr.io/org/redis"?'
    ]
    alone = [result.message for text in TEXTS.values() for result in set_images(text, config).results]
    assert any('no image named "nginx" was found, and no other images' in message for message in alone)
    (unmatched,) = set_images_in(TEXTS, config_of(CONFIGS["path without a match"])).results
    assert "matched no field in any of the 2 selected resources" in unmatched.message
    with pytest.raises(ConfigError, match='cannot set "connect": no resource matches Job no-op'):
        set_images(TEXTS["connect.yaml"], config_of(CONFIGS["from another text"]))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_what_is_public_can_be_pickled(config: str) -> None:
    decoded = config_of(config)
    assert pickle.loads(pickle.dumps(decoded)) == decoded
    outcomes = set_images_in(TEXTS, pickle.loads(pickle.dumps(decoded)))
    assert pickle.loads(pickle.dumps(outcomes)) == outcomes == set_images_in(TEXTS, decoded)
    outcome = set_images("---\n".join(TEXTS.values()), decoded)
    assert pickle.loads(pickle.dumps(outcome)) == outcome


WRONG = {
    "a.yaml:2": (
        {"a.yaml": "kind: Pod\n\tx: nginx\n", "b.yaml": "nginx: [\n"},
        CONFIGS["used in one text only"],
    ),
    "b.yaml:3: not a Kubernetes resource": (
        {"a.yaml": TEXTS["web.yaml"], "b.yaml": "kind: Pod\n---\nx: nginx\n"},
        CONFIGS["used in one text only"],
    ),
    'cannot set "connect": no resource matches Job no-op': (
        {"a.yaml": TEXTS["web.yaml"]},
        CONFIGS["from another text"],
    ),
}


@pytest.mark.parametrize(("said", "wrong"), WRONG.items())
def test_errors(said: str, wrong: tuple[dict[str, str], str], for_each: Callable[..., Any]) -> None:
    texts, config = wrong
    with pytest.raises((InputError, ConfigError)) as raised:
        set_images_in(texts, config_of(config), for_each)
    assert said in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_rules_keep_their_positions_in_another_process() -> None:
    config = config_of("images: {redis: 'redis:2', nginx: 'nginx:2'}\nkinds: {A: .a, B: .b}\n")
    rules = pickle.loads(pickle.dumps(rules_for(config, {})))
    found = rules.images.find("nginx")
    assert found is not None
    assert found[1].position == 1
    assert [rule.position for rule in rules.kinds.matching(ResourceRef("", "B", "", ""))] == [1]
