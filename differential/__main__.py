"""Runs the differential test.

    python -m differential [--seconds 60] [--seed 1] [--processes 2]
                                     run random cases, and write one file per kind of difference to .differential/
    python -m differential --case FILE
                                     check the case in such a file again, and print it
    python -m differential --seed 1 --number 1234
                                     make one case of a seed again, check it, and print it

The exit status is 1 if the program and the model differ in a case.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import time
from pathlib import Path
from typing import Final

from differential.cases import Case
from differential.compare import traits
from differential.minimizing import minimize
from differential.program import run as program
from differential.readers import NAMES, ROOT, Readers
from differential.running import Found, Report, as_data, check_one, made, run

KEPT: Final = ROOT / ".differential"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m differential", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long to run (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="the cases to run (default: others each time)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per processor")
    parser.add_argument("--number", type=int, help="check this case of the seed only")
    parser.add_argument("--case", type=Path, metavar="FILE", help="check the case of a file only")
    parser.add_argument(
        "--minimize", type=float, default=120, metavar="SECONDS",
        help="how long to make differences smaller (default: 120)",
    )  # fmt: skip
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else int(time.time())
    if given.case is not None or given.number is not None:
        case = (
            Case.from_json(json.loads(given.case.read_text(encoding="utf-8"))["case"])
            if given.case
            else made(seed, given.number)
        )
        return again(case) if case else parser.error("the text of this number makes no case")
    began = time.monotonic()
    report = run(seed, given.seconds, given.processes, program)
    show(report, seed, time.monotonic() - began)
    keep(report, seed, given.minimize, given.processes)
    return int(bool(report.found))


def again(case: Case) -> int:
    """Check one case and print it. Return the exit status."""
    readers = Readers()
    findings = check_one(case, program, readers)
    readers.close()
    print(
        f"mode: {case.mode}{', ResourceList' if case.is_list else ''}\n--- configuration\n{case.config_text}\n--- text\n{case.text}"
    )
    print("--- text, escaped\n" + ascii(case.text))
    ran = program(case)
    print(f"--- output, status {ran.status}\n{ran.output}\n" + "\n".join([*ran.warnings, ran.message]))
    for finding in findings:
        print(f"--- {finding.kind}\n{finding.detail}")
    print("" if findings else "nothing differs")
    return int(bool(findings))


def show(report: Report, seed: int, seconds: float) -> None:
    """Print the statistics of a run."""
    counts = report.counts
    print(
        f"seed {seed}: {counts['cases']:,} cases in {seconds:,.0f} s, {counts['cases'] / seconds:.0f} per second; {counts['with changes']:,} change something, "
        f"{counts['with an error']:,} end with an error, {counts['unspecified']:,} are left out because the documents do not say what must happen"
    )
    modes = [
        f"{name} {count:,}"
        for name, count in sorted(counts.items())
        if name.startswith(("library", "fork", "process"))
    ]
    print(f"run as: {', '.join(modes)}")
    print("rules: " + ", ".join(f"{name} {count:,}" for name, count in report.rules.most_common()))
    print(
        "mutations: "
        + ", ".join(
            f"{name} {count:,}" for name, count in report.done.most_common() if not name.startswith("dropped")
        )
    )
    for name in NAMES:
        if name in report.missing:
            print(f"{name}: skipped: {report.missing[name]}")
        elif report.asked[name]:
            share = report.checked[name] / report.asked[name]
            print(
                f"{name}: checked {report.checked[name]:,} of {report.asked[name]:,} outputs ({share:.0%}); it refuses the other inputs, or reads them otherwise"
            )
    print(f"{counts['different']:,} cases differ, in {len(report.found)} kinds", flush=True)


def keep(report: Report, seed: int, seconds: float, processes: int) -> None:
    """Minimize the cases with differences, and write one file per kind. Print a command to check each file again.

    All cases together are minimized for at most `seconds`. Cases that have the same kind after this share a file.
    """
    KEPT.mkdir(exist_ok=True)
    for file in KEPT.glob("*.json"):
        file.unlink()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        share = min(20, seconds * processes / max(1, len(report.found)))
        small = pool.starmap(smaller, [(found, share) for found in report.found.values()], chunksize=1)
    kinds: dict[str, tuple[int, Case, Found]] = {}
    for found, (kind, case) in zip(report.found.values(), small, strict=True):
        count, known, _ = kinds.get(kind, (0, case, found))
        shorter = case if len(case.text) <= len(known.text) else known
        kinds[kind] = (count + found.count, shorter, found)
    for kind, (count, case, found) in sorted(kinds.items(), key=lambda item: -item[1][0]):
        file = KEPT / f"{re.sub('[^a-z0-9]+', '-', kind.lower()).strip('-')[:80]}.json"
        data = {"seed": seed, "kind": kind, "count": count, "case": case.to_json(), "original": as_data(found)}
        file.write_text(json.dumps(data, indent=1), encoding="utf-8")
        print(f"{count:>6} {kind}\n       python -m differential --case {file.relative_to(ROOT)}", flush=True)


def smaller(found: Found, seconds: float) -> tuple[str, Case]:
    """Minimize the case of a difference. Return the kind and the smaller case."""
    readers = Readers()
    kind = base(found.finding.kind)
    case = minimize(found.case, lambda case: differs(case, kind, readers), seconds)
    readers.close()
    return f"{kind}{traits(case)}", case


def base(kind: str) -> str:
    """Return a kind without the traits of its cases, such as `[ResourceList]`."""
    return kind.partition(" [")[0]


def differs(case: Case, kind: str, readers: Readers) -> bool:
    """Return whether a case has a difference of this kind. Only parsers that the kind names read the output."""
    needed = [name for name in NAMES[1:] if kind.startswith(f"{name}:")]
    findings = check_one(case, program, readers if needed else None, needed)
    return any(base(finding.kind) == kind for finding in findings)


if __name__ == "__main__":
    sys.exit(main())
