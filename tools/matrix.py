"""Runs the tests with each Python, with the lowest and newest dependencies, with and without C extensions.

`python tools/matrix.py [--python 3.12] [--dependencies lowest] [--extensions without] [-- PYTEST ARGUMENT...]`
Each option can be repeated. Without an option, all its values are used. For each combination, uv makes an
environment in .venv-matrix/, and makes it again if pyproject.toml or this file has changed. Each warning of Python
is an error, also in the program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
ENVIRONMENTS: Final = ROOT / ".venv-matrix"
PYTHONS: Final = ("3.11", "3.12", "3.13")
RESOLUTIONS: Final = {"lowest": "lowest-direct", "newest": "highest"}
EXTENSIONS: Final = ("with", "without")
#: A program that exits with 0 if PyYAML has its C extension.
HAS_C: Final = "import yaml; raise SystemExit(not yaml.__with_libyaml__)"
PARSERS: Final = ("jsonpath-ng", "jsonschema", "pathspec", "pyyaml", "rich", "ruamel-yaml", "typer")


class Combination(NamedTuple):
    """One combination of versions, with its own environment."""

    python: str
    dependencies: str
    extensions: str

    def __str__(self) -> str:
        """Return the description of the combination."""
        return f"Python {self.python}, {self.dependencies} dependencies, {self.extensions} C extensions"

    @property
    def folder(self) -> Path:
        """The directory of the environment."""
        return ENVIRONMENTS / "-".join(self)

    @property
    def bin(self) -> Path:
        """The directory with the programs of the environment."""
        return self.folder / "bin"


def main() -> int:
    """Run the tests in each combination and print the results. Return 1 if a combination failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", choices=PYTHONS)
    parser.add_argument("--dependencies", action="append", choices=list(RESOLUTIONS))
    parser.add_argument("--extensions", action="append", choices=EXTENSIONS)
    parser.add_argument("pytest", nargs="*")
    given = parser.parse_args()
    combinations = [
        Combination(python, dependencies, extensions)
        for python in given.python or PYTHONS
        for dependencies in given.dependencies or RESOLUTIONS
        for extensions in given.extensions or EXTENSIONS
    ]
    said = []
    for combination in combinations:
        start = time.monotonic()
        passed = make(combination) and test(combination, given.pytest)
        said.append(passed)
        sys.stdout.write(f"{'passed' if passed else 'FAILED'}: {combination}, {time.monotonic() - start:.0f} s\n")
        sys.stdout.flush()
    return 0 if all(said) else 1


def make(combination: Combination) -> bool:
    """Make the environment of a combination unless it is up to date. Return whether this was successful."""
    stamp = combination.folder / "ready"
    declared = ROOT / "pyproject.toml"
    made_by = declared.read_bytes() + Path(__file__).read_bytes()
    if stamp.exists() and stamp.read_bytes() == made_by:
        return True
    shutil.rmtree(combination.folder, ignore_errors=True)
    python = combination.bin / "python"
    pins = combination.folder / "pins.txt"
    resolution = RESOLUTIONS[combination.dependencies]
    made = (
        uv("venv", "--seed", "--python", combination.python, str(combination.folder))
        and uv(
            "pip", "compile", "--python", str(python), "--resolution", resolution, "-o", str(pins), str(declared)
        )
        and uv("pip", "install", "--python", str(python), "-c", str(pins), "-e", str(ROOT), "--group", "dev")
    )
    if made and combination.extensions == "without":
        take_extensions_out(combination.folder)
    has_c = made and subprocess.run([python, "-c", HAS_C], check=False).returncode == 0
    if not made or has_c != (combination.extensions == "with"):
        sys.stdout.write(f"no such environment can be made: {combination}\n")
        return False
    stamp.write_bytes(made_by)
    return True


def take_extensions_out(environment: Path) -> None:
    """Remove the C extensions of the YAML packages, also from their RECORD files, which some tests read."""
    (packages,) = environment.glob("lib/python*/site-packages")
    for extension in (*packages.glob("yaml/_yaml.*"), *packages.glob("_ruamel_yaml.*")):
        extension.unlink()
    for record in packages.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith(("yaml/_yaml.", "_ruamel_yaml."))))


def uv(*arguments: str) -> bool:
    """Run uv, which is in the dependency group `matrix`, and return whether it was successful."""
    return subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=False).returncode == 0


def test(combination: Combination, arguments: Sequence[str]) -> bool:
    """Run the tests in an environment, and return whether they passed."""
    python = combination.bin / "python"
    listed = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "freeze", "--python", python],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    sys.stdout.write(f"{combination}: {' '.join(line for line in listed if line.partition('==')[0] in PARSERS)}\n")
    sys.stdout.flush()
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return (
        subprocess.run(
            [python, "-m", "pytest", "-q", "-n", "auto", *arguments], cwd=ROOT, env=environment, check=False
        ).returncode
        == 0
    )


if __name__ == "__main__":
    raise SystemExit(main())
