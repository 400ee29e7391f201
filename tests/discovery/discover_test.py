"""discover and list --unknown: schemas and resources in, kinds out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from harness import Program
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.discovery import Confidence, discover, merged, write_kinds
from krm_image_setter.documents import Stream
from krm_image_setter.rules import rules_for

RULES = rules_for(ImageSetter(), {})
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {r.io/old: new:2}\n"
STRING = {"type": "string"}
CONTAINER = {
    "type": "object",
    "properties": {"image": STRING, "command": {"type": "array", "items": STRING}, "env": {}},
}


def crd(spec: dict[str, Any], version: str = "v1") -> str:
    """Return a CustomResourceDefinition whose resources have this schema of `spec`."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": spec, "metadata": {}}}}
    names = {"group": "example.com", "names": {"kind": "Thing"}}
    by_version = {
        "v1": {**names, "versions": [{"name": "v1", "schema": schema}]},
        "v1beta1": {**names, "validation": schema, "version": "v1"},
        "v1beta1 versions": {**names, "versions": [{"name": "v1", "schema": schema}, {"name": "v2"}]},
    }
    kind = {
        "apiVersion": f"apiextensions.k8s.io/{version.split(maxsplit=1)[0]}",
        "kind": "CustomResourceDefinition",
    }
    return json.dumps({**kind, "metadata": {"name": "things.example.com"}, "spec": by_version[version]})


def found(text: str) -> dict[str, str]:
    return {
        finding.path: finding.confidence.name.lower()
        for finding in merged([discover(Stream(text), RULES)]).findings
    }


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


SCHEMAS = [
    pytest.param(fields(image={"type": "integer"}), {}, id="no string"),
    pytest.param(fields(image=fields(name=STRING)), {}, id="an object by that name"),
    pytest.param(fields(image={**STRING, "description": "the AMI of the machine"}), {}, id="described as another sort"),
    pytest.param(fields(image={"x-kubernetes-preserve-unknown-fields": True}), {}, id="unknown"),
    pytest.param(fields(template=fields(spec=fields(containers={"type": "array", "items": CONTAINER}))), {}, id="pod template"),
    pytest.param(
        fields(volumes={"type": "array", "items": fields(configMap={}, image=fields(reference=STRING), rbd=fields(image=STRING))}),
        {}, id="volumes of pods",
    ),
    pytest.param(fields(status=fields(image=STRING)), {}, id="a status within"),
    pytest.param(fields(image=STRING), {"{.spec.image}": "likely"}, id="name"),
    pytest.param(fields(web=CONTAINER), {"{.spec.web.image}": "sure", "{.spec.web.command[*]}": "possible"}, id="container"),
    pytest.param(
        fields(sidecars={"type": "array", "items": CONTAINER}),
        {"{.spec.sidecars[*].image}": "sure", "{.spec.sidecars[*].command[*]}": "possible"}, id="list of containers",
    ),
    pytest.param(fields(extra={"type": "object", "additionalProperties": fields(image=STRING)}), {"{.spec.extra.*.image}": "likely"}, id="map"),
    pytest.param(fields(images={"type": "object", "additionalProperties": STRING}), {"{.spec.images.*}": "likely"}, id="map of images"),
    pytest.param(fields(images={"type": "array", "items": STRING}), {"{.spec.images[*]}": "likely"}, id="list of images"),
    pytest.param(fields(images=fields(web=STRING, db=STRING)), {"{.spec.images.web}": "likely", "{.spec.images.db}": "likely"}, id="named images"),
    pytest.param(fields(image=fields(repository=STRING, tag=STRING)), {"{.spec.image}": "sure"}, id="parts"),
    pytest.param(fields(**{"my.image": STRING}), {"{.spec['my.image']}": "likely"}, id="a name that must be quoted"),
]  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1beta1 versions"])
@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_schemas(schema: dict[str, Any], expected: dict[str, str], version: str) -> None:
    assert found(crd(schema, version)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "kind: CustomResourceDefinition\n",
        "kind: CustomResourceDefinition\nspec: {group: x, versions: [1, {schema: 2}]}\n",
    ],
)
def test_broken_definitions(text: str) -> None:
    assert found(text) == {}


def test_a_definition_among_others() -> None:
    listed = f'{{"apiVersion": "v1", "kind": "List", "items": [{crd(fields(image=STRING))}]}}'
    assert found(f"kind: ConfigMap\n---\n{listed}\n") == {"{.spec.image}": "likely"}


def test_deep_and_wide_schemas_end_well() -> None:
    deep: dict[str, Any] = fields(image=STRING)
    for _ in range(60):
        deep = fields(next=deep)
    assert len(found(crd(deep))) == 1
    wide = fields(
        **{f"f{number}": fields(image=STRING, **{f"g{n}": STRING for n in range(50)}) for number in range(2000)}
    )
    assert len(found(crd(wide))) == 2000


RESOURCES = [
    ("spec: {image: 'redis:7'}", {"{.spec.image}": "likely"}),
    ("spec: {image: '{{ x }}'}", {}),
    ("spec: {image: [1]}", {}),
    ("spec: {imagePullPolicy: Always, host: 'redis:6379', schedule: 'a:b'}", {}),
    ("metadata: {annotations: {image: a}}\nstatus: {image: a}", {}),
    ("spec: {template: {spec: {containers: [{image: a}]}}}", {}),
    ("spec: {list: [{image: a}, {image: b}]}", {"{.spec.list[*].image}": "likely"}),
    ("spec: {image: {repository: a/b, tag: 1}}", {"{.spec.image}": "sure"}),
    ("spec: {image: {repository: '{{ x }}', tag: 1}}", {}),
    (
        "spec: {bundle: 'quay.io/a/b:1', other: quay.io/a/b, url: 'https://quay.io/a:1'}",
        {"{.spec.bundle}": "possible"},
    ),
]


@pytest.mark.parametrize(("body", "expected"), RESOURCES)
def test_resources(body: str, expected: dict[str, str]) -> None:
    assert found(f"apiVersion: example.com/v1\nkind: Thing\n{body}\n") == expected


def test_other_resources_only_by_value() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\ndata: {image: redis, x: 'quay.io/a/b:1'}\n"
    assert found(text) == {"{.data.x}": "possible"}


def test_a_definition_says_more_than_resources() -> None:
    resource = "apiVersion: example.com/v1\nkind: Thing\nspec: {image: a, bundle: 'quay.io/a/b:1'}\n"
    assert found(f"{resource}---\n{crd(fields(image=STRING))}\n") == {"{.spec.image}": "likely"}


def test_what_is_known_is_left_out() -> None:
    known = rules_for(read_config(HEAD + "kinds: {Thing.example.com: '{.spec.image}'}\n"), {})
    text = crd(fields(image=STRING, web=fields(image=STRING)))
    assert [f.path for f in discover(Stream(text), known).findings] == ["{.spec.web.image}"]


NAMES = st.sampled_from(
    ["image", "images", "tag", "repository", "containers", "command", "env", "a b", "ü", "x.y", "status", "digest"]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(STRING),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(NAMES | st.sampled_from(["properties", "items", "additionalProperties", "type", "description"]), inner, max_size=4)
    | st.builds(lambda p: {"type": "object", "properties": p}, st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=30,
)  # fmt: skip


@given(ANY, ANY)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_schema_ends_well_and_what_is_written_is_accepted(schema: Any, spec: Any) -> None:
    text = crd(fields(x=schema, **(schema if isinstance(schema, dict) else {})))
    resource = json.dumps({"apiVersion": "other.com/v1", "kind": "Other", "spec": spec})
    discovered = merged([discover(Stream(f"{text}\n---\n{resource}\n"), RULES)])
    lines = "\n".join(write_kinds(discovered.findings, discovered.pod_specs))
    config = read_config(f"{HEAD}{lines}\n")
    assert len(config.kinds) == len(discovered.findings)


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_each_path_finds_its_field(schema: dict[str, Any], expected: dict[str, str]) -> None:
    """An example made from the schema, the entries that were written for it, and all images in it are set."""
    example = {"apiVersion": "example.com/v1", "kind": "Thing", "spec": example_of(schema)}
    lines = "\n".join(write_kinds(merged([discover(Stream(crd(schema)), RULES)]).findings, {}))
    outcome = set_images(
        json.dumps(example), read_config(f"{HEAD}onUnused: error\n{lines}\n" if expected else HEAD)
    )
    assert not [result for result in outcome.results if result.severity == "error"]
    assert outcome.text.count("new") >= sum(level != "possible" for level in expected.values())


def example_of(schema: dict[str, Any]) -> Any:
    if "properties" in schema:
        return {name: "1" if name == "tag" else example_of(field) for name, field in schema["properties"].items()}
    if "items" in schema:
        return [example_of(schema["items"])]
    if "additionalProperties" in schema:
        return {"one": example_of(schema["additionalProperties"])}
    return "r.io/old:1" if schema.get("type") == "string" else 1


# The commands


def test_discover(program: Program) -> None:
    program.write(
        "crds/a.yaml", crd(fields(image=STRING, web=CONTAINER, containers={"type": "array", "items": CONTAINER}))
    )
    program.write("crds/template.yaml", "a: {{ x\n")
    ran = program("discover", "crds")
    assert ran.status == 0
    assert "template.yaml" in ran.stderr
    config = yaml.safe_load(ran.stdout)
    assert config["kinds"] == [
        {"kind": "Thing", "apiVersion": "example.com/*", "paths": ["{.spec.image}", "{.spec.web.image}"]}
    ]
    assert b"# Thing.example.com needs no entry for the pod specs at {.spec}" in ran.stdout
    program.write("functions.yaml", ran.stdout.decode())
    thing = "apiVersion: example.com/v1\nkind: Thing\nspec: {image: a:1}\n"
    assert program(
        "--fn-config", "functions.yaml", "--image", "a=a:2", stdin=thing
    ).stdout.decode() == thing.replace("a:1", "a:2")


@pytest.mark.parametrize(("least", "count"), [("sure", 1), ("likely", 2), ("possible", 3)])
def test_min_confidence(program: Program, least: str, count: int) -> None:
    program.write("a.yaml", crd(fields(image=STRING, web=CONTAINER)))
    config = yaml.safe_load(program("discover", "a.yaml", "--min-confidence", least).stdout)
    assert len(config["kinds"][0]["paths"]) == count


def test_nothing_to_discover(program: Program) -> None:
    ran = program("discover", "-", stdin="kind: Pod\n")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.endswith(b"# Nothing here needs an entry in kinds.\n")
    assert program("discover", "-", stdin="x: 1\n").status == 2


def test_list_unknown(program: Program) -> None:
    program.write(
        "a.yaml",
        "apiVersion: example.com/v1\nkind: Thing\nspec: {image: 'redis:7', web: {image: {name: a, tag: b}}}\n",
    )
    ran = program("list", ".", "--unknown", "--check")
    assert ran.status == 1
    assert ran.stdout.decode().startswith(
        "a:b\n  Thing  ./a.yaml:3  spec.web.image  kinds Thing.example.com {.spec.web.image}\n"
        "redis:7\n  Thing  ./a.yaml:3  spec.image      kinds Thing.example.com {.spec.image}\n\nkinds:\n"
    )
    assert program("list", ".", "--unknown", "-o", "names").stdout == b"a:b\nredis:7\n"
    assert program("list", ".", "--check").status == 0


def test_levels() -> None:
    assert [level.name for level in sorted(Confidence)] == ["POSSIBLE", "LIKELY", "SURE"]
