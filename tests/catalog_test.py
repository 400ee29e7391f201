"""Every entry of the catalog on a minimal resource of its kind; what looks like its fields and is none; real files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from harness import ROOT

from krm_image_setter import ImageSetterError, read_config, set_images
from krm_image_setter.config.catalog import Entry, catalog_rules, entries, entry_rules, kinds_in_parts
from krm_image_setter.images import parse_reference
from krm_image_setter.locators import ImageField, KindRule, Parts, Text, find_image_fields
from krm_image_setter.resources import Resource, read, read_slices, resources_in
from krm_image_setter.results import INFO

CORPUS = ROOT.parent / "shared" / "corpus"
CONFIG = read_config(
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
    "images: [{name: r.io/old/app, newTag: '2'}, {name: nginx, newTag: '2'}]\n"
)
IDS = [f"{entry.kind}.{entry.group}" for entry in entries()]
LOOK_ALIKES = {"imagePullPolicy": "Always", "imagePullSecrets": ["r.io/old/app:1"], "imageURL": "r.io/old/app:1"}


def test_it_is_as_large_as_it_says() -> None:
    projects = {entry.text.partition(":")[0] for entry in entries()}
    assert len(entries()) >= 80
    assert len(projects) >= 40
    assert len(IDS) == len(set(IDS))
    assert all(re.match(r"# [^:]+: https://\S+\n- kind: ", entry.text) for entry in entries())


def minimal(entry: Entry, rule: KindRule, tag: str) -> dict[str, Any]:
    """Return a resource with one image where the rule says, and things that are none beside it."""
    form = rule.form
    value: Any = f"r.io/old/app:{tag}"
    if isinstance(form, Parts):
        name = (
            {form.registry: "r.io", form.repository: "old/app"}
            if form.registry
            else {form.repository: "r.io/old/app"}
        )
        value = {**name, form.tag or form.digest: tag}
    elif isinstance(form, Text):
        value = f"oci://{value}"
    steps = re.findall(r"\.(\*)|\.([^.\[\]{}]+)|\[(\*)\]|\['([^']+)'\]", rule.path.text)
    for any_value, name, any_item, quoted in reversed(steps):
        if any_item:
            value = [value]
        elif any_value:  # all that is there is found
            value = {"one": value}
        else:
            value = {**LOOK_ALIKES, (name or quoted): value}
    head = {
        "apiVersion": entry.api_version.replace("*", "v1"),
        "kind": entry.kind,
        "metadata": {"name": "r.io/old/app:1"},
    }
    return {**head, **{key: item for key, item in value.items() if key not in LOOK_ALIKES}}


@pytest.mark.parametrize("entry", entries(), ids=IDS)
def test_entry(entry: Entry) -> None:
    for rule in entry_rules(entry):
        before, after = (json.dumps(minimal(entry, rule, tag), indent=1) for tag in "12")
        outcome = set_images(before, CONFIG)
        assert outcome.text == after, rule.path.text
        assert [result.severity for result in outcome.results] == [INFO]
        assert set_images(outcome.text, CONFIG).text == outcome.text


def test_kinds_in_parts_are_found_without_their_name_in_one_piece() -> None:
    assert "ClusterPolicy" in kinds_in_parts()
    text = (
        "apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nmetadata: {name: x}\n"
        "spec:\n  toolkit:\n    repository: r.io/old\n    image: app\n    version: v1\n"
    )
    config = read_config(
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: [{name: r.io/old/app, newTag: v2}]\n"
    )
    assert set_images(text, config).text == text.replace("v1\n", "v2\n").replace("com/v2", "com/v1")


NOT_IMAGES = [
    ("kops.k8s.io/v1alpha2", "InstanceGroup", "{image: nginx}"),
    ("infrastructure.cluster.x-k8s.io/v1", "GCPMachineTemplate", "{template: {spec: {image: nginx, imageFamily: nginx}}}"),
    ("infrastructure.cluster.x-k8s.io/v1", "AWSMachine", "{ami: {id: nginx}, imageLookupFormat: nginx}"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass", "{amiSelectorTerms: [{alias: nginx}]}"),
    ("metal3.io/v1alpha1", "BareMetalHost", "{image: {url: nginx, checksum: nginx}}"),
    ("cdi.kubevirt.io/v1beta1", "DataVolume", "{source: {http: {url: nginx:1}, registry: {imageStream: nginx}}}"),
    ("longhorn.io/v1beta2", "Volume", "{backingImage: nginx}"),
    ("networking.istio.io/v1", "ProxyConfig", "{image: {imageType: nginx}}"),
    ("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "{receivers: [{slackConfigs: [{imageURL: nginx}]}]}"),
    ("monitoring.coreos.com/v1", "PrometheusRule", "{groups: [{rules: [{annotations: {image: nginx}}]}]}"),
    ("kyverno.io/v1", "ClusterPolicy", "{rules: [{validate: {pattern: {spec: {image: nginx}}}}]}"),
    ("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", "{images: [{glob: nginx}]}"),
    ("pkg.crossplane.io/v1beta1", "ImageConfig", "{matchImages: [{prefix: nginx}]}"),
    ("cluster.x-k8s.io/v1beta1", "Cluster", "{image: nginx, imageName: nginx}"),
    ("ceph.rook.io/v1", "CephBlockPool", "{mirroring: {snapshotSchedules: [{image: nginx}]}}"),
    ("serving.knative.dev/v1", "Service", "{traffic: [{tag: nginx}]}"),
    ("argoproj.io/v1alpha1", "Rollout", "{image: nginx}"),
    ("v1", "PersistentVolume", "{rbd: {image: nginx}}"),
]  # fmt: skip


@pytest.mark.parametrize(("api_version", "kind", "spec"), NOT_IMAGES)
def test_look_alikes_are_left(api_version: str, kind: str, spec: str) -> None:
    text = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: nginx}}\nspec: {spec}\nstatus: {{image: nginx}}\n"
    assert set_images(text, CONFIG) == (text, ())


# Real files


def corpus_resources(word: str = "") -> Iterator[Resource]:
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        for part in read_slices(text):
            if text.find(word, *part) < 0:
                continue
            try:
                for parsed in read(text, part, None, whole=True):
                    yield from resources_in(parsed) if parsed else ()
            except ImageSetterError:
                continue


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/corpus beside the project")
def test_what_it_finds_in_real_resources_are_images() -> None:
    found = 0
    for resource in corpus_resources():
        for field in find_image_fields(resource, catalog_rules(resource.ref.api_version, resource.ref.kind), ()):
            if isinstance(field, ImageField) and field.current:
                found += 1
                is_placeholder = re.search(r"[${(]|Value$", field.current)
                assert parse_reference(field.current) or is_placeholder, (resource.ref, field.current)
    assert found > 1000


def in_schema(schema: Any, steps: list[str]) -> bool:
    """Say whether a schema has a field; in what it leaves open anything may be."""
    if not isinstance(schema, dict):
        return False
    if (
        not steps
        or schema.get("x-kubernetes-preserve-unknown-fields")
        or not schema.keys() - {"type", "description"}
    ):
        return True
    step, *rest = steps
    if step == "[*]":
        return in_schema(schema.get("items"), rest)
    if step == "*":
        values = schema.get("additionalProperties")
        return (
            in_schema(values, rest)
            if values
            else any(in_schema(field, rest) for field in schema["properties"].values())
        )
    return in_schema((schema.get("properties") or {}).get(step), rest)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/corpus beside the project")
def test_its_paths_are_in_the_schemas() -> None:
    by_kind: dict[str, list[Any]] = {}
    for resource in corpus_resources("CustomResourceDefinition"):
        spec = resource.node.get("spec")
        if resource.ref.kind != "CustomResourceDefinition" or not isinstance(spec, dict) or "names" not in spec:
            continue
        versions = [version.get("schema") for version in spec.get("versions") or ()]
        schemas = [holder.get("openAPIV3Schema") for holder in (spec.get("validation"), *versions) if holder]
        by_kind.setdefault(f"{spec['names']['kind']}.{spec['group']}", []).extend(schemas)
    checked = 0
    for entry, name in zip(entries(), IDS, strict=True):
        for rule in entry_rules(entry) if name in by_kind else ():
            steps = [
                step.strip(".'[]") if step != "[*]" else step
                for step in re.findall(r"\[\*\]|\.[^.\[\]{}]+|\['[^']+'\]", rule.path.text)
            ]
            keys = [[*steps, key] for key in rule.form if key] if isinstance(rule.form, Parts) else [steps]
            # The corpus has old versions of some CRDs: a path may be newer than all of them.
            checked += all(any(in_schema(schema, way) for schema in by_kind[name]) for way in keys)
    assert checked >= 150


def test_only_custom_resources_are_looked_up() -> None:
    assert catalog_rules("v1", "Task") == ()
    assert catalog_rules("apps/v1", "Task") == ()
    assert len(catalog_rules("tekton.dev/v1", "Task")) == 3
