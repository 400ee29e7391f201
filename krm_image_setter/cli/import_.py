"""`import`: another tool's configuration as an ImageSetter."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from krm_image_setter.cli.files import is_under, naming
from krm_image_setter.cli.terminal import write
from krm_image_setter.errors import InputError, location, sentence
from krm_image_setter.importers import Imported
from krm_image_setter.importers.any_file import import_file
from krm_image_setter.streams import decoded, read_found, read_text, say

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
    write("---\n".join(text for text, _ in imported))
    for file, (_, notes) in zip(files, imported, strict=True):
        for line, message in notes:
            say(sentence(message, before=("warning", location(file, line))))


def _import(file: str) -> Imported:
    path = Path(file)
    with naming(file):
        return import_file(read_text(file), file, path.name, partial(_read_beside, path.parent))


def _read_beside(folder: Path, name: str) -> str:
    """Return the text of a file that a configuration in `folder` names.

    As kustomize has it: a configuration may come from strangers, so only what is in its folder or below is read,
    neither by `..` nor by a link.

    Raises InputError.
    """
    path = str(folder / name)
    if "://" in name:
        raise InputError("this is a URL, and nothing is fetched: import a copy", file=name)
    real = os.path.realpath(path)
    if not is_under(real, os.path.realpath(folder)):
        raise InputError("this leads out of the folder of the file that names it, and is not read", file=path)
    return decoded(read_found(real, path), path)
