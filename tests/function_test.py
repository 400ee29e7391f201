"""The results block of a ResourceList, in every form that one may come in."""

from __future__ import annotations

import json

import pytest
import yaml

from krm_image_setter.config import Value, decode
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.edits import apply_edits
from krm_image_setter.function import plan_function, read_resource_list

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
            '{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [{"kind": "Pod", "metadata": '
            '{"name": "p"}, "spec": {"containers": [{"image": "nginx"}]}}], "functionConfig": {"kind": "ConfigMap", '
            '"data": {"name": "nginx", "newTag": "2"}}}',
            0,
            id="JSON",
        ),
    ],
)
def test_results_are_added(text: str, earlier: int, parser: str) -> None:
    resource_list = read_resource_list(text)
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
    assert read_resource_list(text) is None


def test_file_without_index() -> None:
    item = ITEMS.replace("{name: p}", "{name: p, annotations: {config.kubernetes.io/path: a.yaml}}")
    resource_list = read_resource_list(HEAD + item + CONFIG)
    assert resource_list is not None
    changed = apply_edits(resource_list.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["results"][0]["file"] == {"path": "a.yaml"}


def test_a_name_in_surrogate_pairs_is_told() -> None:
    resource_list = read_resource_list((HEAD + ITEMS + CONFIG).replace("name: p", r'name: "\ud83d\ude00"'))
    assert resource_list is not None
    changed = apply_edits(resource_list.text, plan_function(resource_list, configure).edits).encode()
    assert "    name: \U0001f600\n".encode() in changed


@pytest.mark.parametrize("text", [HEAD + ITEMS + CONFIG, "{" + HEAD.replace("\n", ", ") + "items: [{kind: Pod, metadata: {name: p}, spec: {containers: [{image: nginx}]}}], functionConfig: {kind: ConfigMap, data: {name: nginx, newTag: '2'}}}"])  # fmt: skip
def test_a_name_that_yaml_can_hold_only_escaped_reads_back(text: str) -> None:
    name = "\0\x7f\x80\x85\u2028\ufeff\ufffe"
    resource_list = read_resource_list(text.replace("name: p", f"name: {json.dumps(name)}"))
    assert resource_list is not None
    changed = apply_edits(resource_list.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["results"][0]["resourceRef"]["name"] == name


@pytest.mark.parametrize("following", ["kind: Pod\n", "- kind: Pod\n", "  kind: Pod\n"])
def test_what_a_document_follows_is_no_resource_list(following: str) -> None:
    assert read_resource_list(f"{HEAD}{CONFIG}{ITEMS}---\n{following}") is None


def test_results_stand_behind_an_alias_that_is_written_out() -> None:
    resource_list = read_resource_list(
        f"{HEAD}{CONFIG}items:\n- kind: Pod\n  y: &y\n    containers:\n    - image: nginx\n  metadata: *y"
    )
    assert resource_list is not None
    changed = apply_edits(resource_list.text, plan_function(resource_list, configure).edits)
    assert yaml.safe_load(changed)["items"][0]["metadata"] == {"containers": [{"image": "nginx"}]}
    assert len(yaml.safe_load(changed)["results"]) == 1
