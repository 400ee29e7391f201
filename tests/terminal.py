"""The program in a terminal of a given size."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

_UNLIKE_A_SHELL = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


def in_terminal(
    folder: Path, *arguments: str, columns: int = 80, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run Python with these arguments in a terminal, and return its exit status and all that the terminal got."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in _UNLIKE_A_SHELL}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env={**clean, "TERM": "xterm", **(env or {})},
    )
    os.close(terminal)
    got = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # so Linux says that the terminal is closed
            break
        if not piece:
            break
        got += piece
    os.close(screen)
    return process.wait(60), got.decode()
