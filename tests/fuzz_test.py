"""The fuzz targets over their seeds and some drawn inputs, and each of their oracles seeing what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import oracles
import pytest
import targets
import yaml
from harness import ROOT
from oracles import Difference, Pair
from properties import features
from properties.reader import NonString

from krm_image_setter import ConfigError, InputError, read_config, set_images
from krm_image_setter.edits import apply_edits
from krm_image_setter.images import ImageMap, ImageRule, Reference
from krm_image_setter.images.tokens import Token
from krm_image_setter.paths import Match
from krm_image_setter.results import INFO, Result
from krm_image_setter.transform import Outcome
from krm_image_setter.yaml import events, parsing

CONFIG = read_config('apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: "nginx:2"}\n')
BEFORE = "# c\nkind: Pod\nspec:\n  containers:\n  - image: nginx:1 # d\n  - image: b:1\n"
AFTER = BEFORE.replace("nginx:1", "nginx:2")
(OTHER,) = parsing.parse("a: c\n")
SET = Result("", INFO, None, "spec.containers[0].image", "nginx:1", "nginx:2")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_target_finds_nothing_in_its_seeds_and_some_inputs(name: str) -> None:
    target = targets.TARGETS[name]
    random = Random(1)
    inputs = [*target.seeds(), *(bytes([mode]) + random.randbytes(150) for mode in range(0, 256, 2))]
    watch = oracles.Watch(10 * target.seconds)
    for data in inputs:
        watch.inputs += 1
        target.check(data)
    watch.stop()


def test_the_seeds_reach_all_that_is_checked() -> None:
    """A run sets images in them; and go-yaml reads what the others read."""
    pairs = [pair for name in ("runs", "embedded") for data in targets.TARGETS[name].seeds()
             if (pair := targets.TARGETS[name].check(data)) is not None]  # fmt: skip
    assert len(pairs) > 30
    if not oracles.go_yaml_is_there():
        pytest.skip("kubectl is not there to read with go-yaml")
    assert oracles.check_go_yaml(pairs) == []


def test_fuzz_runs_a_while_and_again(tmp_path: Any) -> None:
    pytest.importorskip("atheris", reason="atheris is not there: pip install --group fuzz")
    command = [sys.executable, str(ROOT / "fuzz")]
    ran = subprocess.run([*command, "--seconds=1", "references"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "0 findings" in ran.stdout
    file = tmp_path / "input"
    file.write_bytes(b"nginx:1")
    again = subprocess.run([*command, "references", str(file)], capture_output=True, text=True, check=False)
    assert again.stdout == "nothing is wrong with it\n"


@pytest.mark.parametrize(
    "text",
    ["&a:b c\n", "--- >-\n--- >-\n a\n", "---\n|\n# a\n---\n", "--- !!str\n|\n# a\n"],
)
def test_of_what_the_parsers_read_otherwise_nothing_is_asked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last three are a document that is a block scalar, which is no resource."""
    monkeypatch.setattr(targets, "crc32", lambda _: 0)  # both parsers read each, not one in eight
    targets.check_tree(b"\0" + text.encode())
    monkeypatch.setattr(targets, "differs_by_design", lambda _: False)
    if events.c_parser() is not None:
        fails(lambda: targets.check_tree(b"\0" + text.encode()))


# --- each oracle can fail ----------------------------------------------------------------------------------------


def fails(check: Callable[[], object], message: str = "") -> None:
    with pytest.raises(AssertionError) as caught:
        check()
    assert message in str(caught.value)


def test_what_is_right_holds() -> None:
    oracles.check_outcome(BEFORE, set_images(BEFORE, CONFIG))
    assert oracles.differing(BEFORE, AFTER) == [
        Difference((0, "spec", "containers", 0, "image"), "nginx:1", "nginx:2")
    ]
    oracles.check_outcome(BEFORE, Outcome(AFTER, (SET,)))


@pytest.mark.parametrize(
    "after, message",
    [
        (BEFORE.replace("nginx:1", "nginx:3"), "the results say"),
        (AFTER.replace("b:1", "b:2"), "no result tells of"),
        (BEFORE, "does not differ"),
        (AFTER.replace("# d", "# e"), "characters differ"),
        (AFTER.replace("# c\n", ""), "characters differ"),
        (AFTER.replace("  - image: b", "  -  image: b"), "characters differ"),
        (AFTER.replace("b:1", "!!str b:1"), "another node"),
        (AFTER.replace("nginx:2", "&a nginx:2"), "another node"),
        (AFTER + "a: b\n", "more or fewer nodes"),
        (AFTER + "}", "no YAML"),
    ],
)
def test_what_is_not_reported_is_seen(after: str, message: str) -> None:
    fails(lambda: oracles.check_outcome(BEFORE, Outcome(after, (SET,))), message)


def test_with_aliases_the_data_are_compared() -> None:
    before = "kind: Pod\nspec:\n  containers:\n  - image: &i nginx:1\n  - image: *i\n"
    right = before.replace("*i", "nginx:2")
    told = SET._replace(field="spec.containers[1].image")
    oracles.check_outcome(before, Outcome(right, (told,)))
    fails(
        lambda: oracles.check_outcome(before, Outcome(before.replace("nginx:1", "nginx:2"), (told,))), "no result"
    )
    fails(lambda: oracles.check_outcome(before, Outcome(right + "  - image: c\n", (told,))), "another shape")


def test_what_differs_in_a_string_is_compared_too() -> None:
    def text(inner: str) -> str:
        return f"kind: ConfigMap\ndata:\n  a: {json.dumps(inner)}\n"

    told = SET._replace(field=f"data.a: {SET.field}")
    oracles.check_outcome(text(BEFORE), Outcome(text(AFTER), (told,)))
    wrong = text(AFTER.replace("# d", "# e"))
    fails(lambda: oracles.check_outcome(text(BEFORE), Outcome(wrong, (told,))), "characters differ")
    assert oracles.is_rewritten("a=b:1, b:1", "a=b:2, b:1", [("b:1", "b:2")])
    assert not oracles.is_rewritten("a=b:1, b:1", "a=b:2 b:1", [("b:1", "b:2")])


@pytest.mark.parametrize("text", ["kind: Pod\n--- 1", "a: ["])
def test_errors_hold(text: str) -> None:
    assert oracles.check_run(text, CONFIG) is None


def test_an_error_of_two_lines_or_of_python_is_seen() -> None:
    fails(lambda: oracles.check_sentence("a\nb"), "more than one line")
    fails(lambda: oracles.check_sentence("a\u2028b"), "more than one line")
    fails(lambda: oracles.check_sentence("Traceback (most recent call last)"), "a traceback")
    fails(lambda: oracles.check_sentence("<class 'int'>"), "it speaks Python")
    fails(lambda: oracles.check_sentence(" "), "says nothing")


def test_what_splitting_changes_is_seen() -> None:
    whole = Outcome("a", (SET,))
    oracles.check_splitting(whole, None)
    oracles.check_splitting(whole, whole)
    fails(lambda: oracles.check_splitting(None, whole), "refused")
    fails(lambda: oracles.check_splitting(whole, whole._replace(text="b")))
    fails(lambda: oracles.check_splitting(whole, whole._replace(results=())), "something else")


def test_what_a_second_run_changes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As is anything else in a run: the run is replaced by one that adds a dot each time."""
    tags: Iterator[str] = iter("23456789")

    def run(text: str, _: object) -> Outcome:
        new = BEFORE.replace("nginx:1", f"nginx:{next(tags)}")
        return Outcome(new, (SET._replace(current_value="nginx:1", proposed_value="nginx:2"),))

    monkeypatch.setattr(oracles, "outcome_of", lambda *_, **__: Outcome(AFTER, (SET,)))
    monkeypatch.setattr("properties.laws.set_images", run)
    fails(lambda: oracles.check_run(BEFORE, CONFIG))


def test_what_takes_too_long_is_seen() -> None:
    watch = oracles.Watch(0.01)
    with pytest.raises(oracles.TooSlowError):
        work_for_ever()
    watch.stop()


def work_for_ever() -> None:
    while True:
        pass


LIST = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- kind: Pod
  spec: {containers: [{image: nginx:1}]}
functionConfig: {kind: ConfigMap, data: {name: nginx, newTag: "2"}}
results:
- message: a
"""


@pytest.mark.parametrize(
    "damage, message",
    [
        (("{image: nginx:2}", "{image: nginx:3}"), "something else"),
        (("- message: a\n", ""), "another function"),
        (("severity: info", "severity: error"), "read otherwise"),
        (("kind: Pod", "kind: Bot"), "something else"),
    ],
)
def test_what_is_wrong_in_a_function_is_seen(
    damage: tuple[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracles.check_function(LIST)
    monkeypatch.setattr("oracles.apply_edits", lambda *given: apply_edits(*given).replace(*damage))
    fails(lambda: oracles.check_function(LIST), message)


def test_what_go_yaml_reads_otherwise_is_seen() -> None:
    if not oracles.go_yaml_is_there():
        pytest.skip("kubectl is not there to read with go-yaml")
    differences = oracles.differing(BEFORE, AFTER) or []

    def said(before: str, after: str, metadata: str = "{name: a}") -> list[str]:
        head = f"apiVersion: v1\nmetadata: {metadata}\n"
        pairs = [
            Pair(head + before, head + after, differences, b""),
            Pair(head + before, head + AFTER, differences, b""),
        ]
        return [message for _, message in oracles.check_go_yaml(pairs)]

    assert said(BEFORE, AFTER) == []
    assert said(BEFORE, AFTER, metadata="null") == []
    (wrong,) = said(BEFORE, AFTER.replace("b:1", "b:2"))
    assert "'b:1' became 'b:2'" in wrong
    (wrong,) = said(BEFORE, AFTER.replace("b:1", "12:30"))
    assert "'b:1' became" in wrong
    (wrong,) = said(BEFORE, AFTER + "a: b\n")
    assert "another shape" in wrong
    (wrong,) = said(BEFORE, AFTER.replace("nginx:2", '"nginx\\/x:2"'))
    assert "refuses what it read" in wrong
    assert said(BEFORE.replace("b:1", '"b\\/c"'), AFTER) == []


@pytest.mark.parametrize(
    "name, data, place, wrong",
    [
        ("references", b"nginx:1", "parse_reference", lambda _: None),
        ("references", b"nginx:1", "parse_reference", lambda _: Reference("nginx", "2")),
        ("references", b"NGINX", "parse_reference", lambda _: Reference("nginx")),
        ("tokens", b"--image=nginx:1", "find_tokens", lambda _: [Token(9, 15, Reference("ginx", "1"))]),
        ("tokens", b"--image=nginx:1", "find_tokens", lambda _: [Token(8, 14, Reference("nginx", "1"))]),
        ("rules", b"\1nginx:1\nnginx", "image_rule", lambda *_, **__: ImageRule(Reference("nginx"), new_tag="-")),
        ("rules", b"\0docker.io\nm.io\nnginx:1", "RegistryMap", lambda _: ImageMap([])),
        ("paths", b"\0{.spec.image}", "TREE", {}),
        ("paths", b"\xff\0\1\2\0\0\0\1\2", "parse_path", lambda _: Everywhere()),
        ("streams", b"\0kind: A\n---\nkind: B\n", "stream.cut_documents", lambda _: [(0, 9), (12, 20)]),
        ("streams", b"\0kind: A\n---\nkind: B\n", "stream.keyword_test", lambda *_: lambda _: False),
        ("streams", b"\0a: 'b\n  c'\n", "stream.cut_documents", lambda _: [(0, 6), (6, 11)]),
        ("tree", b"\0a: b\n", "lines.read", lambda _: OTHER),
        ("tree", b"\0a: 'b''c'\n", "building.build", lambda *_: [OTHER]),
        ("tiltfile", b"\xff\0\0\0\0", "yaml.load_all", lambda *_, **__: [{"images": [{"name": "no/such"}]}]),
        ("runs", b"\xff", "set_images", None),
        ("embedded", b"\xff", "features.set_images", None),
    ],
)  # fmt: skip
def test_a_target_sees_what_is_wrong(
    name: str, data: bytes, place: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets.TARGETS[name].check(data)
    if wrong is None:  # a run that changes nothing
        place = {"runs": "laws.set_images", "embedded": "features.set_images"}[name]
        data = next(
            seed for seed in targets.TARGETS[name].seeds() if seed[:1] >= b"\x80" and sets_something(name, seed)
        )
        wrong = lambda text, _: Outcome(text, ())  # noqa: E731
    monkeypatch.setattr(f"targets.{place}", wrong)
    with pytest.raises((AssertionError, KeyError)):
        targets.TARGETS[name].check(data)


def sets_something(name: str, data: bytes) -> bool:
    if name == "runs":
        return targets.check_runs(data) is not None
    c = targets.choices(data[1:], aliases=False)
    stream, config = features.draw_stream(c), features.draw_config(c)
    return bool(set_images(stream.text, config).text != stream.text)


class Everywhere:
    def find(self, _: object) -> list[Match]:
        return [Match((), None)]


def test_what_may_be_refused_is_not_taken() -> None:
    with pytest.raises(AssertionError, match="is taken"), targets.refused(InputError):
        pass
    with targets.refused(ConfigError):
        raise ConfigError("a")


def test_data_are_the_same_but_for_what_a_number_is() -> None:
    targets.assert_same({"a": ["12:30", 1.2]}, {"a": [NonString("12:30"), NonString("1.20")]})
    fails(lambda: targets.assert_same({"a": "b"}, {"a": "c"}))
    fails(lambda: targets.assert_same({"a": "b"}, {"c": "b"}))
    fails(lambda: targets.assert_same([1], ["1"]))


def test_choices_are_those_of_the_bytes() -> None:
    """Nothing left makes the simplest text, and a byte more another one."""
    simplest = targets.written(targets.choices(b"")).text
    assert yaml.safe_load(simplest)["kind"] == "Deployment"
    assert targets.written(targets.choices(bytes(range(200)))).text != simplest
    assert targets.some_text(b"\0" + simplest.encode()) == targets.some_text(b"\x55") == simplest
    assert targets.some_text(b"\xff" + bytes(range(200))) != simplest
