"""The catalog against real custom resources and a list of their image fields, where they are beside the project."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
import yaml
from harness import ROOT

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.locators import RELATED_IMAGE, KindRule, Split
from krm_image_setter.locators.values import VALUES
from krm_image_setter.resources import ResourceRef

CORPUS = ROOT.parent / "shared" / "corpus"
FIELDS = CORPUS / "image-fields.json"
CATALOG = (ROOT / "krm_image_setter/catalog/catalog.yaml").read_text()
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
NAME, TAG = "before.example/app", "before"
pytestmark = pytest.mark.skipif(not FIELDS.is_file(), reason="no ../shared/corpus beside the project")

VERSIONS: Final = ("v1", "v1alpha1", "v1alpha2", "v1beta1", "v1beta2", "v2", "v2alpha1")
OPERATING_SYSTEM = "the operator adds the operating system to the version"
INTERNAL = "written by its controller alone"
OLD = "a project or version of the past"
LEFT_OUT = {
    "argoproj.io WorkflowTaskSet spec.tasks.*.container": INTERNAL,
    "argoproj.io WorkflowTaskSet spec.tasks.*.script": INTERNAL,
    "argoproj.io WorkflowTaskSet spec.tasks.*.sidecars": INTERNAL,
    "dataflow.argoproj.io Pipeline spec.steps[*].container": OLD,
    "dataflow.argoproj.io Pipeline spec.steps[*].git.image": OLD,
    "longhorn.io Engine spec.image": INTERNAL,
    "longhorn.io EngineFrontend spec.image": INTERNAL,
    "longhorn.io Replica spec.image": INTERNAL,
    "mariadb.mmontes.io MariaDB spec.image.{repository,tag}": OLD,
    "nvidia.com ClusterPolicy spec.driver.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com ClusterPolicy spec.gdrcopy.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com ClusterPolicy spec.gds.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com ClusterPolicy spec.vgpuManager.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com NVIDIADriver spec.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com NVIDIADriver spec.gdrcopy.{repository,image,version}": OPERATING_SYSTEM,
    "nvidia.com NVIDIADriver spec.gds.{repository,image,version}": OPERATING_SYSTEM,
    "serving.knative.dev Service spec.runLatest.configuration.revisionTemplate.spec.container": OLD,
    "tekton.dev Pipeline spec.tasks[*].taskRef.params[*].value": "a parameter may be anything",
}


@cache
def catalog() -> ImageSetter:
    return read_config(f"{HEAD}images: {{{NAME}: 'after.example/app:after'}}\nkinds:\n{CATALOG}")


def rows() -> list[Any]:
    """Return the fields that hold an image, or an object or list of objects with one."""
    if not FIELDS.is_file():
        return []
    holding = ("full", "container", "clist", "split", "ociurl")
    return [row for row in json.loads(FIELDS.read_text()) if row["holds"] in holding]


def described(row: Any) -> str:
    return f"{row['group']} {row['kind']} {row['path']}"


def resource(row: Any, version: str) -> str:
    """Return a resource with an image in the field."""
    reference = f"{NAME}:{TAG}"
    container = {"image": reference}
    registry, _, name = NAME.partition("/")
    path, _, parts = row["path"].partition("{")
    split = {"repository": registry, "image": name} if "image" in parts else {"repository": NAME}
    value: Any = {
        "full": reference,
        "ociurl": f"docker://{reference}",
        "container": container,
        "clist": [container],
        "split": {**split, "tag" if "tag" in parts else "version": TAG},
    }[row["holds"]]
    for step in reversed(re.findall(r"\[\*\]|[^.\[\]]+", path)):
        value = [value] if step == "[*]" else {step.replace("*", "any"): value}
    return json.dumps({"apiVersion": f"{row['group']}/{version}", "kind": row["kind"], **value})


@pytest.mark.parametrize("row", rows(), ids=described)
def test_field(row: Any) -> None:
    set_anywhere = any("after" in set_images(resource(row, version), catalog()).text for version in VERSIONS)
    assert set_anywhere != (described(row) in LEFT_OUT), LEFT_OUT.get(described(row))


def test_what_is_left_out_is_there() -> None:
    assert LEFT_OUT.keys() <= {described(row) for row in rows()}


def test_resources() -> None:
    """Custom resources of all projects: how many images the catalog finds, and that none is of another type."""
    found: Counter[str] = Counter()
    for document in documents():
        ref = ResourceRef(document["apiVersion"], document["kind"], "", "")
        rules = [rule for rule in catalog().kinds if rule.selector.matches(ref)]
        matched = [
            (match, rule) for rule in rules for match in rule.path.find(document) if match.value is not None
        ]
        images = {match.location for match, rule in matched if is_image(match.value, rule)}
        assert images >= {
            match.location
            for match, rule in matched
            if not isinstance(rule.form, Split) and rule.form not in (VALUES, RELATED_IMAGE)
        }, document
        found[document["kind"]] += len(images)
    assert sum(found.values()) > 1450
    assert sum(count > 0 for count in found.values()) > 45


def is_image(value: Any, rule: KindRule) -> bool:
    if isinstance(rule.form, Split) and isinstance(value, dict):
        return rule.form.repository in value
    return isinstance(value, str) and not isinstance(rule.form, Split)


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C where there is C
    """Reads a bare `=` as the text that it is to Kubernetes."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def documents() -> Iterator[Any]:
    """Yield the resources of the corpus whose kind the catalog has, but what is no YAML."""
    kinds = "|".join(sorted({rule.selector.kind for rule in catalog().kinds}))
    of_catalog = re.compile(rf"^[ -]*\"?kind\"?: \"?({kinds})\"?,?$", re.MULTILINE)
    for path in sorted(CORPUS.rglob("*")):
        if path.is_dir() or path.suffix not in (".yaml", ".yml", ".json"):
            continue
        for text in re.split(r"^---.*$", path.read_text(errors="replace"), flags=re.MULTILINE):
            # A schema names the kind too, is long, and holds no images.
            if of_catalog.search(text) is None or "openAPIV3Schema" in text:
                continue
            try:
                document = yaml.load(text, Loader)
            except (yaml.YAMLError, ValueError):
                continue
            items = document.get("items") or () if isinstance(document, dict) else ()
            for item in (document, *items):
                if isinstance(item, dict) and isinstance(item.get("kind"), str) and "apiVersion" in item:
                    yield item
