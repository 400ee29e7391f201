"""What was done and what is amiss, as KRM results.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from krm_image_setter.errors import sentence
from krm_image_setter.resources import ResourceRef
from krm_image_setter.yaml import scalar, writer

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


def did_you_mean(name: str, seen: Iterable[str]) -> str:
    """Return the end of a sentence that names up to three names of `seen` that are closest to `name`."""
    import difflib  # noqa: PLC0415  (only for an entry that set nothing)

    candidates = sorted(set(seen))
    # A registry in front must not make two names strangers: compare the last components as well.
    closest = difflib.get_close_matches(name, candidates, n=3, cutoff=0.6)
    last = {candidate.rpartition("/")[2]: candidate for candidate in candidates}
    closest += [last[word] for word in difflib.get_close_matches(name.rpartition("/")[2], last, n=3, cutoff=0.6)]
    quoted = [f'"{candidate}"' for candidate in dict.fromkeys(closest)][:3]
    if quoted:
        return f"did you mean {' or '.join(quoted)}?"
    return "no image here has a name like it" if candidates else "there are no images here"


def to_yaml(results: Iterable[Result], *, column: int, line_break: str) -> str:
    """Return results as the items of a block sequence whose dashes stand in `column`, each line ended."""
    return writer.block([result.to_data() for result in results], " " * column, line_break)


def to_json(results: Iterable[Result]) -> str:
    """Return results as the items of a flow sequence, without its brackets."""
    import json  # noqa: PLC0415

    return ", ".join(scalar.escaped(json.dumps(result.to_data(), ensure_ascii=False)) for result in results)
