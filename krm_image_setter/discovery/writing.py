"""Findings -> the `kinds` of an ImageSetter, with the reasons as comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from krm_image_setter.discovery.finding import Confidence, Finding, Kind, Steps
from krm_image_setter.locators import WHOLE
from krm_image_setter.yaml import writer

_DESCRIPTION_LENGTH = 90


def write_kinds(findings: Iterable[Finding], pod_specs: Mapping[Kind, Iterable[Steps]]) -> Iterator[str]:
    """Yield the lines of `kinds`, without line ends; and where pod specs are, which need no entry."""
    by_kind: dict[Kind, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    if by_kind:
        yield "kinds:"
    for kind in sorted({*by_kind, *pod_specs}):
        places = [Finding(kind, steps, WHOLE, Confidence.SURE, "").path for steps in pod_specs.get(kind, ())]
        if places:
            yield f"# {kind} needs no entry for the pod specs at {', '.join(sorted(places))}"
        if kind in by_kind:
            selector = {"kind": kind.kind, **({"apiVersion": f"{kind.group}/*"} if kind.group else {})}
            yield writer.block([selector]).rstrip("\n")
            yield "  paths:"
            for finding in by_kind[kind]:
                yield from _path(finding)


def _path(finding: Finding) -> Iterator[str]:
    about = finding.description
    if len(about) > _DESCRIPTION_LENGTH:
        about = about[:_DESCRIPTION_LENGTH].rpartition(" ")[0] + " …"
    printable = "".join(character if character.isprintable() else "?" for character in about)
    yield f"  # {finding.confidence.name.lower()}, by {finding.reason}" + (f": {printable}" if printable else "")
    options = finding.form.options
    yield f"  - {writer.flow({'path': finding.path, **options} if options else finding.path)}"
