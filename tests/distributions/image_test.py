"""The container image: its steps in a folder, and built and run where this machine can build one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from distribution import BARE, NAME, closure, copy_distribution, run
from harness import ROOT
from orchestrator import SET, Orchestrator
from pathspec import PathSpec

FUNCTION = ROOT / "fixtures/function-kpt"
INPUT, EXPECTED = ((FUNCTION / name).read_text() for name in ("input.yaml", "expected.yaml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
BASE = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)[0]
(PROGRAM,) = re.findall(r'^ENTRYPOINT \["(\S+)"\]$', DOCKERFILE, re.MULTILINE)

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the steps are for a POSIX shell"),
    # The name that pathspec 0.12 prefers is the one of which 1.0 warns.
    pytest.mark.filterwarnings("ignore:GitIgnorePattern:DeprecationWarning"),
]


def context(source: Path) -> list[str]:
    """Return the files that .dockerignore leaves to the build."""
    ignored = PathSpec.from_lines("gitignore", (ROOT / ".dockerignore").read_text().splitlines())
    files = (path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    return sorted(ignored.match_files(files, negate=True))


def test_the_build_gets_what_the_wheel_is_made_of(source: Path) -> None:
    package = [
        path.relative_to(ROOT).as_posix() for path in (ROOT / "krm_image_setter").rglob("*") if path.is_file()
    ]
    package = [name for name in package if "__pycache__" not in name]
    assert context(source) == sorted([*package, "LICENSE", "README.md", "pyproject.toml"])


@pytest.fixture(scope="module")
def root(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the steps of the Dockerfile have been run as in a root, with what is installed here."""
    pytest.importorskip("hatchling", reason="hatchling is not installed here")
    folder = tmp_path_factory.mktemp("root")
    for name in context(source):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, folder / "source" / name)
    pip = folder / "usr/local/lib/python3.13/site-packages/pip"
    pip.mkdir(parents=True)
    (folder / "usr/local/bin").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin/python3").symlink_to(sys.executable)
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # so pip calls `--no-build-isolation`
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),  # byte code of the tests' own Python stays out of it
    }
    for step in re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE):
        run("sh", "-ec", re.sub(r"(?<![\w\"'(|])/(?=opt/|usr/|source\b)", f"{folder}/", step), env=environment)
        if "-m venv" in step:
            (site_packages,) = folder.glob("opt/*/lib/python*/site-packages")
            for name in closure(NAME) | closure("hatchling") | {"hatchling"}:
                copy_distribution(name, site_packages)
    return folder


def test_the_program_of_the_steps(root: Path) -> None:
    program = root / PROGRAM.removeprefix("/")
    assert run(program, stdin=INPUT) == EXPECTED
    assert "KafkaConnect" in run(program, "catalog")


def test_program_is_on_the_path(root: Path) -> None:
    assert run("krm-image-setter", stdin=INPUT, env={"PATH": str(root / "usr/local/bin")}) == EXPECTED


def test_no_pip_is_left(root: Path) -> None:
    assert not [
        path for path in root.rglob("pip*") if "pycache" not in path.parts and path.is_relative_to(root / "usr")
    ]
    ran = subprocess.run(
        [root / "opt/krm-image-setter/bin/python", "-m", "pip"], env=BARE, check=False, capture_output=True
    )
    assert ran.returncode == 1


def test_all_that_runs_is_compiled(root: Path) -> None:
    """Under `-v` Python tells what it reads: no source, of ours or of the standard library."""
    ran = subprocess.run(
        [root / "opt/krm-image-setter/bin/python", "-v", root / PROGRAM.removeprefix("/")],
        input=INPUT, capture_output=True, text=True, check=True,
        env={**BARE, "PYTHONPYCACHEPREFIX": str(root / "pycache"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert ran.stdout == EXPECTED
    read = re.findall(r"^# code object from '?(.*?)'?$", ran.stderr, re.MULTILINE)
    compiled = f"krm_image_setter/function.{sys.implementation.cache_tag}.pyc"
    assert any(path.endswith(compiled) for path in read)
    assert [path for path in read if path.endswith(".py")] == []


@pytest.fixture(scope="module")
def image(source: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of the image, built as `make image` does."""
    if shutil.which("buildah") is None:
        pytest.skip("no buildah on this machine")
    if subprocess.run(["buildah", "inspect", "--type=image", BASE], capture_output=True, check=False).returncode:
        pytest.skip(f"no {BASE} on this machine")
    folder = str(tmp_path_factory.mktemp("pip"))
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    if subprocess.run([*pip, "hatchling"], capture_output=True, check=False).returncode:
        pytest.skip("no package registry can be reached")
    # How pip reaches the registry on this machine.
    mounts = [
        f"--volume={path}:{path}:ro"
        for path in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
        if Path(path).exists()
    ]
    name = "localhost/krm-image-setter:tested"
    build = [
        "buildah",
        "build",
        "--pull-never",
        "--build-arg=VERSION=tested",
        *mounts,
        f"--tag={name}",
        str(source),
    ]
    ran = subprocess.run(build, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    return name


@pytest.fixture
def podman(image: str) -> str:
    """Skip where podman can run no container, such as in a container."""
    ran = (
        subprocess.run(
            ["podman", "run", "--rm", "--entrypoint=true", BASE], capture_output=True, text=True, check=False
        )
        if shutil.which("podman")
        else None
    )
    if ran is None or ran.returncode:
        pytest.skip(f"podman runs no container on this machine: {ran.stderr if ran else 'it is not there'}")
    return image


def test_image_as_buildah_runs_it(image: str) -> None:
    container = run("buildah", "from", "--pull-never", image, env=dict(os.environ)).strip()
    try:
        ran = subprocess.run(
            ["buildah", "run", container, "--", PROGRAM], input=INPUT, capture_output=True, text=True, check=False
        )
        user = run("buildah", "run", container, "--", "id", "-u", env=dict(os.environ))
    finally:
        run("buildah", "rm", container)
    assert (ran.returncode, ran.stdout) == (0, EXPECTED), ran.stderr
    assert user == "65534\n"


def test_image_as_an_orchestrator_runs_it(podman: str) -> None:
    """As kustomize and kpt do, and with nothing to write."""
    options = ["--rm", "-i", "--network=none", "--user=nobody", "--read-only", "--security-opt=no-new-privileges"]
    assert run("podman", "run", *options, podman, stdin=INPUT) == EXPECTED


def test_image_in_kpt(podman: str, kpt: Orchestrator) -> None:
    ran = kpt(
        "fn", "eval", "app", "--image", podman, "--image-pull-policy", "Never", "--fn-config", "set-images.yaml",
        env={"KRM_FN_RUNTIME": "podman", "KPT_FN_RUNTIME": "podman"},  # its name in newer versions, and in older
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert f"image: {SET}" in (kpt.folder / "app/connect.yaml").read_text()
