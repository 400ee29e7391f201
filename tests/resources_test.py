"""Resources inside other resources: which mappings are resources, and how their images are set and reported."""

from __future__ import annotations

import json

import pytest

from krm_image_setter import read_config, set_images
from krm_image_setter.documents import Stream

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
IMAGES = "images: {quay.io/a/app: 'quay.io/a/app:2'}\n"
CONFIG = read_config(HEAD + IMAGES + "kinds: {Widget: '{.spec.image}'}\n")
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {image: 'quay.io/a/app:1'} # app\n"
FLOW = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, spec: {image: 'quay.io/a/app:1'}}"


def indented(text: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}\n" for line in text.splitlines())


def work(manifests: str) -> str:
    return (
        "apiVersion: work.open-cluster-management.io/v1\nkind: ManifestWork\nmetadata: {name: work}\n"
        f"spec:\n  workload:\n    manifests:\n{manifests}"
    )


# The structure of each kind is from its CustomResourceDefinition or its documentation.
SET = [
    ("item of a list, as in ManifestWork", work("    -\n" + indented(WIDGET, 6))),
    ("flow style", work(f"    - {FLOW}\n")),
    ("CRLF line endings", work("    -\n" + indented(WIDGET, 6)).replace("\n", "\r\n")),
    (
        "two levels, as in Policy",
        "apiVersion: policy.open-cluster-management.io/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n"
        "  policy-templates:\n  - objectDefinition:\n      apiVersion: policy.open-cluster-management.io/v1\n"
        "      kind: ConfigurationPolicy\n      metadata: {name: c}\n      spec:\n        object-templates:\n"
        "        - complianceType: musthave\n          objectDefinition:\n" + indented(WIDGET, 12),
    ),
    (
        "objects at the top level, as in Template",
        "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: t}\nobjects:\n-\n"
        + indented(WIDGET, 2),
    ),
    (
        "resource without metadata, as in Composition",
        "apiVersion: apiextensions.crossplane.io/v1\nkind: Composition\nmetadata: {name: c}\nspec:\n  resources:\n"
        "  - base: {apiVersion: example.com/v1, kind: Widget, spec: {image: 'quay.io/a/app:1'}}\n",
    ),
    (
        "graph of resources, as in kro",
        "apiVersion: kro.run/v1alpha1\nkind: ResourceGraphDefinition\nmetadata: {name: g}\nspec:\n  resources:\n"
        "  - id: widget\n    template:\n" + indented(WIDGET, 6),
    ),
    ("list inside a resource", work(f"    - {{apiVersion: v1, kind: List, items: [{FLOW}]}}\n")),
    ("resource inside a List", f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: a/v1\n  kind: A\n  b: {FLOW}\n"),
    ("outer resource without apiVersion", f"kind: Work\nspec: {{manifest: {FLOW}}}\n"),
    ("keys with escapes", 'kind: Work\nspec: {m: {"\\u0061piVersion": a/v1, kind: Widget, metadata: {}, '
     'spec: {image: "quay.io/a/app:1"}}}\n'),
    ("keys from a merge key", "kind: Work\n<<: &x {apiVersion: a/v1}\nspec:\n  m:\n    <<: *x\n"
     "    kind: Widget\n    spec: {image: 'quay.io/a/app:1'}\n"),
    ("Kind before a non-ASCII comment", work("    - # Größe 🚀\n" + indented(WIDGET, 6))),
    ("tabs and blank lines", work("\n    -\n\n" + indented(WIDGET.replace(" # app", "\t# app"), 6) + "\n")),
]  # fmt: skip
NOT_SET = [
    ("owner reference", "metadata:\n  ownerReferences:\n  - {apiVersion: a/v1, kind: Widget, name: w, uid: u}\n"),
    ("target reference", "spec: {scaleTargetRef: {apiVersion: a/v1, kind: Widget, name: w}}\n"),
    ("resourceRef", "spec: {resourceRef: {apiVersion: a/v1, kind: Widget, name: w, image: 'quay.io/a/app:1'}}\n"),
    ("involvedObject", "involvedObject: {apiVersion: a/v1, kind: Widget, name: w, fieldPath: 'spec.image'}\n"),
    ("mapping without apiVersion", "spec: {m: {kind: Widget, metadata: {}, spec: {image: 'quay.io/a/app:1'}}}\n"),
    ("kind that is a mapping", "spec: {m: {apiVersion: v1, kind: {}, spec: {image: 'quay.io/a/app:1'}}}\n"),
    ("metadata of a resource", f"metadata: {{x: {FLOW}}}\n"),
    ("status of a resource", f"status: {{manifest: {FLOW}}}\n"),
    (
        "example in a CustomResourceDefinition",
        "spec:\n  m:\n    apiVersion: apiextensions.k8s.io/v1\n    kind: CustomResourceDefinition\n    metadata: {}\n"
        f"    spec: {{example: {FLOW}}}\n",
    ),
]


@pytest.mark.parametrize("text", [text for _, text in SET], ids=[name for name, _ in SET])
def test_nested_resource_is_set(text: str) -> None:
    outcome = set_images(text, CONFIG)
    assert outcome.text == text.replace("quay.io/a/app:1", "quay.io/a/app:2")
    assert [str(result.severity) for result in outcome.results] == ["info"]


@pytest.mark.parametrize("fields", [fields for _, fields in NOT_SET], ids=[name for name, _ in NOT_SET])
def test_mapping_that_is_not_a_resource_is_not_set(fields: str) -> None:
    text = "apiVersion: example.com/v1\nkind: Holder\n" + fields
    assert set_images(text, read_config(HEAD + IMAGES + "kinds: {Widget: '{..image}'}\nonUnused: ignore")) == (
        text,
        (),
    )


def test_json_list_of_nested_resources_is_set() -> None:
    widget = {"apiVersion": "e/v1", "kind": "Widget", "metadata": {}, "spec": {"image": "quay.io/a/app:1"}}
    text = json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "a/v1", "kind": "A", "m": widget}] * 2}
    )
    assert set_images(text, CONFIG).text == text.replace("app:1", "app:2")


def test_alias_of_nested_resource_is_set_with_its_anchor() -> None:
    text = work(f"    - &w {FLOW}\n    - *w\n")
    assert set_images(text, CONFIG).text == text.replace("app:1", "app:2")


def test_result_names_outer_resource_with_path_from_it() -> None:
    (result,) = set_images(work("    -\n" + indented(WIDGET, 6)), CONFIG).results
    assert (str(result.resource_ref), result.field) == (
        "ManifestWork/work", "spec.workload.manifests[0].spec.image"
    )  # fmt: skip


def test_wrong_type_in_nested_resource_is_reported_with_line() -> None:
    text = work("    - apiVersion: example.com/v1\n      kind: Widget\n      spec: {image: {}}\n")
    text = text.replace("{image: {}}", "{image: {a: b}}")
    (warning, _) = set_images(text, CONFIG).results
    assert str(warning).startswith(
        "warning: line 9: ManifestWork/work: spec.workload.manifests[0].spec.image: not changed: path {.spec.image}"
    )


def test_path_that_matches_nothing_in_nested_resource_causes_no_warning() -> None:
    text = work("    - {apiVersion: example.com/v1, kind: Widget, metadata: {}, spec: {}}\n")
    assert (
        set_images(
            text, read_config(HEAD + "registries: [{from: a.io, to: b.io}]\nkinds: {Widget: '{.spec.image}'}\n")
        ).results
        == ()
    )


def test_image_of_a_pod_spec_in_a_nested_resource_is_set_once() -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {}, spec: {containers: [{image: 'quay.io/a/app:1'}]}}"
    config = read_config(HEAD + IMAGES + "kinds: {Pod: '{.spec.containers[*].image}'}\n")
    outcome = set_images(work(f"    - {pod}\n"), config)
    assert [result.message for result in outcome.results] == ['set image "quay.io/a/app:1" to "quay.io/a/app:2"']


def test_selector_compares_name_and_namespace_of_nested_resource() -> None:
    two = work(f"    - {FLOW}\n    - {FLOW.replace('name: w', 'name: v, namespace: ns')}\n")
    config = read_config(HEAD + IMAGES + "kinds: [{name: v, namespace: ns, paths: '{.spec.image}'}]\n")
    head, _, tail = two.rpartition("app:1")
    assert set_images(two, config).text == f"{head}app:2{tail}"


def test_values_of_nested_secret_are_hidden() -> None:
    secret = "{apiVersion: v1, kind: Secret, stringData: {image: 'quay.io/a/app:1'}}"
    config = read_config(HEAD + IMAGES + "kinds: {Secret: '{.stringData.image}', ManifestWork: '{..image}'}\n")
    outcome = set_images(work(f"    - {secret}\n"), config)
    assert "app:2" in outcome.text
    assert not any("quay.io" in str(result._asdict()) for result in outcome.results)


def test_resource_without_second_kind_is_not_searched() -> None:
    (tree,) = (tree for tree in Stream("apiVersion: v1\nkind: A\nspec: {a: {b: 1}}\n").trees() if tree)
    (resource,) = tree.resources()
    assert resource.nested() == []
