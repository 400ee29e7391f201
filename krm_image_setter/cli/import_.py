"""`import`: another tool's configuration as an ImageSetter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from krm_image_setter.importers import Imported
from krm_image_setter.importers.any_file import import_file
from krm_image_setter.rim import read_text, say

HELP: Final = """Write another tool's configuration as an ImageSetter.

That is a Tiltfile, a kustomization (with the configurations and transformers that it names), a Config of kbld or a
skaffold.yaml. What can't be carried over is said on standard error, with its line.

\b
Examples:
  krm-image-setter import Tiltfile > functions.yaml
  krm-image-setter import prod/kustomization.yaml skaffold.yaml
"""
FILES: Final = "Tiltfiles, kustomizations, kbld's Configs, skaffold.yaml's"


def import_command(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help=FILES, show_default=False)],
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
    path = Path(file)
    return import_file(read_text(file), file, path.name, lambda other: read_text(str(path.parent / other)))
