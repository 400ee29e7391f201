"""The `schema` command, and a schema checker with its output."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import OTHERS, ROOT, Program

EXAMPLES = [
    path
    for path in (
        ROOT / "functions.yaml",
        *sorted(ROOT.glob("fixtures/*/config.yaml")),
        *sorted(ROOT.glob("examples/**/*.yaml")),
    )
    if "kind: ImageSetter" in path.read_text() and not path.parent.name.startswith("error-")
]
WRONG = sorted(ROOT.glob("fixtures/error-unknown-field/config.yaml"))
CHECKER = Path(sys.executable).with_name("check-jsonschema")
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def test_printed_schema_is_the_schema_of_the_program(program: Program) -> None:
    ran = program("schema")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout == (ROOT / "krm_image_setter/config/schema.json").read_bytes()
    assert json.loads(ran.stdout)["title"] == "ImageSetter"


def check(program: Program, *files: Path) -> subprocess.CompletedProcess[str]:
    """Check files with the schema that the program prints."""
    if not CHECKER.exists():
        pytest.skip("check-jsonschema is not installed here")
    (program.folder / "imagesetter.schema.json").write_bytes(program("schema").stdout)
    return subprocess.run(
        [CHECKER, "--schemafile", "imagesetter.schema.json", *files],
        cwd=program.folder,
        env=OTHERS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_schema_checker_accepts_every_example(program: Program) -> None:
    assert len(EXAMPLES) > 5
    ran = check(program, *EXAMPLES)
    assert (ran.returncode, ran.stdout.strip()) == (0, "ok -- validation done"), ran


def test_schema_checker_rejects_an_unknown_field(program: Program) -> None:
    ran = check(program, *WRONG)
    assert ran.returncode == 1
    assert "newtag" in ran.stdout


# Users copy the files in examples/, so their first lines refer to a published schema.
HERE = [path for path in EXAMPLES if "examples" not in path.relative_to(ROOT).parts]


@pytest.mark.parametrize("example", HERE, ids=lambda path: str(path.relative_to(ROOT)))
def test_first_line_of_an_example_names_the_schema(example: Path) -> None:
    match = MODELINE.match(example.read_text())
    assert match
    assert (example.resolve().parent / match[1]).resolve() == ROOT / "krm_image_setter/config/schema.json"
