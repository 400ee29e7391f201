"""A result reports a change or a problem. This module writes it as KRM function data, YAML, JSON or a message.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

from collections.abc import Iterable

from krm_image_setter.errors import location, sentence
from krm_image_setter.resources import ResourceRef
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml import scalar, writer

ERROR: Final = "error"
WARNING: Final = "warning"
INFO: Final = "info"

_LONGEST_NAME: Final = 253
# The maximum length of a path in Linux.
_LONGEST_PATH: Final = 4096


class Result(Record):
    """A result of a run.

    The output always contains `severity`, because orchestrators assume an error if it is missing. `field` is the
    path of a field in the resource, such as `spec.containers[0].image`. `file` contains the file path and the
    index from the annotations of the resource. `line` and `column` (both from 1) are the location in the stream,
    not in `file`. Infos contain them only if the run needs them (see `Rules.locates_changes`).
    """

    message: str
    severity: str
    resource_ref: ResourceRef | None = None
    field: str | None = None
    current_value: str | None = None
    proposed_value: str | None = None
    file: tuple[str, int | None] | None = None
    line: int | None = None
    column: int | None = None

    def to_data(self) -> dict[str, Any]:
        """Return the result as data in the form of the functions spec.

        If the resource has no name, `resourceRef` and `field` are omitted, because `field` requires `resourceRef`.
        """
        data: dict[str, Any] = {"message": sentence(self.message), "severity": self.severity}
        ref = self.resource_ref
        # Omit names that are too long to be valid, because each result would repeat the long name.
        if ref is not None and ref.name and max(map(len, ref)) <= _LONGEST_NAME:
            pairs = zip(("apiVersion", "kind", "name", "namespace"), ref, strict=True)
            data["resourceRef"] = {key: value for key, value in pairs if value}
            if self.field is not None and len(self.field) <= _LONGEST_PATH:
                values = {"currentValue": self.current_value, "proposedValue": self.proposed_value}
                data["field"] = {"path": self.field, **{key: value for key, value in values.items() if value}}
        if self.file is not None and len(self.file[0]) <= _LONGEST_PATH:
            path, index = self.file
            data["file"] = {"path": path} if index is None else {"path": path, "index": index}
        return data

    def format(self, file: str | None = None) -> str:
        """Return the result as a message: `SEVERITY: FILE:LINE: KIND/NAME: FIELD: …`.

        `file` is the file that contains the stream. If it is None, the message contains the path in the resource's
        annotations, without a line. Without such annotations, the message contains only the line in the stream.
        """
        annotated = self.file[0] if self.file is not None and file is None else None
        where = None if annotated else location(file, self.line)
        ref = str(self.resource_ref) if self.resource_ref else None
        # Shorten the path from an annotation, because it is the user's text.
        return sentence(annotated, ref, self.field, self.message, before=(self.severity, where))

    def __str__(self) -> str:
        return self.format()


def to_yaml(results: Iterable[Result], *, column: int, line_break: str) -> str:
    """Serialize results as the items of a block sequence, whose dashes are in `column` (from 0).

    Each line ends with the line break `line_break`.
    """
    return writer.block([result.to_data() for result in results], " " * column, line_break)


def to_json(results: Iterable[Result]) -> str:
    """Serialize results as the items of a flow sequence, without the brackets around the items."""
    import json  # noqa: PLC0415

    return ", ".join(scalar.escaped(json.dumps(result.to_data(), ensure_ascii=False)) for result in results)
