"""The catalog: every entry is one of `kinds`, leads to each image of its fixture, and to nothing else.

In the fixtures, a file for each group of projects, `# set` stands behind every image; the same reference stands in
other fields too, which stay.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml
from harness import ROOT, Program

from krm_image_setter import read_config, set_images
from krm_image_setter.catalog import (
    VALUES_KIND,
    catalog_rules,
    entries,
    with_parts,
    with_split_references,
)
from krm_image_setter.config import ImageSetter
from krm_image_setter.locators import KindRule, Split
from krm_image_setter.resources import ResourceRef

CATALOG = (ROOT / "krm_image_setter/catalog/catalog.yaml").read_text()
FOLDER = ROOT / "tests/locators"
FIXTURES = sorted((FOLDER / "catalog").glob("*.yaml"))
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
IMAGES = "images: {before.example/team/app: 'after.example/team/app:after'}\n"
ENTRIES = re.findall(r"^- kind: .*\n(?:  .*\n)+", CATALOG, re.MULTILINE)


def kinds_of(entries: str) -> ImageSetter:
    return read_config(f"{HEAD}{IMAGES}kinds:\n{entries}")


@cache
def resources() -> list[Any]:
    return [document for path in FIXTURES for document in yaml.safe_load_all(path.read_text())]


def selected(rule: KindRule) -> list[Any]:
    def is_selected(resource: Any) -> bool:
        return rule.selector.matches(ResourceRef(resource["apiVersion"], resource["kind"], "", ""))

    return [resource for resource in resources() if is_selected(resource)]


def is_image(value: Any, rule: KindRule) -> bool:
    text = value.get(rule.form.repository) if isinstance(rule.form, Split) and isinstance(value, dict) else value
    return "team/app" in str(text)


def described(entry: str) -> str:
    return " ".join(re.findall(r"^..(?:kind|apiVersion): (.*)$", entry, re.MULTILINE))


def test_its_entries_are_found_by_their_lines() -> None:
    assert "".join(ENTRIES) == re.sub(r"^(?:#.*)?\n", "", CATALOG, flags=re.MULTILINE)
    assert len(ENTRIES) > 400


def test_an_entry_says_where_it_is_documented() -> None:
    assert len(re.findall(r"^# [^:]+: https://\S+(?:, .*)?\n- kind: ", CATALOG, re.MULTILINE)) == len(ENTRIES)


def test_no_two_entries_are_of_one_kind() -> None:
    assert len({described(entry) for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=described)
def test_entry(entry: str) -> None:
    rules = kinds_of(entry).kinds
    assert rules
    assert len({str(rule.path_data) for rule in rules}) == len(rules), "a path stands there twice"
    for rule in rules:
        # Custom resources are of a group with a dot; of all kinds of a group is no entry.
        assert re.fullmatch(r"[\w-]+(\.[\w-]+)+/(\*|v\d\w*)", rule.selector.api_version) or (
            rule.selector.kind == VALUES_KIND
        )
        assert rule.selector.kind.isalnum()
        found = [match.value for resource in selected(rule) for match in rule.path.find(resource)]
        only_tag = rule.form.options.get("part") == "tag"
        assert any(value == "before" if only_tag else is_image(value, rule) for value in found), rule.path.text


# The fields of overrides that might no longer match, because the name changes in other resources of the fixture.
OVERRIDES = {
    "flux": (
        "HelmRelease/helmrelease: spec.postRenderers[0].kustomize.images[0]",
        "Kustomization/kustomization: spec.images[0]",
    )
}
REPLACED = (
    'the entry still replaces "before.example/team/app", but other resources now contain "after.example/team/app"; '
    'if the entry is for these resources, change its name to "after.example/team/app"'
)


@pytest.mark.parametrize("on", [True, False], ids=["by the catalog", "copied into kinds"])
@pytest.mark.parametrize("path", FIXTURES, ids=[path.stem for path in FIXTURES])
def test_fixture(path: Any, on: bool, program: Program) -> None:
    copied = "" if on else f"catalog: false\nkinds:\n{entries_for(path.read_text())}"
    program.write("functions.yaml", f"{HEAD}{IMAGES}onUnused: error\n{copied}")
    before = path.read_text()
    ran = program("--fn-config", "functions.yaml", stdin=before)
    warnings = [re.sub(r"^krm-image-setter: warning: line [0-9]+: ", "", line) for line in ran.stderr.splitlines()]
    assert (ran.status, warnings) == (0, [f"{field}: {REPLACED}" for field in OVERRIDES.get(path.stem, ())])
    after = "".join(
        line.replace("before", "after") if line.endswith("# set\n") else line
        for line in before.splitlines(keepends=True)
    )
    assert ran.stdout.decode() == after
    again = program("--fn-config", "functions.yaml", stdin=ran.stdout)
    assert (again.status, again.stdout) == (0, ran.stdout)


def entries_for(text: str) -> str:
    """Return the entries whose kind is in a text; the others would only make a run slow."""
    kinds = set(re.findall(r"^kind: (.*)$", text, re.MULTILINE))
    return "".join(entry for entry in ENTRIES if entry.split()[2] in kinds)


GRAFANA, KOPS = "grafana.integreatly.org/v1beta1\nkind: Grafana", "kops.k8s.io/v1alpha2\nkind: Cluster"
PD = "registry.k8s.io/cloud-provider-gcp/gcp-compute-persistent-disk-csi-driver"


@pytest.mark.parametrize(
    ("kind", "spec", "name"),
    [
        (GRAFANA, "{version: '1'}", "grafana/grafana"),
        (KOPS, "{cloudConfig: {gcpPDCSIDriver: {version: '1'}}}", PD),
        (
            KOPS,
            "{cloudConfig: {awsEBSCSIDriver: {version: '1'}}}",
            "registry.k8s.io/provider-aws/aws-ebs-csi-driver",
        ),
        (KOPS, "{awsLoadBalancerController: {version: '1'}}", "public.ecr.aws/eks/aws-load-balancer-controller"),
        (KOPS, "{nodeTerminationHandler: {version: '1'}}", "public.ecr.aws/aws-ec2/aws-node-termination-handler"),
    ],
    ids=["Grafana", "PD driver", "EBS driver", "load balancer", "termination handler"],
)
def test_field_with_only_a_tag_is_set(kind: str, spec: str, name: str) -> None:
    config = read_config(f"{HEAD}onUnused: error\nimages: [{{name: {name}, newTag: '2'}}]\n")
    resource = f"apiVersion: {kind}\nspec: {spec}\n"
    assert set_images(resource, config).text == resource.replace("'1'", "'2'")


def test_look_alikes(program: Program) -> None:
    config = f"{HEAD}{IMAGES}registries: [{{from: before.example, to: after.example}}]\nonUnused: ignore\n"
    program.write("functions.yaml", config)
    before = (FOLDER / "look_alikes.yaml").read_bytes()
    ran = program("--fn-config", "functions.yaml", stdin=before)
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout == before


def test_the_program_cuts_the_file_into_the_same_entries() -> None:
    assert [f"{entry.kind} {entry.api_version}" for entry in entries()] == [described(entry) for entry in ENTRIES]


def test_kinds_with_parts() -> None:
    kinds = frozenset(("ClusterPolicy", "Pod"))
    assert with_split_references(kinds) == {"ClusterPolicy"}
    assert not with_parts(kinds)
    text = (
        "apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nmetadata: {name: x}\n"
        "spec:\n  toolkit:\n    repository: r.io/old\n    image: app\n    version: '1'\n"
    )
    config = read_config(f"{HEAD}images: [{{name: r.io/old/app, newTag: '2'}}]\n")
    assert set_images(text, config).text == text.replace("'1'", "'2'")


def test_only_custom_resources_are_looked_up() -> None:
    assert catalog_rules("v1", "Task") == ()
    assert catalog_rules("apps/v1", "Task") == ()
    assert len(catalog_rules("tekton.dev/v1", "Task")) == 4
