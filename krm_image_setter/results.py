"""What was done and what is amiss, as KRM results.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import sentence
from krm_image_setter.resources import ResourceRef
from krm_image_setter.yaml import scalar

ERROR: Final = "error"
WARNING: Final = "warning"
INFO: Final = "info"


_LONGEST_NAME: Final = 253
_LONGEST_PATH: Final = 4096  # as Linux has it


class Result(NamedTuple):
    """One result. `severity` is always said: to an orchestrator a result without one is an error."""

    message: str
    severity: str
    resource_ref: ResourceRef | None = None
    field: str | None = None  # its path in the resource
    current_value: str | None = None
    proposed_value: str | None = None
    file: tuple[str, int | None] | None = None  # path and index, as the orchestrator has annotated them
    line: int | None = None  # in the stream

    def to_data(self) -> dict[str, Any]:
        """Return it as the functions spec spells it; without a name there is no resourceRef, and so no field."""
        data: dict[str, Any] = {"message": sentence(self.message), "severity": self.severity}
        ref = self.resource_ref
        # Each result repeats them. Longer names do not exist in Kubernetes.
        if ref is not None and ref.name and max(map(len, ref)) <= _LONGEST_NAME:
            said = zip(("apiVersion", "kind", "name", "namespace"), ref, strict=True)
            data["resourceRef"] = {key: value for key, value in said if value}
            if self.field is not None and len(self.field) <= _LONGEST_PATH:
                values = {"currentValue": self.current_value, "proposedValue": self.proposed_value}
                data["field"] = {"path": self.field, **{key: value for key, value in values.items() if value}}
        if self.file is not None and len(self.file[0]) <= _LONGEST_PATH:
            path, index = self.file
            data["file"] = {"path": path} if index is None else {"path": path, "index": index}
        return data

    def told(self, file: str | None = None) -> str:
        """Return it as a line for people: where, which resource, which field, what; `file` was read for it."""
        line = None if self.line is None else f"line {self.line}"
        # A path that was annotated is the user's text as any other.
        where = line if file or self.file is None else self.file[0]
        who = str(self.resource_ref) if self.resource_ref else None
        return sentence(where, who, self.field, self.message, before=(self.severity, file))

    def __str__(self) -> str:
        return self.told()


def to_yaml(results: Iterable[Result], *, column: int, line_break: str) -> str:
    """Return results as the items of a block sequence whose dashes stand in `column`, each line ended.

    This is the only YAML that is ever written from data.
    """
    first, blank = " " * column + "- ", " " * (column + 2)
    return "".join(first + _lines(result.to_data(), blank, line_break).removeprefix(blank) for result in results)


def to_json(results: Iterable[Result]) -> str:
    """Return results as the items of a flow sequence, without its brackets."""
    import json  # noqa: PLC0415

    return ", ".join(scalar.escaped(json.dumps(result.to_data(), ensure_ascii=False)) for result in results)


def _lines(data: dict[str, Any], blank: str, line_break: str) -> str:
    text = ""
    for key, value in data.items():
        if isinstance(value, dict):
            text += f"{blank}{key}:{line_break}{_lines(value, blank + '  ', line_break)}"
        else:
            text += f"{blank}{key}: {_spelt(value)}{line_break}"
    return text


@lru_cache(maxsize=1024)  # most values of a thousand results are the same
def _spelt(value: str | int) -> str:
    return str(value) if isinstance(value, int) else scalar.spelt(value, flow=False)
