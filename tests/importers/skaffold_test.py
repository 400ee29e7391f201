from __future__ import annotations

import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import Case, accepted, imported, source

from krm_image_setter.errors import ConfigError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.skaffold import import_skaffold

HEAD = "apiVersion: skaffold/v4beta11\nkind: Config\n"
GIVE = """\
# skaffold.yaml does not contain the new references. Pass each as an argument, or replace
# NEW-REFERENCE below and remove the first # of these lines.
# images:
"""
NOTHING = (1, "no images or image paths found in this file")
APPLIED = "not imported: the patch changes images; apply it by hand"
CHART = (
    "not imported: Skaffold passes the image as a Helm value; write the name of the image into the values, and "
    "run "
    "krm-image-setter on the output of `helm template`"
)


def read_skaffold(text: str) -> Imported:
    return accepted(import_skaffold(source(text, "skaffold.yaml")))


def images(*names: tuple[str, str]) -> str:
    """Return the commented entries for origins and names."""
    return GIVE + "".join(
        "".join(f"# # {line}\n" for line in origins.splitlines())
        + f"# # --image {name}=NEW-REFERENCE\n# - name: {name}\n#   newImage: NEW-REFERENCE\n"
        for origins, name in names
    )


# Each is below HEAD: its first line is line 3.
CASES = [
    Case(
        "no images",
        """\
        metadata: {name: a}
        requires: [{configs: [other]}]
        build: {tagPolicy: {sha256: {}}, artifacts: []}
        manifests: {rawYaml: [k8s.yaml], helm: {releases: [{name: a, setValueTemplates: {a: "{{.B}}"}}]}}
        deploy: {kubectl: {}}
        resourceSelector: {allow: [{groupKind: Foo.example.com, labels: [.*]}], deny: [{groupKind: Foo}]}
        profiles: [{name: a, patches: [{path: /build/artifacts/0/docker/dockerfile, value: a}, {op: test}, 1]}]
        """,
        "",
        (NOTHING,),
    ),
    Case(
        "artifacts",
        """\
        build:
          artifacts:
          - image: gcr.io/my-project/app
            context: app
          - image: web
            requires: [{image: base}]
          - image: gcr.io/my-project/app
        """,
        images(("line 5\nline 9", "gcr.io/my-project/app"), ("line 7", "web")),
    ),
    Case(
        "wrong artifacts",
        """\
        build:
          artifacts:
          - imageName: a
          - image: ko://example.com/cmd/app
          - image: A
          - image: 1
        """,
        "",
        (
            (5, 'build.artifacts[0].imageName: not imported: unknown field "imageName"; did you mean "image"?'),
            (5, "build.artifacts[0]: not imported: missing required field `image`"),
            (6, "build.artifacts[1].image: not imported: ko resolves `ko://` import paths itself"),
            (7, 'build.artifacts[2].image: not imported: invalid image reference "A": the name must be lowercase'),
            (8, 'build.artifacts[3].image: not imported: YAML reads 1 as the number 1; quote it: "1"'),
        ),
    ),
    Case(
        "paths",
        """\
        resourceSelector:
          allow:
          - groupKind: KafkaConnect.kafka.strimzi.io
            image: [.spec.image, .spec.sidecars.image]
          - groupKind: Service
            image: [".*"]
          - groupKind: Odd.example.com
            image: [.image, .spec.a/b.image]
        """,
        """\
        kinds:
        # line 5
        - kind: KafkaConnect
          apiVersion: kafka.strimzi.io/*
          paths:
          - spec/image
          - spec/sidecars/image
        # line 7
        - kind: Service
          apiVersion: v1
          paths: "{..image}"
        # line 9
        - kind: Odd
          apiVersion: example.com/*
          paths:
          - /image
          - spec/a\\/b/image
        """,
    ),
    Case(
        "wrong paths",
        """\
        resourceSelector:
          allow:
          - image: [.a]
          - groupKind: .example.com
          - groupKind: A
            image: [spec.image, .spec.image., .a\\.b, 1]
            images: []
          forbid: []
        """,
        "",
        (
            (5, "resourceSelector.allow[0]: not imported: missing required field `groupKind`"),
            (
                6,
                'resourceSelector.allow[1].groupKind: not imported: invalid kind ".example.com"; expected KIND '
                "or KIND.GROUP",
            ),
            (
                8,
                'resourceSelector.allow[2].image[0]: not imported: invalid path "spec.image"; expected one such '
                "as .spec.image",
            ),
            (
                8,
                'resourceSelector.allow[2].image[1]: not imported: invalid path ".spec.image."; expected one '
                "such as .spec.image",
            ),
            (
                8,
                'resourceSelector.allow[2].image[2]: not imported: invalid path ".a\\.b"; expected one such as '
                ".spec.image",
            ),
            (8, 'resourceSelector.allow[2].image[3]: not imported: YAML reads 1 as the number 1; quote it: "1"'),
            (9, 'resourceSelector.allow[2].images: not imported: unknown field "images"; did you mean "image"?'),
        ),
    ),
    Case(
        "denied paths",
        """\
        resourceSelector:
          allow:
          - {groupKind: A, image: [.a, .b]}
          - {groupKind: B, image: [.a, .b]}
          deny:
          - {groupKind: A, image: [.a]}
          - {groupKind: B, image: [".*"]}
        """,
        """\
        kinds:
        # line 5
        - kind: A
          apiVersion: v1
          paths: /b
        """,
        tuple(
            (
                line,
                f"resourceSelector.deny[{index}].image: not imported: fields cannot be excluded; "
                "check that no path and no pod spec matches this field",
            )
            for line, index in ((8, 0), (9, 1))
        ),
    ),
    Case(
        "profiles",
        """\
        build: {artifacts: [{image: app}]}
        profiles:
        - name: prod
          build: {artifacts: [{image: app}, {image: proxy}]}
          resourceSelector: {allow: [{groupKind: A.b, image: [.spec.image]}]}
          patches:
          - {op: replace, path: /build/artifacts/0/image, value: a}
          - {op: add, path: /build/artifacts/-, value: {image: a}}
          - {op: add, path: /resourceSelector/allow/-, value: {}}
        - build: 1
        - a
        """,
        images(('line 3\nline 6, profile "prod"', "app"), ('line 6, profile "prod"', "proxy"))
        + """\
kinds:
# line 7, profile "prod"
- kind: A
  apiVersion: b/*
  paths: spec/image
""",
        (
            (9, f"profiles[0].patches[0]: {APPLIED}"),
            (10, f"profiles[0].patches[1]: {APPLIED}"),
            (11, f"profiles[0].patches[2]: {APPLIED}"),
            (12, "profiles[1].build: not imported: expected a mapping, got the number 1"),
            (13, 'profiles[2]: not imported: expected a mapping, got "a"'),
        ),
    ),
    Case(
        "requires and charts",
        """\
        requires:
        - path: ../other
        - git: {repo: https://example.com/a.git}
        - a
        manifests:
          helm:
            releases:
            - setValueTemplates: {image: {tag: "{{.IMAGE_TAG_app}}"}}
        deploy:
          helm:
            releases:
            - artifactOverrides: {image: app}
        """,
        "",
        (
            *(
                (
                    line,
                    f"requires[{line - 4}]: not imported: another skaffold.yaml was not read; import it "
                    "separately",
                )
                for line in (4, 5, 6)
            ),
            (10, f"manifests.helm.releases[0]: {CHART}"),
            (14, f"deploy.helm.releases[0]: {CHART}"),
        ),
    ),
    Case(
        "several configurations",
        """\
        build: {artifacts: [{image: app}]}
        ---
        apiVersion: skaffold/v4beta11
        kind: Config
        build: {artifacts: [{image: web}]}
        ---
        kind: Deployment
        build: {artifacts: [{image: other}]}
        """,
        images(("line 3", "app"), ("line 7", "web")),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_skaffold(case: Case) -> None:
    assert read_skaffold(HEAD + dedent(case.text)) == imported("skaffold.yaml", case.fields, case.notes)


def test_error_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_skaffold(source("a: [\n", "dev/skaffold.yaml"))
    assert str(error.value).startswith("dev/skaffold.yaml:2:1: ")


PIECES = [
    "build",
    "resourceSelector",
    "profiles",
    "requires",
    "manifests",
    "deploy",
    "artifacts",
    "image",
    "allow",
    "deny",
    "groupKind",
    "name",
    "patches",
    "path",
    "helm",
    "releases",
    "setValueTemplates",
    "Foo.example.com",
    "Foo",
    ".foo",
    ".spec.image",
    ".*",
    "spec",
    "/build/artifacts",
    "a",
    "a:1",
    "A",
    "ko://a",
    "{{.IMAGE_TAG}}",
    "",
]
VALUES = st.recursive(
    st.sampled_from(PIECES) | st.text(max_size=3) | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PIECES), inner, max_size=5),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "build": st.fixed_dictionaries({"artifacts": st.lists(VALUES, max_size=3)}),
            "resourceSelector": st.dictionaries(st.sampled_from(["allow", "deny"]), st.lists(VALUES, max_size=3)),
            **{key: st.lists(VALUES, max_size=3) for key in ("profiles", "requires", "manifests")},
        },
    )
)
def test_any_skaffold_yaml_becomes_a_valid_configuration(config: dict[str, object]) -> None:
    read_skaffold(json.dumps({"apiVersion": "skaffold/v4beta11", "kind": "Config", **config}))
