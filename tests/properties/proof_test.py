"""The proof that nothing points to a registry: each image is in the registry, listed, or ignored with a reason.

Each manifest contains images in all places that rules find: containers, custom resources, resources inside other
resources, embedded documents, split references, and defaults of parameters.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_image_setter.cli import run_command
from krm_image_setter.images import parse_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4
HOSTS = [
    "",
    "docker.io/",
    "index.docker.io/",
    "docker.io/library/",
    "m.io/",
    "m.io/hub/",
    "m.io:5000/",
    "xm.io/",
    "quay.io/",
]
WHERE = ["container", "initContainers", "nested", "embedded", "split", "parameter", "variable", "Template"]
references = st.builds(
    "{}{}{}".format,
    st.sampled_from(HOSTS),
    st.sampled_from(["app", "org/app", "org/tool"]),
    st.sampled_from(["", ":1", ":v1.2", f"@{DIGEST}", f":1@{DIGEST}"]),
)
placeholders = st.sampled_from(
    ["${IMAGE}", "m.io/${NAME}", "m.io/app:{{ .tag }}", "quay.io/app:$(TAG)", "m.io$(X)"]
)
images = st.lists(st.tuples(st.sampled_from(WHERE), st.one_of(references, references, placeholders)), max_size=6)
patterns = st.lists(
    st.sampled_from(["app", "org/*", "quay.io/*", "*:1", "docker.io/library/app", "${IMAGE}"]), max_size=2
)


def manifest(where: str, image: str) -> str:
    """Return the YAML of a resource that contains an image."""
    containers = {"containers": [{"name": "c", "image": image}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": containers}
    custom = {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaConnect",
        "metadata": {"name": "k"},
        "spec": {"image": image},
    }
    holder = {"apiVersion": "example.com/v1", "kind": "Holder", "metadata": {"name": "h"}}
    params = {"params": [{"name": "x", "default": image}], "steps": [{"image": "$(params.x)"}]}
    found = {
        "container": pod,
        "initContainers": {**pod, "spec": {"initContainers": containers["containers"]}},
        "nested": {**holder, "spec": {"manifests": [custom]}},
        "embedded": {**holder, "text": yaml.safe_dump(pod)},
        "split": {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository", "metadata": {"name": "o"},
            "spec": split(image),
        },
        "parameter": {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "t"}, "spec": params},
        "variable": {**holder, "env": [{"name": "RELATED_IMAGE_A", "value": image}]},
        "Template": {
            "apiVersion": "template.openshift.io/v1", "kind": "Template", "metadata": {"name": "t"},
            "objects": [{**pod, "spec": {"containers": [{"image": "${X}"}]}}],
            "parameters": [{"name": "X", "value": image}],
        },
    }  # fmt: skip
    return yaml.safe_dump(found[where])


def split(image: str) -> dict[str, object]:
    reference = parse_reference(image)
    if reference is None:
        return {"url": image}
    parts = {"tag": reference.tag, "digest": reference.digest}
    return {"url": f"oci://{reference.name}", "ref": {part: text for part, text in parts.items() if text}}


def is_in(image: str, registry: str) -> bool:
    """Return whether Docker pulls an image from a registry, whatever its placeholders contain."""
    if any(mark in image for mark in ("$", "{{")):
        return image.startswith(f"{registry}/")
    host, slash, _ = image.partition("/")
    is_host = slash and ("." in host or ":" in host)
    return {"index.docker.io": "docker.io"}.get(host, host) == registry if is_host else registry == "docker.io"


@settings(max_examples=30, deadline=None)
@given(images, st.sampled_from(["m.io", "docker.io", "quay.io"]), patterns)
def test_each_image_is_in_the_registry_or_listed_or_ignored(
    placed: list[tuple[str, str]], registry: str, ignore: list[str]
) -> None:
    # A split reference cannot contain a placeholder, and a parameter of which the default is one is not an image.
    placed = [
        (where, image)
        for where, image in placed
        if parse_reference(image) or where not in ("split", "parameter", "Template")
    ]
    config = {
        "apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter",
        "kinds": [{"kind": "Holder", "paths": [{"path": "{.text}", "as": "yaml"}, {"path": "{.env[*]}", "as": "relatedImage"}]}],
    }  # fmt: skip
    listed, _, status = run(placed, registry, config)
    ignored, message, _ = run(
        placed, registry, {**config, "ignore": [{"image": pattern, "reason": "r"} for pattern in ignore]}
    )
    expected = sorted(image for _, image in placed if not is_in(image, registry))
    assert listed == expected
    assert status == (1 if expected else 0)
    counts = sum(int(line.split()[2]) for line in message.splitlines() if " ignored " in line)
    assert len(listed) - len(ignored) == counts
    assert not set(ignored) - set(listed)


def run(placed: list[tuple[str, str]], registry: str, config: object) -> tuple[list[str], str, int]:
    """Return the sorted images that `list --not-registry` lists, its standard error, and its exit status."""
    written, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(written)
    with tempfile.TemporaryDirectory() as folder:
        for number, (where, image) in enumerate(placed):
            Path(folder, f"{number}.yaml").write_text(manifest(where, image))
        Path(folder, "functions").write_text(json.dumps(config))
        arguments = [
            folder,
            "--fn-config",
            f"{folder}/functions",
            "--not-registry",
            registry,
            "--check",
            "-o",
            "json",
        ]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run_command(["list", *arguments])
    return sorted(row["image"] for row in json.loads(written.getvalue())), err.getvalue(), status
