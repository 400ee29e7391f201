"""The output formats of commands that print a report. Each format has a module, which is called `as_FORMAT`.

A report is independent of its format, and a format is independent of the command that made the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from importlib import import_module

from krm_image_setter.cli.files import File
from krm_image_setter.cli.terminal import flush
from krm_image_setter.resources import ResourceRef
from krm_image_setter.streams import STDIN
from krm_image_setter.typed import Any, Final, Protocol, Record


class Format(StrEnum):
    """The formats for programs and reviewers. Every report can be written in them."""

    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    MARKDOWN = "markdown"


class Rule(Record):
    """The reason why something is reported. `name` must not change between versions of the program."""

    name: str
    description: str


#: The reason of a message that is not about an image, such as a message about an unreadable file.
PROBLEM: Final = Rule("problem", "The program reports a problem.")


class Finding(Record):
    """Something to report about a location. `severity` is a severity of a KRM result.

    `line` and `column` count from 1. `file`, `line` and `column` are None if they are not known.
    """

    rule: Rule
    severity: str
    message: str
    file: File | None
    line: int | None
    column: int | None

    @property
    def path(self) -> str | None:
        """The path of the file, or None if there is no file or if it is standard input."""
        return None if self.file is None or self.file.path == STDIN else self.file.path


class Table(Record):
    """A table, whose cells contain text without markup."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Report(Protocol):
    """What a command reports, in the forms that the formats need."""

    @property
    def empty(self) -> str:
        """The sentence for a report without rows."""

    def data(self) -> Iterable[Mapping[str, Any]]:
        """Return data for programs: one mapping per row, which can be written as JSON."""

    def tables(self) -> Iterable[Table]:
        """Return tables for readers."""

    def findings(self) -> Iterable[Finding]:
        """Return the rows as findings about locations."""


class ListReport(Report, Protocol):
    """A report about images, for the formats of `list`."""

    def names(self) -> Iterable[str]:
        """Return the references of the images. They can contain duplicates."""

    def groups(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Return pairs of a heading and a row, for a table on a terminal. Equal headings follow each other."""


def write_report(output: str, report: Report) -> None:
    """Write a report to standard output in the format `output`."""
    import_module(f"{__name__}.as_{output}").write(report)
    flush()  # so that a full disk is reported before other messages


def resource_data(ref: ResourceRef) -> dict[str, str]:
    """Return the identity of a resource as data for programs."""
    return {"apiVersion": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
