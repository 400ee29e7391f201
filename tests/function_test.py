"""The field `results` of a ResourceList, in every form that YAML allows."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from krm_image_setter.config import Value, decode
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.edits import apply_edits
from krm_image_setter.function import plan_function, read_resource_list
from krm_image_setter.yaml import events

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
ITEMS = "items:\n- kind: Pod\n  metadata: {name: p}\n  spec: {containers: [{image: nginx}]}\n"
CONFIG = "functionConfig:\n  kind: ConfigMap\n  data: {name: nginx, newTag: '2'}\n"


def configure(value: Value | None) -> ImageSetter:
    return decode([value] if value else [])


@pytest.mark.parametrize(
    "text, earlier",
    [
        pytest.param(HEAD + ITEMS + CONFIG, 0, id="no results"),
        pytest.param(HEAD + CONFIG + ITEMS, 0, id="items last"),
        pytest.param((HEAD + CONFIG + ITEMS).rstrip("\n"), 0, id="no newline at the end"),
        pytest.param((HEAD + ITEMS + CONFIG).replace("\n", "\r\n"), 0, id="CRLF"),
        pytest.param("\ufeff" + HEAD + ITEMS + CONFIG, 0, id="BOM"),
        pytest.param(HEAD + ITEMS + CONFIG + "# the end\n", 0, id="comment at the end"),
        pytest.param("---\n" + HEAD + ITEMS + CONFIG + "...\n", 0, id="document marks"),
        pytest.param("  " + (HEAD + ITEMS + CONFIG).replace("\n", "\n  ").rstrip(" "), 0, id="indented"),
        pytest.param("? " + HEAD.replace(": ", "\n: ", 1) + ITEMS + CONFIG, 0, id="a first key with its mark"),
        pytest.param(HEAD + "results: []\n" + ITEMS + CONFIG, 0, id="empty results"),
        pytest.param(HEAD + "results:\n" + ITEMS + CONFIG, 0, id="null results"),
        pytest.param(HEAD + "results: {items: []}\n" + ITEMS + CONFIG, 0, id="legacy results"),
        pytest.param(HEAD + "results: [{message: a}]\n" + ITEMS + CONFIG, 1, id="flow results"),
        pytest.param(HEAD + "results:\n- message: a\n" + ITEMS + CONFIG, 1, id="block results"),
        pytest.param(
            HEAD + "results:\n  - message: a\n  - message: b\n" + ITEMS + CONFIG, 2, id="indented results"
        ),
        pytest.param(HEAD + ITEMS + CONFIG + "results: &r\n- message: a", 1, id="results last"),
        pytest.param(
            '{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": '
            '[{"kind": "Pod", "metadata": '
            '{"name": "p"}, "spec": {"containers": [{"image": "nginx"}]}}], "functionConfig": '
            '{"kind": "ConfigMap", '
            '"data": {"name": "nginx", "newTag": "2"}}}',
            0,
            id="JSON",
        ),
    ],
)
def test_results_are_added(text: str, earlier: int, parser: str) -> None:
    resource_list = read_resource_list(Stream(text))
    assert resource_list is not None
    changed = apply_edits(text, plan_function(resource_list, configure).edits)
    data = yaml.safe_load(changed)
    assert data["items"][0]["spec"]["containers"][0]["image"] == "nginx:2"
    assert len(data["results"]) == earlier + 1
    assert data["results"][-1] == {
        "message": 'set image "nginx" to "nginx:2"',
        "severity": "info",
        "resourceRef": {"kind": "Pod", "name": "p"},
        "field": {"path": "spec.containers[0].image", "currentValue": "nginx", "proposedValue": "nginx:2"},
    }
    data["items"][0]["spec"]["containers"][0]["image"] = "nginx"
    before = yaml.safe_load(text)
    assert {k: v for k, v in data.items() if k != "results"} == {k: v for k, v in before.items() if k != "results"}
    assert ("\r\n" in text) == ("\r\n" in changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind: Pod\n",
        "kind: ResourceList: x\n",
        "kind: ResourceList\n---\nkind: ResourceList\n",
        "[ResourceList]",
    ],
)
def test_no_resource_list(text: str) -> None:
    assert read_resource_list(Stream(text)) is None


def test_file_without_index() -> None:
    item = ITEMS.replace("{name: p}", "{name: p, annotations: {config.kubernetes.io/path: a.yaml}}")
    resource_list = read_resource_list(Stream(HEAD + item + CONFIG))
    assert resource_list is not None
    changed = apply_edits(resource_list.stream.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["results"][0]["file"] == {"path": "a.yaml"}


BAD = "metadata: {name: x}\n  images:\n  - {name: nginx, newTag: 1.20}\n"
FLOW = "functionConfig: {kind: ImageSetter, apiVersion: krm-image-setter.dev/v1alpha1,\n  images: [{name: a, newTag: 1}]}\n"
SETTER = "functionConfig:\n  kind: ImageSetter\n  apiVersion: krm-image-setter.dev/v1alpha1\n"
FUNCTION_CONFIGS = {
    "block": (ITEMS + SETTER + f"  {BAD}", "line 5: "),
    "before the items": (SETTER + f"  {BAD}" + ITEMS, "line 5: "),
    "comment before it": (ITEMS + SETTER.replace(":\n", ": # one\n  # two\n", 1) + f"  {BAD}", "line 6: "),
    "flow style": (ITEMS + FLOW, "line 2: "),
    "CRLF": ((ITEMS + SETTER + f"  {BAD}").replace("\n", "\r\n"), "line 5: "),
    "annotation": (
        ITEMS + SETTER + "  " + BAD.replace("{name: x}", "{annotations: {config.kubernetes.io/path: a/f.yaml}}"),
        "a/f.yaml:5: ",
    ),
    "internal annotation": (
        ITEMS
        + SETTER
        + "  "
        + BAD.replace("{name: x}", "{annotations: {internal.config.kubernetes.io/path: f.yaml}}"),
        "f.yaml:5: ",
    ),
}


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(("text", "start"), FUNCTION_CONFIGS.values(), ids=FUNCTION_CONFIGS)
def test_lines_are_counted_within_the_function_config(text: str, start: str) -> None:
    resource_list = read_resource_list(Stream(HEAD + text))
    assert resource_list is not None
    (result,) = plan_function(resource_list, configure).results
    assert result.message.startswith(f"{start}functionConfig.images[0].newTag: YAML reads 1")


def test_a_name_in_surrogate_pairs_is_told() -> None:
    resource_list = read_resource_list(Stream((HEAD + ITEMS + CONFIG).replace("name: p", r'name: "\ud83d\ude00"')))
    assert resource_list is not None
    changed = apply_edits(resource_list.stream.text, plan_function(resource_list, configure).edits).encode()
    assert "    name: \U0001f600\n".encode() in changed


@pytest.mark.parametrize("text", [HEAD + ITEMS + CONFIG, "{" + HEAD.replace("\n", ", ") + "items: [{kind: Pod, metadata: {name: p}, spec: {containers: [{image: nginx}]}}], "
"functionConfig: {kind: ConfigMap, data: {name: nginx, newTag: '2'}}}"])  # fmt: skip
def test_a_name_that_yaml_can_hold_only_escaped_reads_back(text: str) -> None:
    name = "\0\x7f\x80\x85\u2028\ufeff\ufffe"
    resource_list = read_resource_list(Stream(text.replace("name: p", f"name: {json.dumps(name)}")))
    assert resource_list is not None
    changed = apply_edits(resource_list.stream.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["results"][0]["resourceRef"]["name"] == name


@pytest.mark.parametrize("following", ["kind: Pod\n", "- kind: Pod\n", "  kind: Pod\n"])
def test_what_a_document_follows_is_no_resource_list(following: str) -> None:
    assert read_resource_list(Stream(f"{HEAD}{CONFIG}{ITEMS}---\n{following}")) is None


def test_results_stand_behind_an_alias_that_is_written_out() -> None:
    resource_list = read_resource_list(
        Stream(f"{HEAD}{CONFIG}items:\n- kind: Pod\n  y: &y\n    containers:\n    - image: nginx\n  metadata: *y")
    )
    assert resource_list is not None
    changed = apply_edits(resource_list.stream.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["items"][0]["metadata"] == {"containers": [{"image": "nginx"}]}
    assert [result["severity"] for result in yaml.safe_load(changed)["results"]] == ["info", "warning"]


# In each form, the output is the input with the new image and with one more result.

CONFIG_FLOW = "functionConfig: {kind: ConfigMap, data: {name: nginx, newTag: '2'}}\n"
EARLIER = [
    # id, source of the pair (None: none), the earlier results, a pair before it
    ("none", "", 0, ""),
    ("null", "results:\n", 0, ""),
    ("null in words", "results: ~ # c\n", 0, ""),
    ("null with an anchor", "results: &r\n", 0, ""),
    ("null without a colon", "? results\n", 0, ""),
    ("an empty list", "results: [ ]\n", 0, ""),
    ("an empty mapping", "results: {}\n", 0, ""),
    ("a list", "results:\n- message: 'a: b'\n  severity: info\n- message: |\n    c\n", 2, ""),
    ("a list with a tag", "results: !!seq\n  - {message: 'a: b', severity: info}\n  - message: \"c\\n\"\n", 2, ""),
    ("a list that keeps breaks", "results:\n- {message: 'a: b', severity: info}\n- message: |+\n    c\n", 2, ""),
    ("a list below its mark", "? results\n: - {message: 'a: b', severity: info}\n  - message: \"c\\n\"\n", 2, ""),
    ("a flow list", 'results: [{message: "a: b", severity: info}, {message: "c\\n"}]\n', 2, ""),
    (
        "a flow list in lines",
        'results: [\n  {message: "a: b", severity: info}, # c\n  {message: "c\\n"},\n  ]\n',
        2,
        "",
    ),
    ("a pair without a value", "results: [{message: a}, message: # c\n  ]\n", 2, ""),
    ("a pair with a comment before its colon", "results: [{message: a}, ? message # c\n  : # d\n  ]\n", 2, ""),
    ("a pair without brackets", "results: [message: {a: b} # c\n  ]\n", 1, ""),
    ("an alias", "results: *r\n", 2, 'x: &r [{message: "a: b", severity: info}, {message: "c\\n"}]\n'),
    ("an alias of a block", "results: *r\n", 2, 'x: &r\n- {message: "a: b", severity: info}\n- message: "c\\n"\n'),
    (
        "an anchor",
        'results: &r [{message: "a: b", severity: info}, {message: "c\\n"}]\nx: *r\ny: {z: *r}\n',
        2,
        "",
    ),
    (
        "an anchor of a block",
        'results: &r\n- {message: "a: b", severity: info}\n- message: "c\\n"\nx: *r\n',
        2,
        "",
    ),
    (
        "anchors inside",
        'results: {items: [&s {message: &t "a: b", severity: info}, {message: "c\\n"}]}\nx: [*s, *t]\n',
        2,
        "",
    ),
    ("items", 'results: {items: [{message: "a: b", severity: info}, {message: "c\\n"}]}\n', 2, ""),
    (
        "items in lines",
        'results:\n  name: x\n  items:\n  - {message: "a: b", severity: info}\n  - message: "c\\n"\n',
        2,
        "",
    ),
    ("empty items", "results: {items: []}\n", 0, ""),
    ("merged items", "results: {<<: {items: [{message: a}]}}\n", 1, ""),
    ("a merged list", "<<: {results: [{message: a}], y2: 1}\n", 1, ""),
    ("a merged list of an alias", "<<: *r\n", 1, "x: &r {results: [{message: a}]}\n"),
    ("null items", "results:\n-\n", 0, ""),
    ("several null items", "results:\n- # c\n- ~\n", 0, ""),
    ("a dash in a comment", "results:\n- # - x\n  message: a\n", 1, ""),
    ("a dash in a comment before the list", "results: # - x\n  # - y\n  - message: a\n", 1, ""),
]
POD = "{kind: Pod, metadata: {name: p}, spec: {containers: [{image: nginx}]}}"
AROUND = [
    # id, before, after
    ("alone", "", ""),
    ("a complex key before", "? [a, {b: c}]\n: d\n", ""),
    ("a complex key after", "", "? {a: b}\n: [c]\n"),
    ("a key without a value after", "", "? a\n"),
    ("a literal after", "", "z: |\n  a  \n   b\n\n"),
    ("a literal that keeps breaks after", "", "z: |+\n  a\n\n"),
    ("a folded scalar after", "", "z: >-\n  a\n  b\n"),
    ("document marks", "%YAML 1.1\n---\n", "...\n"),
    ("comments", "# a\n", "# b\n  # c\n"),
]
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "NEL": "\x85"}


@pytest.mark.parametrize("is_cut", [False, True], ids=["break at the end", "no break at the end"])
@pytest.mark.parametrize("ending", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("before, after", [row[1:] for row in AROUND], ids=[row[0] for row in AROUND])
@pytest.mark.parametrize("earlier, count, first", [row[1:] for row in EARLIER], ids=[row[0] for row in EARLIER])
def test_results_are_added_in_every_shape(
    earlier: str, count: int, first: str, before: str, after: str, ending: str, is_cut: bool
) -> None:
    if events.c_parser() is None and ending not in "\r\n":
        pytest.skip("only libyaml ends a line at NEL")
    for last in (earlier + f"items:\n- {POD}\n" + after, f"items:\n- {POD}\n" + earlier + after):
        text = (before + HEAD + CONFIG_FLOW + first + last).replace("\n", ending)
        assert_result_added(text[: -len(ending)] if is_cut else text, count)


@pytest.mark.parametrize("last", ["", ",", " # c\n", ", # c\n", ", ? a : b", ", 'a'", ", a: ", ", [a, b]: c,"])
@pytest.mark.parametrize("start", ["", "\ufeff", "--- !!map "])
@pytest.mark.parametrize(
    "earlier, count",
    [
        pytest.param("", 0, id="none"),
        pytest.param("results, ", 0, id="null without a colon"),
        pytest.param('"results":, ', 0, id="null"),
        pytest.param("results: null, ", 0, id="null in words"),
        pytest.param("results: [], ", 0, id="empty"),
        pytest.param('results: [{message: "a: b", severity: info}, {message: "c\\n"},], ', 2, id="trailing comma"),
        pytest.param('x: &r [{message: "a: b", severity: info}, message: "c\\n"], results: *r , ', 2, id="alias"),
        pytest.param('results: {items: [{message: "a: b", severity: info}, {message: "c\\n"}]}, ', 2, id="items"),
    ],
)
def test_results_are_added_in_flow_style(earlier: str, count: int, start: str, last: str) -> None:
    head = HEAD.replace("\n", ", ") + CONFIG_FLOW.replace("\n", ", ")
    assert_result_added(f"{start}{{{earlier}{head}items: [{POD}]{last}}}", count)
    assert_result_added(f"{start}{{{head}items: [{POD},], {earlier}x2: 1{last}}}", count)


def test_results_in_json_stay_json() -> None:
    text = json.dumps(
        {
            "apiVersion": "config.kubernetes.io/v1",
            "kind": "ResourceList",
            "items": [json.loads('{"kind": "Pod", "spec": {"containers": [{"image": "nginx"}]}}')],
            "functionConfig": {"kind": "ConfigMap", "data": {"name": "nginx", "newTag": "2"}},
            "results": {"items": [{"message": "old", "n": 1, "t": True, "z": None, "l": ["a", "no"]}]},
        }
    )
    resource_list = read_resource_list(Stream(text))
    assert resource_list is not None
    changed = json.loads(apply_edits(text, plan_function(resource_list, configure).edits))
    assert changed["results"][0] == {"message": "old", "n": 1, "t": True, "z": None, "l": ["a", "no"]}
    assert len(changed["results"]) == 2


def test_resource_list_with_an_escaped_kind_is_one() -> None:
    for key in ("kind", '"\\x6bind"'):
        text = (HEAD + CONFIG + ITEMS).replace("kind: ResourceList", key + ': "R\\x65sourceList"')
        assert_result_added(text, 0)


@pytest.mark.parametrize("ending", [*LINE_ENDS.values(), "\u2028", "\u2029"], ids=[*LINE_ENDS, "LS", "PS"])
def test_resource_list_with_an_escaped_line_end_in_its_kind_is_recognized(ending: str) -> None:
    if events.c_parser() is None and ending not in "\r\n":
        pytest.skip("only libyaml ends a line at NEL, LS and PS")
    text = (HEAD + CONFIG + ITEMS).replace("ResourceList", f'"Resource\\{ending}  List"')
    assert Stream(text).has_resource_list()
    assert_result_added(text, 0)


def assert_result_added(text: str, earlier: int) -> None:
    resource_list = read_resource_list(Stream(text))
    assert resource_list is not None
    changed = apply_edits(text, plan_function(resource_list, configure).edits)
    loaded, before = load_pairs(changed), load_pairs(text)
    assert [key for key in loaded if key != "results"] == [key for key in before if key != "results"]
    results, old = loaded.pop("results"), before.pop("results", None)
    assert results[:-1] == (old.get("items", []) if isinstance(old, dict) else old or [])
    assert len([result for result in results if result is not None]) == earlier + 1, results
    assert results[-1]["field"]["proposedValue"] == "nginx:2"
    loaded["items"][0]["spec"]["containers"][0]["image"] = "nginx"
    assert loaded == before


def load_pairs(text: str) -> dict[Any, Any]:
    """Return the data of a mapping; a key that is a collection is its text."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    root = loader.get_single_node()
    assert isinstance(root, yaml.MappingNode)
    loader.flatten_mapping(root)
    return {
        str(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in root.value
    }
