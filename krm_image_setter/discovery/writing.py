"""Writes findings as `kinds` and `files` of an ImageSetter. A comment above each path contains the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from krm_image_setter.discovery.finding import Confidence, Finding, Kind, Steps
from krm_image_setter.globs import escaped_glob
from krm_image_setter.locators import WHOLE
from krm_image_setter.yaml import writer

_DESCRIPTION_LENGTH = 90


def write_kinds(findings: Iterable[Finding], pod_specs: Mapping[Kind, Iterable[Steps]]) -> Iterator[str]:
    """Yield the lines of `kinds` and `files` without line ends. Comments list pod specs, which need no entry."""
    by_kind: dict[Kind, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    files = sorted(kind for kind in by_kind if kind.file)
    if len(files) < len(by_kind):
        yield "kinds:"
    for kind in sorted({*by_kind, *pod_specs}.difference(files)):
        paths = [Finding(kind, steps, WHOLE, Confidence.SURE, "").path for steps in pod_specs.get(kind, ())]
        if paths:
            yield f"# {kind}: the pod specs at {', '.join(sorted(paths))} are found without an entry"
        if kind in by_kind:
            selector = {"kind": kind.kind, **({"apiVersion": f"{kind.group}/*"} if kind.group else {})}
            yield writer.block([selector]).rstrip("\n")
            yield "  paths:"
            for finding in by_kind[kind]:
                yield from _path(finding)
    if files:
        yield "files:"
    for kind in files:
        yield writer.block([{"files": escaped_glob(kind.file)}]).rstrip("\n")
        yield "  paths:"
        for finding in by_kind[kind]:
            yield from _path(finding)


def _path(finding: Finding) -> Iterator[str]:
    text = finding.description
    if len(text) > _DESCRIPTION_LENGTH:
        text = text[:_DESCRIPTION_LENGTH].rpartition(" ")[0] + " …"
    printable = "".join(character if character.isprintable() else "?" for character in text)
    yield f"  # {finding.confidence.name.lower()} ({finding.reason})" + (f": {printable}" if printable else "")
    options = finding.form.options
    yield f"  - {writer.flow({'path': finding.path, **options} if options else finding.path)}"
