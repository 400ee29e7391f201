"""Runs cases in several processes for a given time, and groups the differences by kind."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from differential import cases
from differential.cases import Case, Unfit
from differential.compare import Checked, Finding, Program, check, check_reader, traits
from differential.readers import NAMES, Readers

_BATCH: Final = 80  # the number of cases that one run of kubectl reads
_KEPT: Final = 200  # the maximum number of kinds of differences


@dataclass
class Found:
    """The differences of one kind: their number `count`, and the shortest case."""

    case: Case
    finding: Finding
    number: int
    count: int = 1


@dataclass
class Report:
    """The statistics of a run. `asked` and `checked` count the outputs that each parser got and could check."""

    counts: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    unspecified: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)

    def add(self, case: Case, finding: Finding, number: int) -> None:
        """Count a difference, and keep its case if it is the shortest of its kind."""
        known = self.found.get(finding.kind)
        if known is None:
            if len(self.found) < _KEPT:
                self.found[finding.kind] = Found(case, finding, number)
            return
        known.count += 1
        if len(case.text) + len(case.config_text) < len(known.case.text) + len(known.case.config_text):
            known.case, known.finding, known.number = case, finding, number

    def merge(self, other: Report) -> None:
        """Add the report of another process."""
        for name in ("counts", "done", "unspecified", "rules", "asked", "checked", "missing"):
            getattr(self, name).update(getattr(other, name))
        for kind, found in other.found.items():
            known = self.found.get(kind)
            self.add(found.case, found.finding, found.number)
            self.found[kind].count = found.count + (known.count - 1 if known else 0)


def run(
    seed: int, seconds: float, processes: int, program: Program, *, cases_limit: int = 0, with_corpus: bool = True
) -> Report:
    """Run cases in several processes for `seconds`. The seed and the number of a case determine the case."""
    if processes == 1:
        return work(seed, seconds, 0, 1, program, cases_limit, with_corpus)
    context = multiprocessing.get_context("fork")
    with context.Pool(processes) as pool:
        given = [
            (seed, seconds, first, processes, program, cases_limit, with_corpus) for first in range(processes)
        ]
        report = Report()
        for part in pool.starmap(work, given, chunksize=1):
            report.merge(part)
    return report


def work(
    seed: int, seconds: float, first: int, step: int, program: Program, cases_limit: int, with_corpus: bool
) -> Report:
    """Run the cases with the numbers `first`, `first + step` and so on in this process."""
    report = Report()
    readers = Readers()
    report.missing = readers.missing
    until = time.monotonic() + seconds
    number = first
    changed: list[tuple[int, Case, Checked]] = []
    while time.monotonic() < until and not (cases_limit and report.counts["cases"] >= cases_limit):
        case = made(seed, number, with_corpus=with_corpus)
        if case is not None:
            checked = check_safely(case, program)
            collect(report, number, case, checked)
            if checked.ran is not None and checked.ran.status == 0 and checked.ran.output != case.text:
                changed.append((number, case, checked))
        number += step
        if len(changed) == _BATCH:
            read_all(report, readers, changed)
            changed.clear()
    read_all(report, readers, changed)
    readers.close()
    return report


def check_safely(case: Case, program: Program) -> Checked:
    """Check a case. An exception in the test itself is reported as a difference."""
    try:
        return check(case, program)
    except Exception as error:  # noqa: BLE001  (any exception)
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"the test fails: {type(error).__name__} in {place.name}"
        return Checked([Finding(kind, traceback.format_exc())])


def made(seed: int, number: int, *, with_corpus: bool = True) -> Case | None:
    """Make the case with a number; None if the chosen text is not suitable."""
    try:
        return cases.make(Random(f"{seed}:{number}"), with_corpus=with_corpus)
    except Unfit:
        return None


def collect(report: Report, number: int, case: Case, checked: Checked) -> None:
    """Count a case and keep its differences."""
    counts = report.counts
    counts["cases"] += 1
    counts[f"{case.mode}{', ResourceList' if case.is_list else ''}"] += 1
    report.done.update(case.done.keys())
    if checked.unspecified:
        counts["unspecified"] += 1
        report.unspecified[checked.unspecified] += 1
    if checked.expected is not None:
        report.rules.update({change.rule for change in checked.expected.changes})
        counts["with changes"] += bool(checked.expected.changes)
    if checked.ran is not None and checked.ran.status == 2:
        counts["with an error"] += 1
    counts["different"] += bool(checked.findings)
    for finding in checked.findings:
        report.add(case, finding, number)


def read_all(report: Report, readers: Readers, changed: Sequence[tuple[int, Case, Checked]]) -> None:
    """Read the inputs and outputs of cases with all other parsers, and report differences."""
    texts = [text for _, case, checked in changed if checked.ran for text in (case.text, checked.ran.output)]
    readings = readers.read(texts)
    report.asked["PyYAML"] += len(changed)
    report.checked["PyYAML"] += len(changed)
    for name in NAMES[1:]:
        if name not in readings:
            continue
        for index, (number, case, checked) in enumerate(changed):
            if (
                any(finding.kind.startswith("PyYAML: refuses") for finding in checked.findings)
                or checked.ran is None
            ):
                continue
            report.asked[name] += 1
            reads, findings = check_reader(name, case, checked.ran, *readings[name][2 * index : 2 * index + 2])
            report.checked[name] += reads
            for finding in findings:
                report.add(case, Finding(f"{finding.kind}{traits(case)}", finding.detail), number)


def check_one(
    case: Case, program: Program, readers: Readers | None, names: Sequence[str] = NAMES
) -> list[Finding]:
    """Check one case. If `readers` is given, also compare the parsers with these names."""
    checked = check(case, program)
    findings = list(checked.findings)
    if (
        readers is None
        or checked.ran is None
        or checked.ran.status != 0
        or any("PyYAML: refuses" in f.kind for f in findings)
    ):
        return findings
    for name, (before, after) in readers.read([case.text, checked.ran.output], names).items():
        findings += check_reader(name, case, checked.ran, before, after)[1]
    return findings


def as_data(found: Found) -> dict[str, Any]:
    """Return a difference as data for a file."""
    return {
        "kind": found.finding.kind,
        "detail": found.finding.detail,
        "number": found.number,
        **found.case.to_json(),
    }
