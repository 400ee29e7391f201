"""The output format `cyclonedx`, checked by the validator of cyclonedx-python-lib."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from harness import Program

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = [
    "nginx:1",
    "docker.io/library/nginx:1",
    f"quay.io:5000/org/app:2@{DIGEST}",
    f"a/b@{DIGEST}",
    "redis",
    "a:${T}",
]
POD = "kind: Pod\napiVersion: v1\nmetadata: {{name: p}}\nspec:\n  containers:\n{}"


def pod(*images: str) -> str:
    return POD.format("".join(f"  - {{image: '{image}'}}\n" for image in images))


def bom(program: Program) -> dict[str, Any]:
    pytest.importorskip("cyclonedx.output.json", reason="pip install 'krm-image-setter[cyclonedx]'")
    ran = program("list", "a.yaml", "-o", "cyclonedx")
    assert ran.status == 0, ran.stderr
    bom: dict[str, Any] = json.loads(ran.stdout)
    return bom


@pytest.mark.parametrize("images", [IMAGES, []], ids=["images", "no images"])
def test_bom_is_valid(program: Program, images: list[str]) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="pip install cyclonedx-python-lib")
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415  (it might not be installed)

    program.write("a.yaml", pod(*images) if images else "kind: A\n")
    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bom(program))) is None


def test_component_has_a_package_url_and_locations(program: Program) -> None:
    """The package URLs follow types/oci-definition.json of https://github.com/package-url/purl-spec."""
    program.write("a.yaml", pod(*IMAGES))
    hub = "repository_url=docker.io"
    components = bom(program)["components"]
    assert [(one["name"], one.get("version"), one["purl"]) for one in components] == [
        ("docker.io/a/b", DIGEST, f"pkg:oci/b@{DIGEST}?{hub}/a/b"),
        ("docker.io/library/nginx", "1", f"pkg:oci/nginx?{hub}/library/nginx&tag=1"),
        ("docker.io/library/redis", None, f"pkg:oci/redis?{hub}/library/redis"),
        ("quay.io:5000/org/app", "2", f"pkg:oci/app@{DIGEST}?repository_url=quay.io:5000/org/app&tag=2"),
    ]
    assert {one["type"] for one in components} == {"container"}
    places = [(one["location"], one["line"], one["additionalContext"]) for one in occurrences(components[1])]
    assert places == [
        ("a.yaml", 6, "Pod/p: spec.containers[0].image"), ("a.yaml", 7, "Pod/p: spec.containers[1].image"),
    ]  # fmt: skip


def occurrences(component: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = component["evidence"]["occurrences"]
    return found


def test_components_of_two_runs_are_equal(program: Program) -> None:
    """The library sorts with hashes, which differ between processes."""
    program.write("a.yaml", pod(*["nginx:1"] * 9))
    assert bom(program)["components"] == bom(program)["components"]


def test_missing_packages_are_reported(program: Program) -> None:
    program.write("a.yaml", pod("nginx:1"))
    hidden = "import sys; sys.modules['cyclonedx'] = None; from krm_image_setter.__main__ import run; run()"
    ran = subprocess.run(
        [sys.executable, "-c", hidden, "list", "a.yaml", "-o", "cyclonedx"],
        capture_output=True, text=True, cwd=program.folder, check=False,
    )  # fmt: skip
    message = "`--output cyclonedx` needs the packages cyclonedx-python-lib and packageurl-python"
    remedy = "install them with `pip install 'krm-image-setter[cyclonedx]'`"
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"krm-image-setter: error: {message}; {remedy}\n"
