from __future__ import annotations

import json
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import Case, accepted, imported

from krm_image_setter.errors import ConfigError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.skaffold import import_skaffold

HEAD = "apiVersion: skaffold/v4beta11\nkind: Config\n"
GIVE = """\
# A skaffold.yaml doesn't say the new references. Give each as an argument, or write it here for
# NEW-REFERENCE and take the first # of these lines away.
# images:
"""
NOTHING = (1, "nothing here says which images to set or where they are: give that by hand")
APPLIED = "this has to do with images and is not applied: add by hand what it changes"
CHART = "the chart gets an image by its values: give it the image's name, and set what helm writes"
PATH = "skaffold finds nothing there: give a path such as .spec.image"


def read_skaffold(text: str) -> Imported:
    return accepted(import_skaffold(text, "skaffold.yaml"))


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
        "nothing of images",
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
            (5, 'build.artifacts[0].imageName: unknown field "imageName": did you mean "image"?'),
            (5, "build.artifacts[0]: image is missing: add it"),
            (6, "build.artifacts[1].image: an import path is no reference here: leave it to ko"),
            (7, 'build.artifacts[2].image: invalid image reference "A": the name must be lowercase'),
            (8, 'build.artifacts[3].image: 1 is read as the number 1, quote it: "1"'),
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
          - "/image"
          - "spec/a\\\\/b/image"
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
            (5, "resourceSelector.allow[0]: groupKind is missing: add it"),
            (6, "resourceSelector.allow[1].groupKind: the kind is missing: give Kind or Kind.group"),
            (8, f"resourceSelector.allow[2].image[0]: {PATH}"),
            (8, f"resourceSelector.allow[2].image[1]: {PATH}"),
            (8, f"resourceSelector.allow[2].image[2]: {PATH}"),
            (8, 'resourceSelector.allow[2].image[3]: 1 is read as the number 1, quote it: "1"'),
            (9, 'resourceSelector.allow[2].images: unknown field "images": did you mean "image"?'),
        ),
    ),
    Case(
        "paths that are denied",
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
          paths: "/b"
        """,
        tuple(
            (
                line,
                f"resourceSelector.deny[{index}].image: no field can be taken out here: see that no path leads "
                "there, nor to a pod spec there",
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
        images(('line 3\nline 6, in the profile "prod"', "app"), ('line 6, in the profile "prod"', "proxy"))
        + """\
kinds:
# line 7, in the profile "prod"
- kind: A
  apiVersion: b/*
  paths: spec/image
""",
        (
            (9, f"profiles[0].patches[0]: {APPLIED}"),
            (10, f"profiles[0].patches[1]: {APPLIED}"),
            (11, f"profiles[0].patches[2]: {APPLIED}"),
            (12, "profiles[1].build: this must be a mapping, not the number 1"),
            (13, 'profiles[2]: this must be a mapping, not "a"'),
        ),
    ),
    Case(
        "other files, charts",
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
                (line, f"requires[{line - 4}]: this is not read: import its skaffold.yaml too")
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


def test_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_skaffold("a: [\n", "dev/skaffold.yaml")
    assert str(error.value).startswith("dev/skaffold.yaml: line 2 column 1: ")


PIECES = [
    "build", "resourceSelector", "profiles", "requires", "manifests", "deploy", "artifacts", "image", "allow", "deny",
    "groupKind", "name", "patches", "path", "helm", "releases", "setValueTemplates", "Foo.example.com", "Foo", ".foo",
    ".spec.image", ".*", "spec", "/build/artifacts", "a", "a:1", "A", "ko://a", "{{.IMAGE_TAG}}", "",
]  # fmt: skip
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
def test_whatever_a_skaffold_yaml_holds(config: dict[str, object]) -> None:
    read_skaffold(json.dumps({"apiVersion": "skaffold/v4beta11", "kind": "Config", **config}))
