"""kpt: `fn eval` on a folder and in a pipe, and `fn render`. Its files keep their comments."""

from __future__ import annotations

import pytest
import yaml
from orchestrator import MANIFESTS, SET, Orchestrator

CONNECT = MANIFESTS["connect.yaml"].replace("image: kafkaconnect", f"image: {SET}")
WEB = MANIFESTS["web.yaml"].replace("nginx:1.24", "nginx:1.20")


def app(kpt: Orchestrator) -> dict[str, str]:
    return {name: (kpt.folder / "app" / name).read_text() for name in MANIFESTS}


def test_fn_eval_exec(kpt: Orchestrator) -> None:
    ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "set-images.yaml")
    assert ran.returncode == 0, ran.stderr
    assert app(kpt) == {"connect.yaml": CONNECT, "web.yaml": WEB}
    assert f'set image "kafkaconnect" to "{SET}"' in ran.stderr


def test_fn_eval_results(kpt: Orchestrator) -> None:
    (kpt.folder / "results").mkdir()
    ran = kpt(
        "fn",
        "eval",
        "app",
        "--exec",
        "krm-image-setter",
        "--fn-config",
        "set-images.yaml",
        "--results-dir",
        "results",
    )
    assert ran.returncode == 0, ran.stderr
    (item,) = yaml.safe_load((kpt.folder / "results/results.yaml").read_text())["items"]
    assert [
        (result["severity"], result["field"]["path"], result["file"]["path"]) for result in item["results"]
    ] == [
        ("info", "spec.image", "connect.yaml"),
        ("info", "spec.template.spec.initContainers[0].image", "web.yaml"),
        ("info", "spec.template.spec.containers[0].image", "web.yaml"),
    ]


def test_fn_eval_config_map(kpt: Orchestrator) -> None:
    """`newTag=1.20` comes as the text that it is."""
    ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--", "name=nginx", "newTag=1.20")
    assert ran.returncode == 0, ran.stderr
    assert app(kpt) == {"connect.yaml": MANIFESTS["connect.yaml"], "web.yaml": WEB}


def test_fn_eval_pipe(kpt: Orchestrator) -> None:
    source = kpt("fn", "source", "app")
    ran = kpt(
        "fn", "eval", "-", "--exec", "krm-image-setter", "--fn-config", "set-images.yaml", stdin=source.stdout
    )
    assert ran.returncode == 0, ran.stderr
    items = {item["kind"]: item for item in yaml.safe_load(ran.stdout)["items"]}
    assert items["KafkaConnect"]["spec"]["image"] == SET
    assert "# the image" in ran.stdout


def test_fn_render(kpt: Orchestrator) -> None:
    kpt.write(
        "app/Kptfile",
        "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: app\npipeline:\n  mutators:\n"
        "  - exec: krm-image-setter\n    configPath: set-images.yaml\n",
    )
    kpt.write("app/set-images.yaml", (kpt.folder / "set-images.yaml").read_text())
    ran = kpt("fn", "render", "app", "--allow-exec")
    assert ran.returncode == 0, ran.stderr
    assert app(kpt) == {"connect.yaml": CONNECT, "web.yaml": WEB}


PEERS = {
    "SetImage": "apiVersion: fn.kpt.dev/v1alpha1\nkind: SetImage\nmetadata: {name: set-image}\n"
    "image: {name: kafkaconnect, newName: localhost:5005/kafkaconnect, newTag: tilt-1a2b3c}\n"
    "additionalImageFields:\n"
    "- {group: kafka.strimzi.io, version: v1beta2, kind: KafkaConnect, path: "
    "spec/image}\n",
    "ImageTagTransformer": "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: set-image}\n"
    "imageTag: {name: kafkaconnect, newName: localhost:5005/kafkaconnect, newTag: tilt-1a2b3c}\n"
    "fieldSpecs:\n- {path: spec/image, kind: KafkaConnect}\n",
}


@pytest.mark.parametrize("config", PEERS.values(), ids=PEERS)
def test_the_configurations_of_peers(kpt: Orchestrator, config: str) -> None:
    kpt.write("peer.yaml", config)
    ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "peer.yaml")
    assert ran.returncode == 0, ran.stderr
    assert app(kpt) == {"connect.yaml": CONNECT, "web.yaml": MANIFESTS["web.yaml"]}


def test_everything_at_once(kpt: Orchestrator) -> None:
    """What adds lines and what is in strings goes through kpt as well."""
    kpt.write(
        "app/values.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: values\ndata:\n  v: |\n    # inner\n"
        "    image:\n      repository: nginx # here\n",
    )
    kpt.write(
        "all.yaml",
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nmetadata: {name: all}\n"
        "images: {nginx: 'nginx:v2'}\nimagePullPolicy: Always\n"
        "kinds:\n  ConfigMap:\n    path: .data.v\n    as: yaml\n"
        "    paths: {path: .image, fields: {repository: repository, tag: tag}}\n",
    )
    for _ in range(2):
        ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "all.yaml")
        assert ran.returncode == 0, ran.stderr
        values = (kpt.folder / "app/values.yaml").read_text()
        assert values.endswith("    # inner\n    image:\n      repository: nginx # here\n      tag: v2\n")
        web = (kpt.folder / "app/web.yaml").read_text()
        assert "        image: nginx:v2 # pinned\n        imagePullPolicy: Always\n" in web


def test_fn_eval_twice_changes_nothing(kpt: Orchestrator) -> None:
    for _ in range(2):
        ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "set-images.yaml")
        assert ran.returncode == 0, ran.stderr
        assert app(kpt) == {"connect.yaml": CONNECT, "web.yaml": WEB}
    assert "warning" not in ran.stderr


def test_error_fails_and_changes_nothing(kpt: Orchestrator) -> None:
    kpt.write(
        "set-images.yaml",
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nmetadata: {name: x}\nimage: {}\n",
    )
    ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "set-images.yaml")
    assert ran.returncode != 0
    assert 'unknown field "image"; did you mean "images"?' in ran.stderr
    assert app(kpt) == MANIFESTS
