"""`schema`: the JSON Schema of the functionConfig."""

from __future__ import annotations

from typing import Final

from krm_image_setter.cli.terminal import write
from krm_image_setter.config.schema import schema_text

HELP: Final = """Print the JSON Schema of an ImageSetter.

Editors and schema checkers read it. A YAML language server is told by a first line of the configuration:
`# yaml-language-server: $schema=imagesetter.schema.json`.

\b
Examples:
  krm-image-setter schema > imagesetter.schema.json
  krm-image-setter schema | check-jsonschema --schemafile - functions.yaml
"""


def schema_command() -> None:
    """Print it."""
    write(schema_text())
