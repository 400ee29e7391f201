"""Builds the program as one file with pex. Run `python tools/executable.py OUTPUT ENVIRONMENT...`.

Pass one virtual environment per version of Python. An environment contains only the program and its dependencies.
The file contains only these packages, so the build needs no network and is reproducible.
"""

from __future__ import annotations

import subprocess
import sys

NAME = "krm-image-setter"


def main(output: str, *environments: str) -> int:
    """Build the executable, and return the exit status of pex."""
    command = [sys.executable, "-m", "pex", NAME, f"--console-script={NAME}", f"--output-file={output}"]
    command += [f"--venv-repository={environment}" for environment in environments]
    # With --sh-boot, /bin/sh starts the unpacked program directly. Otherwise Python starts once more to find it.
    return subprocess.run([*command, "--venv", "--sh-boot"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
