"""What users install: the wheel and the sdist, built from what git tracks, and a new environment without a network."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from harness import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME = "krm-image-setter"
#: Without what would bend a Python that is not the tests' own.
BARE = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON", "PIP_", "PEX_"))}


def run(*command: str | Path, stdin: str = "", cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed, and return what it printed."""
    ran = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**BARE, **(env or {})},
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    return ran.stdout


def tracked() -> list[str]:
    """Return the files that git tracks, as they are in the work tree."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--deduplicate").split("\0")
    return [name for name in listed if name and (ROOT / name).exists()]


def copy_of_tracked(folder: Path) -> Path:
    """Copy what git tracks into a folder."""
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder


def build(source: Path, folder: Path, *options: str) -> None:
    """Build the wheel and the sdist of a source tree into a folder, with the build backend that is here."""
    for needed in ("build", "hatchling"):
        pytest.importorskip(needed, reason=f"{needed} is not installed here")
    run(sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", folder, source)


def new_environment(folder: Path, wheel: Path) -> Path:
    """Make an environment of the wheel and this one's copies of what it depends on, and return its `bin`."""
    run(sys.executable, "-m", "venv", folder)
    bin_folder = folder / ("Scripts" if os.name == "nt" else "bin")
    (site_packages,) = run(
        bin_folder / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
    ).split()
    for name in closure(NAME):
        copy_distribution(name, Path(site_packages))
    # By its name: of a path pip would keep a note (direct_url.json).
    run(bin_folder / "python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheel.parent, NAME)
    run(bin_folder / "python", "-m", "pip", "check")
    return bin_folder


def closure(name: str) -> set[str]:
    """Return the distributions that one needs, with theirs."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for requirement in map(Requirement, importlib.metadata.requires(waiting.pop()) or []):
            needed = canonicalize_name(requirement.name)
            if needed not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                found.add(needed)
                waiting.append(needed)
    return found


def copy_distribution(name: str, site_packages: Path) -> None:
    """Copy an installed distribution, all but its scripts and byte code."""
    home = Path(sysconfig.get_path("purelib"))
    for file in importlib.metadata.files(name) or []:
        source = Path(str(file.locate()))
        if source.is_relative_to(home) and source.suffix != ".pyc" and ".." not in file.parts:
            target = site_packages / source.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
