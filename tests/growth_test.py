"""The time of a run grows no faster than its input: counted in lines of Python, which is exact and takes seconds.

What C code does is not counted. `make load` measures the time of all series, at sizes that take seconds each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from harness import ROOT, UNMEASURED

sys.path.append(str(ROOT / "benchmarks"))
from series import SERIES, Case

#: Runs the program and prints the number of lines of Python that it executes to standard error.
COUNT: Final = """
import sys
lines = 0
def count(frame, event, argument):
    global lines
    lines += event == "line"
    return count
from krm_image_setter.__main__ import main
sys.settrace(count)
status = main(sys.argv[1:])
sys.settrace(None)
print(f"\\n{lines}", file=sys.stderr)
sys.exit(status)
"""
#: Most of these have taken quadratic time once.
NAMES: Final = [
    "entries with from",
    "entries with from, one resource",
    "entries with from, equal",
    "entries of one name, each for a container",
    "unused entries of one name",
    "unused entries with one target",
    "registries and entries with one target",
    "operations of a JSON patch",
    "documents of a known file",
    "resources of a kustomization",
    "names of images",
    "kinds",
    "kinds as a mapping",
    "unknown fields in many entries",
    "tags that are numbers",
    "references that are numbers",
    "kinds that are numbers",
    "fields of $ parents",
    "fields of $ roots",
    "fields of $ unions",
    "list --unknown, keys far apart",
    "explain, entries and images",
    "explain, entries of one name and kinds",
    "images in Helm values",
    "Helm parameters",
    "import of a kustomization, one name",
    "lock with all images",
    "lock with limited fields",
    "import of functions of a Tiltfile",
    "import of calls of one function of a Tiltfile",
]
#: More than the number of words up to which texts are searched for words before they are read.
SIZE: Final = 110


def lines(case: Case, folder: Path) -> int:
    """Return how many lines of Python a run executes."""
    for name, text in case.files.items():
        (folder / name).write_text(text)
    ran = subprocess.run(
        [sys.executable, "-c", COUNT, *case.arguments],
        input=case.stdin, capture_output=True, text=True, cwd=folder, env=UNMEASURED, check=False,
    )  # fmt: skip
    assert ran.returncode == case.status
    assert case.said in ran.stdout + ran.stderr
    return int(ran.stderr.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_input_takes_twice_the_lines(name: str, tmp_path: Path) -> None:
    small, middle, large = (lines(SERIES[name].make(SIZE * factor), tmp_path) for factor in (1, 2, 4))
    assert large - middle < 2.2 * (middle - small)
