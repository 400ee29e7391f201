"""KRM results: the changes of a run and its warnings, as data, as YAML and as messages. Also "did you mean …?".

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import location, sentence
from krm_image_setter.resources import ResourceRef
from krm_image_setter.yaml import scalar, writer

ERROR: Final = "error"
WARNING: Final = "warning"
INFO: Final = "info"

_LONGEST_NAME: Final = 253
_LONGEST_PATH: Final = 4096  # the limit of Linux


class Result(NamedTuple):
    """One result. `severity` is never omitted, because an orchestrator takes a result without it for an error."""

    message: str
    severity: str
    resource_ref: ResourceRef | None = None
    field: str | None = None  # a path in the resource, such as spec.containers[0].image
    current_value: str | None = None
    proposed_value: str | None = None
    file: tuple[str, int | None] | None = None  # the path and index that the orchestrator annotated
    line: int | None = None  # in the stream, from 1; not in `file`

    def to_data(self) -> dict[str, Any]:
        """Return the result in the form of the functions spec.

        Without a resource name there is neither `resourceRef` nor `field`, which the spec allows only together.
        """
        data: dict[str, Any] = {"message": sentence(self.message), "severity": self.severity}
        ref = self.resource_ref
        # Each result repeats the names, so an invalid name of 1 MB would multiply.
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

        `file` is the file that the stream was read from. If it is None, the path that the orchestrator annotated
        is shown without a line, otherwise only the line in the stream.
        """
        annotated = self.file[0] if self.file is not None and file is None else None
        where = None if annotated else location(file, self.line)
        ref = str(self.resource_ref) if self.resource_ref else None
        # An annotated path is the user's text, and can be long.
        return sentence(annotated, ref, self.field, self.message, before=(self.severity, where))

    def __str__(self) -> str:
        return self.format()


def to_yaml(results: Iterable[Result], *, column: int, line_break: str) -> str:
    """Serialize results as the items of a block sequence with dashes in `column` (from 0).

    Each line ends with `line_break`.
    """
    return writer.block([result.to_data() for result in results], " " * column, line_break)


def to_json(results: Iterable[Result]) -> str:
    """Serialize results as the items of a flow sequence, without its brackets."""
    import json  # noqa: PLC0415

    return ", ".join(scalar.escaped(json.dumps(result.to_data(), ensure_ascii=False)) for result in results)
