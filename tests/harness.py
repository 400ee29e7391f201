"""The root directory of the project, and the program as a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
#: Without what coverage adds: its own files, modules and memory are none of the program's.
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
#: For Python programs that are not ours: what they are warned of is not ours to mend (`make matrix` makes it errors).
OTHERS = {**os.environ, "PYTHONWARNINGS": ""}


class Ran(NamedTuple):
    """The result of a run of the program."""

    status: int
    stdout: bytes
    stderr: str


class Program:
    """The installed program, which runs as a process in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, stdin: bytes | str = b"", env: dict[str, str] | None = None) -> Ran:
        ran = subprocess.run(
            [sys.executable, "-m", "krm_image_setter", *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            timeout=120,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr.decode())

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder and return its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return name


def signals(*ignored: signal.Signals) -> None:
    """Handle signals as a program in a terminal does, but ignore some. Call this in a process that just started.

    A process inherits ignored and blocked signals from its parent. `nohup` ignores SIGHUP, and a shell ignores
    SIGINT and SIGQUIT for programs that it starts in the background.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


def unprivileged() -> list[str]:
    """Return the start of a command for which file modes apply, even if root runs it."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root can read and write everything, and without setpriv this cannot be prevented")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]


def before_and_after(lines: str) -> tuple[str, str, str]:
    """Return a manifest before and after a run, and the expected error.

    A line `OLD -> NEW` changes. `error: ` starts the error.
    """
    before, after, error = "", "", ""
    for line in lines.splitlines():
        if line.startswith("error: "):
            error = line
            continue
        old, arrow, new = line.partition(" -> ")
        blank = old[: len(old) - len(old.lstrip())]
        before += f"{old}\n"
        after += f"{blank}{new}\n" if arrow else f"{old}\n"
    return before, after, error
