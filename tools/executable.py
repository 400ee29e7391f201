"""The program as one file: `python tools/executable.py OUTPUT ENVIRONMENT...`, an environment a version of Python.

Each has the program installed and nothing that it does not need. What is in them alone goes into the file, so it
takes no network and gives the same bytes each time.
"""

from __future__ import annotations

import subprocess
import sys

NAME = "krm-image-setter"


def main(output: str, *environments: str) -> int:
    """Write the executable, and return the exit status of pex."""
    command = [sys.executable, "-m", "pex", NAME, f"--console-script={NAME}", f"--output-file={output}"]
    command += [f"--venv-repository={environment}" for environment in environments]
    # /bin/sh starts the unpacked program at once: Python would first start to find that it is unpacked.
    return subprocess.run([*command, "--venv", "--sh-boot"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
