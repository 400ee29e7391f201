"""`import`: another tool's configuration as an ImageSetter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.tiltfile import import_tiltfile
from krm_image_setter.rim import read_text, say

HELP: Final = """Write what a Tiltfile says of images as an ImageSetter.

What can't be carried over is said on standard error, with its line.

\b
Examples:
  krm-image-setter import Tiltfile > functions.yaml
  krm-image-setter import Tiltfile services/Tiltfile | less
"""


def import_command(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Tiltfiles", show_default=False)],
) -> None:
    """Print the ImageSetter of each file, as one YAML stream."""
    imported = [_import(file) for file in files]
    # Bytes: YAML is UTF-8 whatever the terminal's encoding is, and its lines end as they do.
    sys.stdout.buffer.write("---\n".join(text for text, _ in imported).encode())
    sys.stdout.buffer.flush()
    for file, (_, notes) in zip(files, imported, strict=True):
        for line, message in notes:
            say(f"warning: {file}: line {line}: {message}")


def _import(file: str) -> Imported:
    name = Path(file).name
    if not (name.startswith("Tiltfile") or name.lower().endswith((".tiltfile", ".star"))):
        raise InputError("only a Tiltfile can be imported: give one by that name", file=file)
    return import_tiltfile(read_text(file), file)
