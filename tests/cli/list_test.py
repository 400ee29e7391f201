"""The `list` command: its output formats and filters."""

from __future__ import annotations

import json

import pytest
from harness import Program
from terminal import in_terminal

DIGEST = "sha256:" + "0123456789abcdef" * 4
FILES = {
    "deploy/web.yaml": (
        "# the shop\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec:\n  template:\n    spec:\n      initContainers:\n      - image: nginx:1.25\n      containers:\n"
        f"      - image: quay.io/org/side@{DIGEST}\n      - image: quay.io/org/side:latest@{DIGEST}\n"
        '      - image: "nginx:${TAG}"\n      - image: ""\n'
    ),
    "deploy/kafka.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata:\n"
        "  pod: |\n    # one\n    kind: Pod\n    apiVersion: v1\n    spec:\n"
        "      containers:\n      - image: docker.io/nginx\n  text: see repo/x:1 and application/json\n---\n"
        "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnect\nmetadata: {name: connect}\n"
        "spec:\n  image: m.io/kafka:1\n"
    ),
    "deploy/list.json": (
        '{"apiVersion": "v1", "kind": "List", "items": [\n{"apiVersion": "v1", "kind": "Pod", "metadata":\n'
        '{"name": "p"}, "spec": {"containers": [\n{"image": "nginx:1.25"}]}}]}\n'
    ),
    "functions.yaml": (
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: nginx:2}\nkinds:\n"
        "- {kind: KafkaConnect, apiVersion: kafka.strimzi.io/*, paths: .spec.image}\n"
        "- {kind: ConfigMap, paths: [{path: .data.pod, as: yaml}, {path: .data.text, as: text}]}\n"
    ),
}
PREFIX = "krm-image-setter: "
CUSTOM = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {image: 'quay.io/org/app:1'}\n"


@pytest.fixture
def shop(program: Program) -> Program:
    """Return the program in a folder with manifests and a configuration."""
    for name, text in FILES.items():
        program.write(name, text)
    return program


def names(ran_stdout: bytes) -> list[str]:
    return ran_stdout.decode().splitlines()


def test_table_lists_images_with_locations(shop: Program) -> None:
    ran = shop("list", "deploy")
    placeholder = f"{PREFIX}1 image contains a placeholder\n"
    assert (ran.status, ran.stderr) == (0, f"{PREFIX}using configuration from ./functions.yaml\n{placeholder}")
    kafka = "kinds KafkaConnect kafka.strimzi.io/* .spec.image"
    assert names(ran.stdout) == [
        "docker.io/nginx",
        "  ConfigMap/cm          deploy/kafka.yaml:11  data.pod: spec.containers[0].image          podSpecs",
        "m.io/kafka:1",
        f"  KafkaConnect/connect  deploy/kafka.yaml:18  spec.image                                  {kafka}",
        "nginx:${TAG}",
        "  Deployment/web        deploy/web.yaml:13    spec.template.spec.containers[2].image      podSpecs",
        "nginx:1.25",
        "  Pod/p                 deploy/list.json:4    spec.containers[0].image                    podSpecs",
        "  Deployment/web        deploy/web.yaml:9     spec.template.spec.initContainers[0].image  podSpecs",
        f"quay.io/org/side:latest@{DIGEST}",
        "  Deployment/web        deploy/web.yaml:12    spec.template.spec.containers[1].image      podSpecs",
        f"quay.io/org/side@{DIGEST}",
        "  Deployment/web        deploy/web.yaml:11    spec.template.spec.containers[0].image      podSpecs",
        "repo/x:1",
        f"  ConfigMap/cm          deploy/kafka.yaml:12  {'data.text':42}  kinds ConfigMap .data.text",
    ]


def test_json_output_has_a_line_per_image(shop: Program) -> None:
    ran = shop("list", "deploy", "-o", "json")
    rows = json.loads(ran.stdout)
    assert len(ran.stdout.splitlines()) == len(rows) + 2  # one per line
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    assert rows[2] == {
        "image": "m.io/kafka:1",
        "name": "m.io/kafka",
        "tag": "1",
        "digest": None,
        "resource": {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaConnect",
            "namespace": "",
            "name": "connect",
        },
        "file": "deploy/kafka.yaml",
        "line": 18,
        "column": 10,
        "path": "spec.image",
        "rule": "kinds KafkaConnect kafka.strimzi.io/* .spec.image",
    }
    (placeholder,) = (row for row in rows if row["image"] == "nginx:${TAG}")
    assert [placeholder[key] for key in ("name", "tag", "digest")] == [None, None, None]
    assert [row["name"] for row in rows if row["image"] == "docker.io/nginx"] == ["docker.io/library/nginx"]


def test_names_output_lists_each_image_once(shop: Program) -> None:
    assert names(shop("list", "deploy", "-o", "names").stdout) == [
        "docker.io/nginx", "m.io/kafka:1", "nginx:1.25", f"quay.io/org/side:latest@{DIGEST}",
        f"quay.io/org/side@{DIGEST}", "repo/x:1",
    ]  # fmt: skip


def test_wide_output_has_a_row_per_image(shop: Program) -> None:
    header, *rows = names(shop("list", "deploy", "-o", "wide").stdout)
    assert header.split("  ")[0] == "IMAGE"
    assert rows[1].split() == [
        "m.io/kafka:1", "KafkaConnect", "kafka.strimzi.io/v1", "connect", "deploy/kafka.yaml:18", "spec.image",
        "kinds", "KafkaConnect", "kafka.strimzi.io/*", ".spec.image",
    ]  # fmt: skip
    assert len(rows) == 8


FILTERS = [
    pytest.param(["--image", "nginx"], ["docker.io/nginx", "nginx:1.25"], id="name without tag"),
    pytest.param(["--image", "nginx:*"], ["nginx:1.25"], id="name with any tag"),
    pytest.param(["--image", "ngin"], [], id="part of a name"),
    pytest.param(["--image", "*/kafka*", "--image", "repo/?"], ["m.io/kafka:1", "repo/x:1"], id="wildcards"),
    pytest.param(["--kind", "Pod"], ["nginx:1.25"], id="kind"),
    pytest.param(["--kind", "pod"], [], id="kind in lower case"),
    pytest.param(["--kind", "Kafka*.kafka.strimzi.io"], ["m.io/kafka:1"], id="group"),
    pytest.param(["--kind", "Deployment.extensions"], [], id="another group"),
    pytest.param(["--registry", "m.io"], ["m.io/kafka:1"], id="registry"),
    pytest.param(["--registry", "docker.io"], ["docker.io/nginx", "nginx:1.25", "repo/x:1"], id="Docker Hub"),
    pytest.param(
        ["--registry", "index.docker.io/library/"], ["docker.io/nginx", "nginx:1.25"], id="host and path"
    ),
    pytest.param(["--registry", "m.i"], [], id="part of a host"),
    pytest.param(["--registry", "m.io", "--kind", "Pod"], [], id="two filters"),
    pytest.param(
        ["--not-registry", "docker.io", "--not-registry", "quay.io/org"], ["m.io/kafka:1"], id="not two registries"
    ),
    pytest.param(
        ["--not-registry", "index.docker.io/library/", "--registry", "docker.io"], ["repo/x:1"], id="not a path"
    ),
    pytest.param(
        ["--unpinned"],
        ["docker.io/nginx", "m.io/kafka:1", "nginx:1.25", "repo/x:1"],
        id="unpinned",
    ),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_filters_select_images(shop: Program, filters: list[str], expected: list[str]) -> None:
    assert names(shop("list", "deploy", "-o", "names", *filters).stdout) == expected
    status = 1 if expected else 0
    assert shop("list", "deploy", "--check", *filters).status == status


PLACEHOLDERS = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
    "  - {image: 'm.io/a:${TAG}'}\n  - {image: 'm.io${PATH}'}\n  - {image: '${REGISTRY}/a'}\n"
)


def test_placeholder_after_the_registry_is_in_the_registry(program: Program) -> None:
    program.write("a.yaml", PLACEHOLDERS)
    ran = program("list", "a.yaml", "--not-registry", "m.io", "--check")
    assert ran.status == 1
    assert [line for line in names(ran.stdout) if "$" in line] == ["${REGISTRY}/a", "m.io${PATH}"]
    assert ran.stderr == f"{PREFIX}2 images contain placeholders\n"


@pytest.mark.parametrize(
    ("option", "value", "suggestion"),
    [
        ("--registry", "!m.io", "--not-registry m.io"),
        ("--not-registry", "!m.io", "--not-registry m.io"),
        ("--image", "!nginx", "--not-registry HOST"),
        ("--kind", "!Pod", "--not-registry HOST"),
    ],
)
def test_negated_filter_is_an_error(shop: Program, option: str, value: str, suggestion: str) -> None:
    ran = shop("list", "deploy", option, value)
    error = f'error: {option} "{value}": a filter cannot be negated; use `{suggestion}`'
    assert ran == (2, b"", f"{PREFIX}{error}\n")


@pytest.mark.parametrize("option", ["--registry", "--not-registry"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://m.io:5000", 'invalid registry "https://m.io:5000"; expected HOST or HOST/PATH, such as '),
        ("", 'invalid registry ""; expected HOST or HOST/PATH, such as '),
        ("org", '"org" has no registry host; write docker.io/org, or a host with a dot or a port'),
    ],
)
def test_invalid_registry_is_an_error(shop: Program, option: str, value: str, message: str) -> None:
    ran = shop("list", "deploy", option, value, "--check")
    assert (ran.status, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(f'{PREFIX}error: {option} "{value}": {message}')


def test_registry_can_be_a_placeholder(program: Program) -> None:
    program.write("a.yaml", PLACEHOLDERS)
    ran = program("list", "a.yaml", "--not-registry", "m.io", "--not-registry", "${REGISTRY}", "--check")
    assert [line for line in names(ran.stdout) if "$" in line] == ["m.io${PATH}"]


IGNORE = (
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nignore:\n"
    "- {image: 'repo/*', reason: built locally}\n- {image: nginx, reason: base image}\n"
    "- {image: other, reason: not used}\n"
)


def test_ignored_images_are_counted_with_reason(shop: Program) -> None:
    shop.write("ignore.yaml", IGNORE)
    ran = shop(
        "list", "deploy", "--fn-config", "functions.yaml", "--fn-config", "ignore.yaml", "-o", "names",
        "--not-registry", "quay.io", "--check",
    )  # fmt: skip
    assert (ran.status, ran.stdout) == (1, b"m.io/kafka:1\n")
    assert ran.stderr.splitlines() == [
        f'{PREFIX}ignored 1 image "repo/*": built locally',
        f'{PREFIX}ignored 3 images "nginx": base image',
        f'{PREFIX}not printed: 1 image without a complete reference, such as "nginx:${{TAG}}" at deploy/web.yaml:13; '
        "use `-o table`",
    ]
    assert shop("list", "deploy", "--fn-config", "ignore.yaml", "-o", "names").stdout.count(b"nginx") == 1


def test_not_registry_with_unknown_lists_images_with_and_without_rule(program: Program) -> None:
    program.write("a.yaml", CUSTOM + "---\nkind: Pod\nspec: {containers: [{image: 'nginx:1'}]}\n")
    ran = program("list", "a.yaml", "--not-registry", "m.io", "--unknown", "--check", "-o", "names")
    assert (ran.status, names(ran.stdout)) == (1, ["nginx:1", "quay.io/org/app:1"])
    ran = program(
        "list", "a.yaml", "--not-registry", "quay.io", "--not-registry", "docker.io", "--unknown", "--check"
    )
    assert ran == (0, b"", f"{PREFIX}no image matches `--not-registry` (2 images found)\n")


def test_suggestions_for_ignored_images_are_not_printed(program: Program) -> None:
    program.write("a.yaml", CUSTOM)
    program.write("functions.yaml", IGNORE + "- {image: quay.io/*, reason: ours}\n")
    assert program("list", "a.yaml", "--unknown", "--check").stdout == b""


def test_registry_of_a_hidden_value_is_compared(program: Program) -> None:
    program.write(
        "a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: m.io/a, b: n.io/b}\n"
    )
    program.write(
        "functions.yaml",
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds: {Secret: '{.stringData.*}'}\n",
    )
    ran = program("list", "a.yaml", "--not-registry", "m.io", "-o", "json")
    assert [(row["image"], row["path"]) for row in json.loads(ran.stdout)] == [("***", "stringData.b")]


def test_placeholder_is_unpinned(shop: Program) -> None:
    assert b"nginx:${TAG}" in shop("list", "deploy", "--unpinned").stdout


@pytest.mark.parametrize(("output", "expected"), [("table", b""), ("json", b"[]\n"), ("names", b"")])
def test_input_without_images_prints_an_empty_list(program: Program, output: str, expected: bytes) -> None:
    program.write("a.yaml", "kind: A\n")
    assert program("list", "a.yaml", "-o", output, "--check") == (
        0,
        expected,
        f"{PREFIX}no image found in 1 file\n",
    )


NOTHING_LISTED = [
    pytest.param(
        ["--image", "ngin"],
        "no image matches `--image` (8 images found); known values: m.io/kafka, nginx, quay.io/org/side, repo/x",
        id="image",
    ),
    pytest.param(
        ["--kind", "pod"],
        "no image matches `--kind` (8 images found); known values: ConfigMap, Deployment, KafkaConnect, Pod",
        id="kind",
    ),
    pytest.param(
        ["--registry", "x.io"],
        "no image matches `--registry` (8 images found); known values: docker.io, m.io, quay.io",
        id="registry",
    ),
    pytest.param(
        ["--registry", "quay.io", "--image", "nginx*"],
        "no image matches all filters together (8 images found)",
        id="two filters",
    ),
    pytest.param(
        ["--kind", "X={.spec.a}"],
        'error: --kind "X={.spec.a}": expected KIND or KIND.GROUP; '
        "add the path to `kinds`, in a file for `--fn-config`",
        id="path",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), NOTHING_LISTED)
def test_filter_without_result_is_explained(shop: Program, arguments: list[str], message: str) -> None:
    ran = shop("list", "deploy", "--fn-config", "functions.yaml", *arguments, "-o", "names")
    assert ran == (2 if message.startswith("error") else 0, b"", f"{PREFIX}{message}\n")


def test_check_that_prints_no_name_prints_the_reason(program: Program) -> None:
    program.write("a.yaml", "kind: Pod\nspec: {containers: [{image: 'nginx:${TAG}'}]}\n")
    reason = (
        'not printed: 1 image without a complete reference, such as "nginx:${TAG}" at a.yaml:2; use `-o table`'
    )
    assert program("list", "a.yaml", "-o", "names", "--check") == (1, b"", f"{PREFIX}{reason}\n")


def test_names_without_some_images_reports_them(program: Program) -> None:
    program.write("a.yaml", "kind: Pod\nspec: {containers: [{image: 'nginx:1'}, {image: quay.io/Org/app}]}\n")
    reason = (
        'not printed: 1 image without a complete reference, such as "quay.io/Org/app" at a.yaml:2; use `-o table`'
    )
    assert program("list", "a.yaml", "-o", "names") == (0, b"nginx:1\n", f"{PREFIX}{reason}\n")


def test_list_without_configuration_finds_pod_specs(shop: Program) -> None:
    (shop.folder / "functions.yaml").unlink()
    ran = shop("list", "deploy", "-o", "names", "--kind", "ConfigMap", "--kind", "Pod")
    assert ran == (0, b"nginx:1.25\n", "")


def test_configuration_without_images_is_accepted(shop: Program) -> None:
    shop.write(
        "kinds.yaml",
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nkinds: {KafkaConnect: .spec.image}\n",
    )
    ran = shop("list", "deploy", "-o", "names", "--fn-config", "kinds.yaml", "--kind", "KafkaConnect")
    assert ran == (0, b"m.io/kafka:1\n", "")


def test_standard_input_is_listed(program: Program) -> None:
    ran = program("list", "-", stdin="kind: Pod\nspec: {containers: [{image: nginx}]}\n")
    assert ran.stdout == b"nginx\n  Pod  standard input:2  spec.containers[0].image  podSpecs\n"


def test_errors_are_reported_next_to_the_list(shop: Program) -> None:
    shop.write("deploy/t.yaml", "kind: {{ x\n")
    ran = shop("list", "deploy", "-o", "names")
    assert ran.status == 0
    assert "deploy/t.yaml:1:7: " in ran.stderr
    ran = shop("list", "deploy", "deploy/t.yaml", "-o", "names")
    assert (ran.status, len(names(ran.stdout))) == (2, 6)
    assert f"{PREFIX}error: deploy/t.yaml:1:7: " in ran.stderr


@pytest.mark.parametrize(("columns", "lines_per_location"), [(160, 1), (80, 2)])
def test_table_on_a_narrow_terminal_has_two_lines_per_location(
    shop: Program, columns: int, lines_per_location: int
) -> None:
    arguments = ("-m", "krm_image_setter", "list", "deploy", "--image", "nginx:1.25")
    status, screen = in_terminal(shop.folder, *arguments, columns=columns)
    _, image, *lines = screen.splitlines()
    assert (status, image) == (0, "\x1b[1mnginx:1.25\x1b[m")
    assert len(lines) == 2 * lines_per_location
    assert all(len(line) <= columns for line in lines)
    plain = in_terminal(shop.folder, *arguments, columns=columns, env={"NO_COLOR": "1"})[1]
    assert plain == screen.replace("\x1b[1m", "").replace("\x1b[m", "")


def test_many_files_are_listed_in_order(program: Program) -> None:
    for number in range(700):
        program.write(f"m/{number:03}.yaml", f"kind: Pod\nspec: {{containers: [{{image: 'x:{number:03}'}}]}}\n")
    assert names(program("list", "m", "-o", "names").stdout) == [f"x:{number:03}" for number in range(700)]


def test_unknown_images_are_listed_with_kinds(program: Program) -> None:
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


REASONS = [
    pytest.param(["--unpinned"], ["nginx:1.25", 'image "nginx:1.25" has no digest'], id="no digest"),
    pytest.param(["--not-registry", "m.io"], ["nginx:1.25", "is in another registry"], id="other registry"),
    pytest.param(["--unknown"], ["redis:7", 'image "redis:7" is not found by any rule'], id="unknown image"),
    pytest.param([], ["nginx:1.25", 'image "nginx:1.25"'], id="no filter"),
]


@pytest.mark.parametrize(("filters", "expected"), REASONS)
def test_finding_contains_the_reason(shop: Program, filters: list[str], expected: list[str]) -> None:
    shop.write("deploy/thing.yaml", "apiVersion: example.com/v1\nkind: Thing\nspec: {image: 'redis:7'}\n")
    image, text = expected
    out = shop("list", "deploy", "-o", "github", *filters).stdout.decode()
    assert [line for line in out.splitlines() if image in line and line.endswith(text)]


@pytest.mark.parametrize(
    "kind, listed",
    [("CatalogSource", 1), ("Policy.policy.open-cluster-management.io", 1), ("ConfigurationPolicy", 0)],
)
def test_kind_selects_resources_inside_other_resources(program: Program, kind: str, listed: int) -> None:
    program.write(
        "a.yaml",
        "apiVersion: policy.open-cluster-management.io/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  items:\n"
        "  - apiVersion: operators.coreos.com/v1alpha1\n    kind: CatalogSource\n    metadata: {name: c}\n"
        "    spec: {image: 'quay.io/org/index:v1'}\n",
    )
    ran = program("list", "a.yaml", "--kind", kind, "-o", "names")
    assert ran.stdout == b"quay.io/org/index:v1\n" * listed
