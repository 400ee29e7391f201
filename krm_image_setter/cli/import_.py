"""The `import` command: converts the configuration of another tool to an ImageSetter."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

from krm_image_setter.cli.declarations import Argument
from krm_image_setter.cli.files import is_under, naming
from krm_image_setter.cli.terminal import write
from krm_image_setter.errors import InputError, location, sentence
from krm_image_setter.importers import Imported, Source
from krm_image_setter.importers.any_file import FILES, import_file, is_importable
from krm_image_setter.streams import decoded, read_found, read_text, say
from krm_image_setter.typed import Final

HELP: Final = """Convert another tool's configuration to an ImageSetter.

Reads a Tiltfile, a kustomization (with its configurations and transformers), a kbld Config or a skaffold.yaml. In
a directory, reads all such files. Anything that cannot be converted is reported on standard error with its line.

\b
Examples:
  krm-image-setter import Tiltfile > functions.yaml
  krm-image-setter import prod/kustomization.yaml skaffold.yaml
"""


def import_command(
    paths: Annotated[
        list[str],
        Argument(metavar="PATH", help=f"{FILES}, or a directory with such files", show_default=False),
    ],
) -> None:
    """Print the ImageSetter for each file, as one YAML stream."""
    files = [file for path in paths for file in (_files_in(path) if os.path.isdir(path) else [path])]
    imported = [_import(file) for file in files]
    write("---\n".join(text for text, _ in imported))
    for file, (_, notes) in zip(files, imported, strict=True):
        for line, message in notes:
            say(sentence(message, before=("warning", location(file, line))))


def _files_in(directory: str) -> list[str]:
    """Return the files in a directory that can be imported. Subdirectories are not searched."""
    with naming(directory):
        files = [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    found = [file for file in files if os.path.isfile(file) and _is_importable(file)]
    if not found:
        raise InputError(f"no file to import in this directory; expected one of: {FILES}", file=directory)
    return found


def _is_importable(file: str) -> bool:
    try:
        return is_importable(_source(file))
    except InputError:  # a file that cannot be read, or is not text
        return False


def _import(file: str) -> Imported:
    with naming(file):
        return import_file(_source(file))


def _source(file: str) -> Source:
    path = Path(file)
    return Source(read_text(file), file, path.name, partial(_read_named, path.parent))


def _read_named(directory: Path, name: str) -> str:
    """Return the text of the file `name`, to which a configuration in `directory` refers.

    The configuration can come from an untrusted person. Therefore it can refer only to files in its directory and
    in subdirectories, as in kustomize. `..` and symbolic links cannot refer to other files.

    Raises InputError if `name` is outside `directory`, is a URL, or cannot be read.
    """
    path = str(directory / name)
    if "://" in name:
        raise InputError("URLs are not fetched; download the file and import the copy", file=name)
    real = os.path.realpath(path)
    if not is_under(real, os.path.realpath(directory)):
        raise InputError("the file is outside the directory of the configuration", file=path)
    return decoded(read_found(real, path), path)
