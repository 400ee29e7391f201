"""Worker processes and their progress bar."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import Program
from terminal import in_terminal

BAR = """
import sys
from krm_image_setter.cli import workers
workers._BAR_DELAY = {delay}
print(sum(workers.for_each(abs, range({count}))), file=sys.stdout)
"""


@pytest.mark.parametrize("count", [100, 1000])
def test_progress_bar_is_shown_after_a_delay(program: Program, count: int) -> None:
    total = sum(range(count))
    status, screen = in_terminal(program.folder, "-c", BAR.format(delay=-1, count=count))
    assert (status, f"/{count}" in screen) == (0, True)
    assert screen.splitlines()[-1].endswith(f"{total}")
    status, screen = in_terminal(program.folder, "-c", BAR.format(delay=60, count=count))
    assert (status, screen) == (0, f"{total}\r\n")


def test_dead_worker_is_reported_with_its_files() -> None:
    script = """
import os
from krm_image_setter.cli import workers
from krm_image_setter.errors import ImageSetterError
workers._cores = lambda: 3
try:
    list(workers.for_each(lambda item: os._exit(9) if item == 700 else item, range(1000)))
except ImageSetterError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert (
        ran.stdout == b"a worker process was killed while it processed 32 files, 672 to 703; nothing was written\n"
    )


def test_one_core_gives_the_same_results() -> None:
    script = """
from krm_image_setter.cli import workers
workers._cores = lambda: 1
print(list(workers.for_each(abs, range(1000))) == list(range(1000)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    assert ran.stdout == b"True\n"
