"""The program as one file, built and run: by itself, by kpt, and by a user who may write nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from distribution import BARE, new_environment, run
from harness import ROOT
from orchestrator import MANIFESTS, SET, Orchestrator

FUNCTION = ROOT / "fixtures/function-kpt"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the executable is started by /bin/sh")


def build_executable(output: Path, *environments: Path) -> Path:
    pytest.importorskip("pex", reason="pex is not installed here")
    run(sys.executable, ROOT / "tools/executable.py", output, *environments)
    return output


@pytest.fixture(scope="module")
def executable(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_executable(tmp_path_factory.mktemp("executable") / "krm-image-setter.pex", installed.parent)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment in which the executable is unpacked once, to a folder of the tests."""
    return {"PEX_ROOT": str(tmp_path_factory.mktemp("unpacked"))}


def test_function(executable: Path, unpacked: dict[str, str]) -> None:
    for _ in range(2):  # unpacked by the first
        ran = run(executable, stdin=(FUNCTION / "input.yaml").read_text(), env=unpacked)
        assert ran == (FUNCTION / "expected.yaml").read_text()


def test_extensions_are_in_it(executable: Path, unpacked: dict[str, str], tmp_path: Path) -> None:
    """The commands, the C parser and jsonschema need them, and no zip file can hold them so that they can be imported."""
    assert "KafkaConnect" in run(executable, "catalog", env=unpacked)
    (tmp_path / "functions.yaml").write_text(
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimage: {}\n"
    )
    ran = subprocess.run(
        [executable], input="kind: Pod\n", capture_output=True, text=True, cwd=tmp_path, env={**BARE, **unpacked}, check=False,
    )  # fmt: skip
    assert (ran.returncode, 'did you mean "images"?' in ran.stderr) == (2, True), ran.stderr


def test_the_same_bytes_again(executable: Path, wheel: Path, tmp_path: Path) -> None:
    """From an environment elsewhere: no path of the builder's is in it."""
    environment = new_environment(tmp_path / "elsewhere", wheel).parent
    again = build_executable(tmp_path / "again.pex", environment)
    assert again.read_bytes() == executable.read_bytes()


def test_kpt_exec(kpt: Orchestrator, executable: Path, unpacked: dict[str, str]) -> None:
    shutil.copy2(executable, kpt.folder / "setter.pex")
    ran = kpt("fn", "eval", "app", "--exec", "./setter.pex", "--fn-config", "set-images.yaml", env=unpacked)
    assert ran.returncode == 0, ran.stderr
    assert (kpt.folder / "app/connect.yaml").read_text() == MANIFESTS["connect.yaml"].replace(
        "image: kafkaconnect", f"image: {SET}"
    )


def test_kustomize_exec(kustomize: Orchestrator, executable: Path, unpacked: dict[str, str]) -> None:
    shutil.copy2(executable, kustomize.folder / "app/setter.pex")
    function = (
        "metadata:\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./setter.pex}\n"
    )
    config = (kustomize.folder / "set-images.yaml").read_text().replace("metadata:\n", function)
    kustomize.write("app/set-images.yaml", config)
    kustomize.write(
        "app/kustomization.yaml", "resources: [connect.yaml, web.yaml]\ntransformers: [set-images.yaml]\n"
    )
    ran = kustomize("build", "app", "--enable-alpha-plugins", "--enable-exec", env=unpacked)
    assert (ran.returncode, f"image: {SET}" in ran.stdout) == (0, True), ran.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can run it as nobody")
def test_where_nothing_can_be_kept(executable: Path, tmp_path: Path) -> None:
    """It is unpacked each time then, and standard output has the ResourceList alone all the same."""
    if shutil.which("setpriv") is None or not Path("/usr/bin/python3").exists():
        pytest.skip("no setpriv, or no Python that all users may run, on this machine")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if run("/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() != version:
        pytest.skip(f"/usr/bin/python3 is no {version}")
    # The folders of pytest are for their owner alone.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy2(executable, folder)
        ran = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program],
            input=(FUNCTION / "input.yaml").read_text(), capture_output=True, text=True, cwd="/", check=False,
            env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, (FUNCTION / "expected.yaml").read_text()), ran.stderr
    assert "PEX_ROOT" in ran.stderr
