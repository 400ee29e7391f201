"""Reports the changes, warnings and errors of `set` in the formats for programs and reviewers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_image_setter.cli.files import File
from krm_image_setter.cli.outputs import PROBLEM, Finding, Rule, Table, resource_data
from krm_image_setter.errors import location, sentence
from krm_image_setter.resources import NO_REF
from krm_image_setter.results import ERROR, INFO, Result
from krm_image_setter.typed import Any, Final, Record

CHANGE: Final = Rule("image-change", "The configuration sets another image.")


class ChangesReport(Record):
    """The results of `set`, each with its file (None if it is about all files), and the problems of files.

    If `is_check` is true, each change is reported as an error.
    """

    results: Sequence[tuple[File | None, Result]]
    problems: Sequence[Finding]
    is_check: bool

    @property
    def empty(self) -> str:
        """The sentence for a report without rows."""
        return "No images change."

    def data(self) -> Iterator[dict[str, Any]]:
        """Return one mapping per change, warning and error."""
        for file, result in self.results:
            ref = result.resource_ref
            yield {
                "severity": result.severity,
                "message": sentence(result.message),
                "file": file and file.shown,
                "line": result.line,
                "column": result.column,
                "resource": resource_data(ref) if ref is not None and ref != NO_REF else None,
                "field": result.field,
                "before": result.current_value,
                "after": result.proposed_value,
            }
        for problem in self.problems:
            at = {"file": problem.file and problem.file.shown, "line": problem.line, "column": problem.column}
            no_change = dict.fromkeys(("resource", "field", "before", "after"))
            yield {"severity": problem.severity, "message": problem.message, **at, **no_change}

    def tables(self) -> list[Table]:
        """Return a table of the changes, and a table of the warnings and errors."""
        changes = [
            (
                str(result.resource_ref or ""),
                location(file and file.shown, result.line),
                result.field or "",
                result.current_value or "",
                result.proposed_value or "",
            )
            for file, result in self.results
            if result.severity == INFO
        ]
        problems = [
            (finding.severity, location(finding.file and finding.file.shown, finding.line), finding.message)
            for finding in self.findings()
            if finding.rule == PROBLEM
        ]
        return [
            Table(("Resource", "Location", "Field", "Before", "After"), changes),
            Table(("Severity", "Location", "Message"), problems),
        ]

    def findings(self) -> Iterator[Finding]:
        """Return one finding per change, warning and error."""
        for file, result in self.results:
            is_change = result.severity == INFO
            severity = ERROR if is_change and self.is_check else result.severity
            resource = str(result.resource_ref) if result.resource_ref else None
            message = sentence(resource, result.field, result.message)
            rule = CHANGE if is_change else PROBLEM
            yield Finding(rule, severity, message, file, result.line, result.column)
        yield from self.problems
