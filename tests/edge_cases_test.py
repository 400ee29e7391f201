"""The rows of the design's edge cases, each a test by its name: noops first."""

from __future__ import annotations

import pytest

from krm_image_setter import ConfigError, read_config, set_images

D = "sha256:" + "0123456789abcdef" * 4
E = "sha256:" + "fedcba9876543210" * 4
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"


def config(body: str, on_unused: str = "ignore") -> str:
    return f"{HEAD}onUnused: {on_unused}\n{body}\n"


def images(*entries: str) -> str:
    return config("images:\n" + "".join(f"- {{{entry}}}\n" for entry in entries))


def kinds(entry: str, image: str = "name: nginx, newTag: '2'") -> str:
    return config(f"images:\n- {{{image}}}\nkinds:\n{entry}")


def pod(image: str) -> str:
    return f"apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: {image}\n"


def custom(spec: str, kind: str = "KafkaConnect", api_version: str = "kafka.strimzi.io/v1beta2") -> str:
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: x\nspec: {spec}\n"


SAME = None  # stands for an output that is the input

REFERENCES = [
    pytest.param("gcrXio/foo:1", ["name: gcr.io/foo, newTag: '2'"], SAME, id="R11"),
    pytest.param("my.registry/nginx:1", ["name: nginx, newTag: '2'"], SAME, id="R14 registry"),
    pytest.param("user/nginx:1", ["name: nginx, newTag: '2'"], SAME, id="R14 user"),
    pytest.param("nginx:1-alpine", ["name: nginx, tagSuffix: -alpine"], SAME, id="R19 again"),
    pytest.param("nginx", ["name: nginx, tagSuffix: -alpine"], SAME, id="R19 no tag"),
    pytest.param("nginx:${TAG}", ["name: nginx, newTag: '2'"], SAME, id="R23 shell"),
    pytest.param("$(IMG)", ["name: nginx, newTag: '2'"], SAME, id="R23 make"),
    pytest.param("'{{ .Values.x }}'", ["name: nginx, newTag: '2'"], SAME, id="R23 helm"),
    pytest.param("$(inputs.params.I)", ["name: nginx, newTag: '2'"], SAME, id="R23 tekton"),
    pytest.param("nginx:{BUILD}", ["name: nginx, newTag: '2'"], SAME, id="R23 braces"),
    pytest.param("''", ["name: nginx, newTag: '2'"], SAME, id="R24 empty"),
    pytest.param("null", ["name: nginx, newTag: '2'"], SAME, id="R24 null"),
    pytest.param("123", ["name: '123', newTag: '2'"], SAME, id="R24 number"),
    pytest.param("true", ["name: 'true', newTag: '2'"], SAME, id="R24 bool"),
    pytest.param("NGINX:1", ["name: nginx, newTag: '2'"], SAME, id="R25"),
    pytest.param("nginx:3", ["name: 'nginx:1', newTag: '2'"], SAME, id="R28 other tag"),
    pytest.param("nginx", ["name: nginx, newTag: '2.0'"], "nginx:2.0", id="R1"),
    pytest.param(f"nginx:1.0@{D}", ["name: nginx, newTag: '2.0'"], "nginx:2.0", id="R2"),
    pytest.param(f"nginx:1.0@{D}", ["name: nginx, newName: foo/nginx"], f"foo/nginx:1.0@{D}", id="R3"),
    pytest.param("nginx:1.0", ["name: nginx, newName: foo/nginx"], "foo/nginx:1.0", id="R4"),
    pytest.param(f"nginx@{D}", ["name: nginx, newName: foo/nginx"], f"foo/nginx@{D}", id="R5"),
    pytest.param("nginx:1.0", [f"name: nginx, digest: '{E}'"], f"nginx@{E}", id="R6"),
    pytest.param("nginx:1.0", [f"name: nginx, newTag: '2', digest: '{E}'"], f"nginx:2@{E}", id="R7"),
    pytest.param(
        "localhost:5000/a/nginx:1",
        ["name: 'localhost:5000/a/nginx', newTag: '2'"],
        "localhost:5000/a/nginx:2",
        id="R8",
    ),
    pytest.param(
        "localhost:5000/nginx", ["name: 'localhost:5000/nginx', newTag: '2'"], "localhost:5000/nginx:2", id="R9"
    ),
    pytest.param(
        "'[::1]:5000/nginx:1'", ["name: '[::1]:5000/nginx', newTag: '2'"], "'[::1]:5000/nginx:2'", id="R10"
    ),
    pytest.param(
        "docker.io/library/nginx:1", ["name: nginx, newTag: '2'"], "docker.io/library/nginx:2", id="R13 full"
    ),
    pytest.param("docker.io/nginx:1", ["name: nginx, newTag: '2'"], "docker.io/nginx:2", id="R13 domain"),
    pytest.param("library/nginx:1", ["name: nginx, newTag: '2'"], "library/nginx:2", id="R13 path"),
    pytest.param(
        "index.docker.io/library/nginx:1",
        ["name: nginx, newTag: '2'"],
        "index.docker.io/library/nginx:2",
        id="R13 index",
    ),
    pytest.param("nginx:1", ["name: docker.io/library/nginx, newTag: '2'"], "nginx:2", id="R13 long rule"),
    pytest.param("nginx:1", ["name: nginx, newName: 'localhost:5000/nginx'"], "localhost:5000/nginx:1", id="R18"),
    pytest.param("nginx:1", ["name: nginx, tagSuffix: -alpine"], "nginx:1-alpine", id="R19"),
    pytest.param("a:1", ["name: a, newName: b", "name: b, newName: a"], "b:1", id="R20"),
    pytest.param("nginx:1", ["name: nginx, newImage: 'b:2'", "name: b, newTag: '3'"], "b:2", id="R21"),
    pytest.param("nginx@sha512:" + "0a" * 64, ["name: nginx, newTag: '2'"], "nginx:2", id="R22 sha512"),
    pytest.param("repo@algo+x:" + "0a" * 32, ["name: repo, newTag: '2'"], "repo:2", id="R22 any algorithm"),
    pytest.param("' nginx:1 '", ["name: nginx, newTag: '2'"], "' nginx:2 '", id="R26 spaces"),
    pytest.param("|\n      nginx:1\n", ["name: nginx, newTag: '2'"], "|\n      nginx:2\n", id="R26 block"),
    pytest.param("nginx:1", ["name: 'nginx:1', newTag: '2'"], "nginx:2", id="R28"),
]


@pytest.mark.parametrize("before, rules, after", REFERENCES)
def test_references(before: str, rules: list[str], after: str | None) -> None:
    text, setter = pod(before), read_config(images(*rules))
    outcome = set_images(text, setter)
    assert outcome.text == pod(before if after is None else after)
    assert len(outcome.results) == (after is not None)
    if len(rules) == 1:  # rules that set each other's results are run once (R20, R21)
        again = set_images(outcome.text, setter)
        assert (again.text, again.results) == (outcome.text, ()), "R27: a second run changes nothing"


@pytest.mark.parametrize(
    "entry, message",
    [
        pytest.param("name: '[', newTag: '2'", 'invalid image reference "["', id="R12 bracket"),
        pytest.param("name: foo++bar, newTag: '2'", 'invalid image reference "foo++bar"', id="R12 plus"),
        pytest.param("name: nginx, newName: 'foo/nginx:3'", "`newName` cannot contain a tag", id="R17"),
        pytest.param(
            "name: nginx, newTag: 1.20", 'YAML reads 1.20 as the number 1.2; quote it: "1.20"', id="R15 float"
        ),
        pytest.param("name: nginx, newTag: 7284872", 'quote it: "7284872"', id="R15 int"),
        pytest.param("name: nginx, newTag: 0362525", 'quote it: "0362525"', id="R15 octal"),
        pytest.param("name: nginx, newTag: 1e3", 'quote it: "1e3"', id="R15 exponent"),
        pytest.param("name: nginx, newTag: 553640e6", 'quote it: "553640e6"', id="R15 commit"),
        pytest.param("name: nginx, newTag: 0777", 'quote it: "0777"', id="R15 mode"),
        pytest.param("name: nginx, newtag: '2'", 'unknown field "newtag"; did you mean "newTag"?', id="L25"),
    ],
)
def test_error_config(entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(images(entry))
    assert message in str(caught.value)
    assert caught.value.line == 5
    assert "images[0]" in str(caught.value)


@pytest.mark.parametrize("tag", ["553640e6", "7284872", "0362525", "1.20", "1e3", "0777"])
def test_r15_config_map(tag: str) -> None:
    """In a ConfigMap's data the source text is taken as it stands."""
    setter = read_config(f"apiVersion: v1\nkind: ConfigMap\ndata: {{name: nginx, newTag: {tag}}}\n")
    assert set_images(pod("nginx:1"), setter).text == pod(f"nginx:{tag}")


LOCATORS = [
    pytest.param(
        custom("{image: nginx:1}", kind="KafkaConnector"), kinds("  KafkaConnect: '{.spec.image}'"), SAME, id="L1"
    ),
    pytest.param(
        custom("{image: nginx:1}", kind="Service", api_version="v1"),
        kinds("  Service.serving.knative.dev: '{.spec.image}'"),
        SAME,
        id="L2",
    ),
    pytest.param(custom("{}"), kinds("  KafkaConnect: '{.spec.image}'"), SAME, id="L5 missing"),
    pytest.param(custom("{image: {a: nginx:1}}"), kinds("  KafkaConnect: '{.spec.image}'"), SAME, id="L6"),
    pytest.param(
        pod("busybox") + "    env:\n    - {name: IMG, value: nginx:1}\n    - name: B\n      value: nginx\n",
        images("name: nginx, newTag: '2'"),
        SAME,
        id="L12",
    ),
    pytest.param(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  containers:\n"
        "  - image: nginx:1\n  image: {type: string}\n",
        images("name: nginx, newTag: '2'"),
        SAME,
        id="L16",
    ),
    pytest.param(
        "kind: Pod\nmetadata: {name: 'nginx', containers: [{image: nginx:1}]}\nspec: {a: nginx}\n",
        images("name: nginx, newTag: '2'"),
        SAME,
        id="L17",
    ),
    pytest.param(
        "kind: Pod\nspec:\n  containers:\n  - name: nginx\n  - image: null\n  - image:\n  - {image: [nginx]}\n"
        "  - nginx\n  initContainers: []\n  ephemeralContainers: null\n  volumes: [{image: nginx}]\n",
        images("name: nginx, newTag: '2'"),
        SAME,
        id="L21",
    ),
    pytest.param(
        custom("{components: {a: {image: nginx:1}, b: {image: 'nginx'}}}"),
        kinds("  KafkaConnect: '{.spec.components.*.image}'"),
        custom("{components: {a: {image: nginx:2}, b: {image: 'nginx:2'}}}"),
        id="L3",
    ),
    pytest.param(
        custom("{params: [{name: image, default: nginx}, {name: n, default: [nginx]}, {name: c, default: 3}]}"),
        kinds("""  KafkaConnect: '{.spec.params[?(@.name=="image")].default}'"""),
        custom("{params: [{name: image, default: nginx:2}, {name: n, default: [nginx]}, {name: c, default: 3}]}"),
        id="L4",
    ),
    pytest.param(
        custom("{list: [{image: nginx}, {other: 1}, {image: nginx:1}]}"),
        kinds("  KafkaConnect: '{.spec.list[*].image}'"),
        custom("{list: [{image: nginx:2}, {other: 1}, {image: nginx:2}]}"),
        id="L5",
    ),
    pytest.param(
        "kind: A\nmetadata: {name: x, annotations: {x.io/image: nginx:1, x.io/other: nginx:1}}\n",
        kinds("  A: [\"{.metadata.annotations['x.io/image']}\"]"),
        "kind: A\nmetadata: {name: x, annotations: {x.io/image: nginx:2, x.io/other: nginx:1}}\n",
        id="L15 quoted",
    ),
    pytest.param(
        "kind: A\nmetadata: {name: x, annotations: {x.io/image: nginx:1, x.io/other: nginx:1}}\n",
        kinds("  A: ['{.metadata.annotations.x\\.io/image}']"),
        "kind: A\nmetadata: {name: x, annotations: {x.io/image: nginx:2, x.io/other: nginx:1}}\n",
        id="L15 escaped",
    ),
    pytest.param(
        "kind: CR\n"
        "spec: {deep: [{template: {spec: {containers: [{image: nginx}], initContainers: "
        "[{image: nginx}],\n"
        "  ephemeralContainers: [{image: nginx}], volumes: [{image: {reference: nginx}}]}}}]}\n",
        images("name: nginx, newTag: '2'"),
        "kind: CR\n"
        "spec: {deep: [{template: {spec: {containers: [{image: nginx:2}], initContainers: "
        "[{image: nginx:2}],\n"
        "  ephemeralContainers: [{image: nginx:2}], volumes: [{image: {reference: nginx:2}}]}}}]}\n",
        id="L18",
    ),
    pytest.param(
        "kind: List\nitems:\n- kind: PodList\n  items:\n  - spec: {containers: [{image: nginx}]}\n"
        "- kind: KafkaConnect\n  spec: {image: nginx}\n",
        kinds("  KafkaConnect: '{.spec.image}'"),
        "kind: List\nitems:\n- kind: PodList\n  items:\n  - spec: {containers: [{image: nginx:2}]}\n"
        "- kind: KafkaConnect\n  spec: {image: nginx:2}\n",
        id="L19",
    ),
    # `kubectl kustomize` builds these lists without the null items.
    pytest.param(
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec: {containers: [{image: nginx}]}\n- null\n-\n- ~\n"
        "- kind: PodList\n  items: [{spec: {containers: [{image: nginx}]}}, null]\n",
        images("name: nginx, newTag: '2'"),
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  spec: {containers: [{image: nginx:2}]}\n- null\n-\n- ~\n"
        "- kind: PodList\n  items: [{spec: {containers: [{image: nginx:2}]}}, null]\n",
        id="null items of a List in block style",
    ),
    pytest.param(
        "{kind: List, items: [null, {kind: Pod, spec: {containers: [{image: nginx}]}}, ~]}\n",
        images("name: nginx, newTag: '2'"),
        "{kind: List, items: [null, {kind: Pod, spec: {containers: [{image: nginx:2}]}}, ~]}\n",
        id="null items of a List in flow style",
    ),
    pytest.param(
        "kind: Pod\nspec: {containers: [{name: istio-proxy, image: auto}, {name: web, image: auto}]}\n",
        images("name: auto, newName: nginx"),
        "kind: Pod\nspec: {containers: [{name: istio-proxy, image: auto}, {name: web, image: nginx}]}\n",
        id="placeholder of Istio",
    ),
    pytest.param(
        "kind: Pod\nspec:\n  containers:\n  - name: &n nginx\n    image: *n\n",
        images("name: nginx, newTag: '2'"),
        "kind: Pod\nspec:\n  containers:\n  - name: &n nginx\n    image: nginx:2\n",
        id="L22 alias",
    ),
    pytest.param(
        "kind: Pod\nspec:\n  containers:\n  - image: &n nginx # c\n    name: *n\n",
        images("name: nginx, newTag: '2'"),
        "kind: Pod\nspec:\n  containers:\n  - image: &n nginx:2 # c\n    name: nginx\n",
        id="L22 anchor",
    ),
    pytest.param(
        "kind: Pod\nspec:\n  containers:\n  - image: &n nginx\n  - image: *n\n",
        images("name: nginx, newTag: '2'"),
        "kind: Pod\nspec:\n  containers:\n  - image: &n nginx:2\n  - image: *n\n",
        id="L22 both",
    ),
    pytest.param(
        custom("{containers: [{image: nginx}]}"),
        kinds("  KafkaConnect: ['{.spec.containers[0].image}', '{..image}', 'spec/containers[]/image']"),
        custom("{containers: [{image: nginx:2}]}"),
        id="L23",
    ),
    pytest.param(
        "kind: Pod\nmetadata: {generateName: a-}\nspec: {containers: [{image: nginx}]}\n",
        images("name: nginx, newTag: '2'"),
        "kind: Pod\nmetadata: {generateName: a-}\nspec: {containers: [{image: nginx:2}]}\n",
        id="L24",
    ),
]


@pytest.mark.parametrize("before, setter, after", LOCATORS)
def test_locators(before: str, setter: str, after: str | None) -> None:
    outcome = set_images(before, read_config(setter))
    assert outcome.text == (before if after is None else after)


def test_l6_warning_names_resource_path_and_type() -> None:
    outcome = set_images(custom("{image: {a: nginx}}"), read_config(kinds("  KafkaConnect: '{.spec.image}'")))
    assert [str(result) for result in outcome.results] == [
        "warning: line 5: KafkaConnect/x: spec.image: "
        "not changed: path {.spec.image} points to a mapping, expected a string"
    ]


def test_l23_counted_once() -> None:
    setter = read_config(kinds("  KafkaConnect: ['{.spec.containers[0].image}', '{..image}']"))
    assert len(set_images(custom("{containers: [{image: nginx}]}"), setter).results) == 1


def test_l24_no_resource_ref() -> None:
    outcome = set_images(
        "kind: Pod\nspec: {containers: [{image: nginx}]}\n", read_config(images("name: nginx, newTag: '2'"))
    )
    assert "resourceRef" not in outcome.results[0].to_data()


FORM = """\
# head
kind: Pod   # comment

metadata: {name: "a",   labels: { x: 'y' }}
spec:
    volumes: []
    containers:
      # before
      -   name: a
          image:   "nginx:1"   # after
          args: [ 'x' ,
            "y"]

      - {name: b, image: nginx:1}
      - name: c
        command:
        - |
          echo "---"
            - image: nginx:1
        - >-
          folded
          text
        image: 'nginx:1'
      - image: >-
          nginx:1
        name: d
"""

FIDELITY = [
    pytest.param(
        FORM,
        FORM.replace('"nginx:1"', '"nginx:2"')
        .replace("'nginx:1'", "'nginx:2'")
        .replace("b, image: nginx:1", "b, image: nginx:2")
        .replace(">-\n          nginx:1", ">-\n          nginx:2"),
        id="F1",
    ),
    pytest.param(
        "kind: Pod\n"
        'x: ["yes", "on", "y", "0777", "12e3", "12:30", "0x1F"]\n'
        "spec: {containers: [{image: nginx}]}\n",
        "kind: Pod\n"
        'x: ["yes", "on", "y", "0777", "12e3", "12:30", "0x1F"]\n'
        "spec: {containers: [{image: nginx:2}]}\n",
        id="F2",
    ),
    pytest.param(
        "kind: Pod\nx: [yes, 0777, 12:30, 1.20, 2024-01-01T00:00:00Z]\nspec: {containers: [{image: nginx}]}\n",
        "kind: Pod\nx: [yes, 0777, 12:30, 1.20, 2024-01-01T00:00:00Z]\nspec: {containers: [{image: nginx:2}]}\n",
        id="F3",
    ),
    pytest.param(
        "kind: Pod\nx:\n- =\nspec: {containers: [{image: nginx}]}\n",
        "kind: Pod\nx:\n- =\nspec: {containers: [{image: nginx:2}]}\n",
        id="F4",
    ),
    pytest.param(
        "\ufeffkind: Pod\r\nx: 'ü 😀 %'\r\ny: |\r\n  a\tb\r\nspec: {z: 😀, containers: [{image: nginx}]}",
        "\ufeffkind: Pod\r\nx: 'ü 😀 %'\r\ny: |\r\n  a\tb\r\nspec: {z: 😀, containers: [{image: nginx:2}]}",
        id="F5",
    ),
    pytest.param(
        "kind: Pod\nmetadata: {name: a}\na: 1\na: 2\nb: 123456789012345678901234567890\nc: .5\n"
        "spec: {containers: [{image: nginx}]}\n",
        "kind: Pod\nmetadata: {name: a}\na: 1\na: 2\nb: 123456789012345678901234567890\nc: .5\n"
        "spec: {containers: [{image: nginx:2}]}\n",
        id="F7",
    ),
]


@pytest.mark.parametrize("before, after", FIDELITY)
def test_fidelity(before: str, after: str) -> None:
    setter = read_config(images("name: nginx, newTag: '2'"))
    assert set_images(before, setter).text == after
    assert set_images(after, setter).text == after


def test_f6_quoted_where_it_would_not_read_back() -> None:
    setter = read_config(images("name: nginx, newImage: '12:30'", "name: a, newImage: '[::1]:5000/a'"))
    before = "kind: Pod\nspec:\n  containers:\n  - image: nginx\n  - {image: nginx}\n  - image: a\n"
    after = (
        'kind: Pod\nspec:\n  containers:\n  - image: "12:30"\n  - {image: "12:30"}\n  - image: "[::1]:5000/a"\n'
    )
    assert set_images(before, setter).text == after


def test_a_result_is_told_on_one_line() -> None:
    setter = read_config(HEAD + 'images: {nginx: "nginx:2"}\nkinds: {Pod: "{.spec}\\n"}\n')
    (warning, _) = set_images('kind: Pod\nmetadata: {name: "a\\nb"}\nspec: {}\n', setter).results
    assert str(warning) == (
        r"warning: line 3: Pod/a\nb: spec: not changed: path {.spec}\n points to a mapping, expected a string"
    )
    assert warning.to_data()["message"] == r"not changed: path {.spec}\n points to a mapping, expected a string"
