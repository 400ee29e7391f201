"""The `schema` command: prints the JSON Schema of the configuration."""

from __future__ import annotations

from krm_image_setter.cli.terminal import write
from krm_image_setter.config.schema import schema_text
from krm_image_setter.typed import Final

HELP: Final = """Print the JSON Schema of an ImageSetter.

The schema is for editors and schema checkers. To use it with a YAML language server, start the configuration with
`# yaml-language-server: $schema=imagesetter.schema.json`.

\b
Examples:
  krm-image-setter schema > imagesetter.schema.json
  krm-image-setter schema | check-jsonschema --schemafile - functions.yaml
"""


def schema_command() -> None:
    """Print the JSON Schema of an ImageSetter."""
    write(schema_text())
