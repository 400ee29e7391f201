"""`schema`: the JSON Schema of the functionConfig."""

from __future__ import annotations

from typing import Final

from krm_image_setter.cli.terminal import write
from krm_image_setter.config.schema import schema_text

HELP: Final = """Print the JSON Schema of an ImageSetter, for editors and schema checkers.

A YAML language server takes it from a first line `# yaml-language-server: $schema=FILE` in a configuration.

\b
Examples:
  krm-image-setter schema > imagesetter.schema.json
  krm-image-setter schema | check-jsonschema --schemafile - functions.yaml
"""


def schema_command() -> None:
    """Print it."""
    write(schema_text())
