"""The `catalog` command: lists the custom resources and files whose images are found without a configuration."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from krm_image_setter.catalog import Entry, entries, entry_rules
from krm_image_setter.catalog.known_files import ANY_FILE, FileEntry, file_entries
from krm_image_setter.cli.declarations import Argument, Option
from krm_image_setter.cli.options import complete_kind
from krm_image_setter.cli.terminal import fitted, write
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.streams import PROGRAM
from krm_image_setter.typed import Final

HELP: Final = """List the custom resources and files that need no entry.

With `-o yaml`, entries are printed in the format of `kinds` and `files`, ready to copy and adapt. `catalog: false`
in an ImageSetter disables the catalog.

\b
Examples:
  krm-image-setter catalog '*.strimzi.io'
  krm-image-setter catalog KafkaConnect compose.yaml -o yaml
"""


def catalog_command(
    names: Annotated[
        list[str],
        Argument(
            metavar="NAME",
            help="Kind, group, KIND.GROUP or file; * and ? are wildcards",
            default_factory=list,
            show_default=False,
            autocompletion=complete_kind,
        ),
    ],
    *,
    output: Annotated[Literal["table", "yaml"], Option("--output", "-o", help="Output format")] = "table",
) -> None:
    """Print the catalog entries whose kind, group or file matches one of `names`. Without names, print all."""
    chosen = [entry for entry in entries() if not names or any(_is_named(entry, name) for name in names)]
    files = [entry for entry in file_entries() if not names or any(_has_file(entry, name) for name in names)]
    if not chosen and not files:
        unknown = ", ".join(f'"{name}"' for name in names)
        raise ImageSetterError(
            f"no catalog entry matches {unknown}; run `{PROGRAM} discover` to generate `kinds` from the CRD"
        )
    if output == "yaml":
        write("kinds:\n" * bool(chosen) + "".join(entry.text for entry in chosen))
        write("files:\n" * bool(files) + "".join(entry.text for entry in files))
        return
    kinds = [(entry.kind, entry.api_version, rule.path.text) for entry in chosen for rule in entry_rules(entry)]
    paths = [(", ".join(entry.rule.globs), path.path.text) for entry in files for path in entry.rule.paths]
    tables = [fitted([header, *rows]) for header, rows in ((_KIND_HEADER, kinds), (_FILE_HEADER, paths)) if rows]
    write("\n".join("".join(f"{line}\n" for line in table) for table in tables))


_KIND_HEADER: Final = ("KIND", "APIVERSION", "PATH")
_FILE_HEADER: Final = ("FILES", "PATH")


def _has_file(entry: FileEntry, name: str) -> bool:
    return entry.rule.globs != ANY_FILE and (name in entry.rule.globs or entry.rule.selects(name))


def _is_named(entry: Entry, name: str) -> bool:
    texts = (entry.kind, entry.group, f"{entry.kind}.{entry.group}")
    return any(fnmatchcase(text.lower(), name.lower()) for text in texts)
