"""Writes findings as `kinds` and `files` of an ImageSetter. A comment above each path contains the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from krm_image_setter.discovery.finding import Confidence, Finding, Kind, Steps
from krm_image_setter.globs import escaped_glob
from krm_image_setter.locators import WHOLE
from krm_image_setter.yaml import writer

_DESCRIPTION_LENGTH = 90


def write_kinds(findings: Iterable[Finding], pod_specs: Mapping[Kind, Iterable[Steps]]) -> Iterator[str]:
    """Yield the lines of `kinds` and `files` without line ends.

    Comments list pod specs, which need no entry, and parts of references for which no entry can be written.
    """
    by_kind: dict[Kind, list[Finding]] = {}
    comments: dict[Kind, list[str]] = {}
    for kind, specs in pod_specs.items():
        paths = sorted(Finding(kind, steps, WHOLE, Confidence.SURE, "").path for steps in specs)
        if paths:
            comments[kind] = [f"the pod specs at {', '.join(paths)} are found without an entry"]
    for finding in findings:
        if finding.is_complete:
            by_kind.setdefault(finding.kind, []).append(finding)
        else:
            comments.setdefault(finding.kind, []).append(_part(finding))
    every = sorted({*by_kind, *comments})
    for section in ("kinds", "files"):
        kinds = [kind for kind in every if kind.section == section]
        if not by_kind.keys().isdisjoint(kinds):
            yield f"{section}:"
        for kind in kinds:
            yield from (f"# {kind}: {comment}" for comment in comments.get(kind, ()))
            if kind in by_kind:
                yield writer.block([_selector(kind)]).rstrip("\n")
                yield "  paths:"
                for finding in by_kind[kind]:
                    yield from _path(finding)


def _selector(kind: Kind) -> dict[str, str]:
    if kind.file:
        return {"files": escaped_glob(kind.file)}
    return {"kind": kind.kind, **({"apiVersion": f"{kind.group}/*"} if kind.group else {})}


def _part(finding: Finding) -> str:
    """Return the comment for a field that contains only a tag, a digest or a registry."""
    part = finding.form.options["part"]
    if part == "registry":
        return f"{finding.path} contains only the registry of images; no entry can set it"
    entry = writer.flow({"path": finding.path, "part": part, "of": "IMAGE"})
    return f"{finding.path} contains only a {part}; to set it, add {entry} with the name of its image"


def _path(finding: Finding) -> Iterator[str]:
    text = finding.description
    if len(text) > _DESCRIPTION_LENGTH:
        text = text[:_DESCRIPTION_LENGTH].rpartition(" ")[0] + " …"
    printable = "".join(character if character.isprintable() else "?" for character in text)
    yield f"  # {finding.confidence.name.lower()} ({finding.reason})" + (f": {printable}" if printable else "")
    options = finding.form.options
    yield f"  - {writer.flow({'path': finding.path, **options} if options else finding.path)}"
