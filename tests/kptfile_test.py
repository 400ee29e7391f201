"""The error of a function that kpt runs as a validator."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Program

from krm_image_setter import read_config, set_images
from krm_image_setter.config import decode
from krm_image_setter.documents import Stream
from krm_image_setter.function import plan_function, read_resource_list

CONFIG: dict[str, Any] = {
    "apiVersion": "krm-image-setter.dev/v1alpha1",
    "kind": "ImageSetter",
    "metadata": {"name": "set-images"},
    "images": {"nginx": "nginx:2"},
}
DATA: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "function-input"},
    "data": {"name": "nginx", "newTag": "2"},
}
MESSAGE = (
    "the images differ from the configuration, but kpt discards the changes of a validator; "
    "declare this function in `pipeline.mutators` of the Kptfile"
)
BY_PATH = {"exec": "krm-image-setter", "configPath": "functions.yaml"}
BY_DATA = {"image": "example.com/krm-image-setter", "configMap": {"name": "nginx", "newTag": "2"}}
OTHER = {"image": "example.com/other", "configPath": "other.yaml"}


def in_file(resource: dict[str, Any], path: str) -> dict[str, Any]:
    metadata = {**resource.get("metadata", {}), "annotations": {"internal.config.kubernetes.io/path": path}}
    return {**resource, "metadata": metadata}


def resource_list(config: dict[str, Any], pipeline: Any, image: str = "nginx:1", folder: str = "") -> str:
    """Return the input of a function as kpt 1.0.0-beta.56 writes it."""
    items = [
        in_file({"apiVersion": "kpt.dev/v1", "kind": "Kptfile", "pipeline": pipeline}, f"{folder}Kptfile"),
        in_file(CONFIG, f"{folder}functions.yaml"),
        in_file({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": image}]}}, "web.yaml"),
    ]
    listed = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items}
    return yaml.safe_dump({**listed, "functionConfig": config})


def results(text: str) -> list[tuple[str, str]]:
    read = read_resource_list(Stream(text))
    assert read is not None
    plan = plan_function(read, lambda value: decode([value] if value else []))
    return [(result.severity, result.message) for result in plan.results]


CASES = [
    pytest.param(CONFIG, {"validators": [BY_PATH]}, True, id="validator with a file"),
    pytest.param(
        CONFIG, {"validators": [OTHER, {**BY_PATH, "configPath": "./functions.yaml"}]}, True, id="dot in the path"
    ),
    pytest.param(DATA, {"validators": [BY_DATA]}, True, id="validator with a ConfigMap"),
    pytest.param(CONFIG, {"mutators": [BY_PATH]}, False, id="mutator"),
    pytest.param(CONFIG, {"mutators": [BY_PATH], "validators": [BY_PATH]}, False, id="mutator and validator"),
    pytest.param(CONFIG, {"mutators": [BY_PATH], "validators": [OTHER]}, False, id="other validator with a file"),
    pytest.param(
        DATA, {"validators": [{**BY_DATA, "configMap": {}}]}, False, id="other validator with a ConfigMap"
    ),
    pytest.param(CONFIG, {"validators": None}, False, id="null instead of a list"),
    pytest.param(CONFIG, {"validators": ["x", {}]}, False, id="items that are not functions"),
    pytest.param(CONFIG, "validators", False, id="text instead of the pipeline"),
]


@pytest.mark.parametrize(("config", "pipeline", "is_error"), CASES)
@pytest.mark.parametrize("folder", ["", "sub/"])
def test_validator_that_would_set_an_image_fails(
    config: dict[str, Any], pipeline: Any, is_error: bool, folder: str
) -> None:
    found = results(resource_list(config, pipeline, folder=folder))
    assert found == ([("error", MESSAGE)] if is_error else [("info", 'set image "nginx:1" to "nginx:2"')])
    assert results(resource_list(config, pipeline, "nginx:2", folder)) == []


@pytest.mark.skipif(not shutil.which("kpt"), reason="kpt is not installed")
def test_kpt_reports_the_validator(program: Program) -> None:
    program.write(
        "Kptfile",
        yaml.safe_dump(
            {
                "apiVersion": "kpt.dev/v1",
                "kind": "Kptfile",
                "metadata": {"name": "web"},
                "pipeline": {"validators": [{**BY_PATH, "exec": f"{sys.executable} -m krm_image_setter"}]},
            }
        ),
    )
    program.write("functions.yaml", yaml.safe_dump(CONFIG))
    program.write(
        "web.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{image: nginx}]}\n"
    )
    kpt = ["kpt", "fn", "render", "--allow-exec"]
    ran = subprocess.run(kpt, cwd=program.folder, capture_output=True, text=True, check=False)
    assert (ran.returncode, f"[error]: {MESSAGE}" in ran.stderr) == (1, True)
    web = Path(program.folder, "web.yaml")
    web.write_text(set_images(web.read_text(), read_config(yaml.safe_dump(CONFIG))).text)
    ran = subprocess.run(kpt, cwd=program.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0
