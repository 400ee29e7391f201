"""`catalog`: the custom resources whose images are found without configuration."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final

import typer

from krm_image_setter.catalog import Entry, entries, entry_rules
from krm_image_setter.cli.terminal import aligned, write
from krm_image_setter.errors import ImageSetterError

HELP: Final = """List the kinds whose images need no configuration.

NAME is a kind, a group, or KIND.GROUP, with * and ? as wildcards. An entry as YAML can be copied into the `kinds`
of an ImageSetter, and changed there; `catalog: false` turns them all off.

\b
Examples:
  krm-image-setter catalog '*.strimzi.io'
  krm-image-setter catalog KafkaConnect -o yaml
"""


class Output(StrEnum):
    """How the entries are written."""

    TABLE = "table"
    YAML = "yaml"


def catalog_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Only these kinds or groups", default_factory=list, show_default=False
        ),
    ],
    *,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to write it")] = Output.TABLE,
) -> None:
    """Print the entries."""
    chosen = [entry for entry in entries() if not names or any(_is_named(entry, name) for name in names)]
    if not chosen:
        raise ImageSetterError(
            f"the catalog has nothing for {', '.join(names)}: `discover` writes `kinds` from its CRD"
        )
    if output is Output.YAML:
        write("kinds:\n" + "".join(entry.text for entry in chosen))
        return
    header = ("KIND", "API VERSION", "PATH")
    rows = [(entry.kind, entry.api_version, rule.path.text) for entry in chosen for rule in entry_rules(entry)]
    for line in aligned([header, *rows]):
        write(f"{line}\n")


def _is_named(entry: Entry, name: str) -> bool:
    texts = (entry.kind, entry.group, f"{entry.kind}.{entry.group}")
    return any(fnmatchcase(text.lower(), name.lower()) for text in texts)
