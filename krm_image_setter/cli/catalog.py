"""The `catalog` command: lists the custom resources whose images are found without a configuration."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final

import typer

from krm_image_setter.catalog import Entry, entries, entry_rules
from krm_image_setter.cli.terminal import aligned, write
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.streams import PROGRAM

HELP: Final = """List the custom resources that need no entry in `kinds`.

With `-o yaml`, entries are printed in the format of `kinds`, ready to copy and adapt. `catalog: false` in an
ImageSetter disables the catalog.

\b
Examples:
  krm-image-setter catalog '*.strimzi.io'
  krm-image-setter catalog KafkaConnect -o yaml
"""


class Output(StrEnum):
    """The output formats of `catalog`."""

    TABLE = "table"
    YAML = "yaml"


def catalog_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Kind, group or KIND.GROUP; * and ? are wildcards",
            default_factory=list,
            show_default=False,
        ),
    ],
    *,
    output: Annotated[Output, typer.Option("--output", "-o", help="Output format")] = Output.TABLE,
) -> None:
    """Print the catalog entries whose kind or group matches one of `names`. Without names, print all entries."""
    chosen = [entry for entry in entries() if not names or any(_is_named(entry, name) for name in names)]
    if not chosen:
        unknown = ", ".join(f'"{name}"' for name in names)
        raise ImageSetterError(
            f"no catalog entry matches {unknown}; run `{PROGRAM} discover` to generate `kinds` from the CRD"
        )
    if output is Output.YAML:
        write("kinds:\n" + "".join(entry.text for entry in chosen))
        return
    header = ("KIND", "APIVERSION", "PATH")
    rows = [(entry.kind, entry.api_version, rule.path.text) for entry in chosen for rule in entry_rules(entry)]
    for line in aligned([header, *rows]):
        write(f"{line}\n")


def _is_named(entry: Entry, name: str) -> bool:
    texts = (entry.kind, entry.group, f"{entry.kind}.{entry.group}")
    return any(fnmatchcase(text.lower(), name.lower()) for text in texts)
