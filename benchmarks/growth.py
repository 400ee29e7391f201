"""How the time of a run grows with its input: one series per shape of input, each measured at doubled sizes.

    python benchmarks/growth.py [NAME…] [--runs N] [--limit RATIO] [--output FILE]

A NAME selects the series whose names contain it. A run is the whole program as a process. Its time is the time of
the processor (user and system), start-up included, the best of N runs. The last column is the largest ratio of the
times of two sizes that follow each other: linear time gives at most 2, quadratic time up to 4. FILE gets the same
numbers as JSON. A series ends early at a point that takes longer than `_LONGEST`.

A series whose ratio is above RATIO is measured twice more, because another program can slow down a run. If the
shortest times still give a higher ratio, the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from series import SERIES, Case

#: How often each series doubles its size.
_DOUBLINGS = 2
#: Seconds.
_LONGEST = 5.0


class Growth(NamedTuple):
    """The times that a series took, in seconds, by size."""

    name: str
    times: dict[int, float]

    @property
    def ratio(self) -> float:
        """The largest ratio of one doubling."""
        return max(after / before for before, after in pairwise(self.times.values()))

    def shortest(self, other: Growth) -> Growth:
        """Return the shorter of the two times for each size."""
        sizes = self.times.keys() & other.times.keys()
        return Growth(self.name, {size: min(self.times[size], other.times[size]) for size in sorted(sizes)})


def run(case: Case) -> float:
    """Run the program once, and return the seconds of the processor that it took; it must do what the case says."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in case.files.items():
            (folder / file).write_text(text)
        (folder / ".in").write_text(case.stdin)
        program = [sys.executable, "-m", "krm_image_setter", *case.arguments]
        with (folder / ".in").open() as stdin, (folder / ".out").open("w") as out:
            process = subprocess.Popen(program, cwd=folder, stdin=stdin, stdout=out, stderr=out)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed = (folder / ".out").read_text()
    if process.returncode != case.status or case.said not in printed:
        raise AssertionError(
            f"status {process.returncode}, not {case.status}; {case.said!r} not in {printed[:500]!r}"
        )
    return usage.ru_utime + usage.ru_stime


def measure(name: str, runs: int = 3, scale: float = 1) -> Growth:
    """Return what a series takes, at its size times `scale` and at the double sizes, the best of `runs` each."""
    size, make = SERIES[name]
    times: dict[int, float] = {}
    for doubling in range(_DOUBLINGS + 1):
        count = max(int(size * scale), 2) << doubling
        case = make(count)
        times[count] = min(run(case) for _ in range(runs))
        if times[count] > _LONGEST and len(times) > 1:
            break
    return Growth(name, times)


def table(growths: Iterable[Growth]) -> Iterable[str]:
    """Yield the lines of a table in Markdown."""
    yield "| series | sizes | times | largest ratio |"
    yield "|---|---|---|---|"
    for growth in growths:
        sizes = ", ".join(f"{size:,}" for size in growth.times)
        times = ", ".join(f"{seconds:.2f}" for seconds in growth.times.values())
        yield f"| {growth.name} | {sizes} | {times} s | {growth.ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=float("inf"), metavar="RATIO")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    chosen = [name for name in SERIES if not given.names or any(part in name for part in given.names)]
    growths: list[Growth] = []

    def measured() -> Iterable[Growth]:
        for name in chosen:
            growth = measure(name, given.runs)
            for _ in range(2):
                if growth.ratio > given.limit:
                    growth = growth.shortest(measure(name, given.runs))
            growths.append(growth)
            yield growth

    for line in table(measured()):
        print(line, flush=True)
    if given.output is not None:
        given.output.write_text(
            json.dumps([{**growth._asdict(), "ratio": growth.ratio} for growth in growths], indent=1)
        )
    too_steep = [growth.name for growth in growths if growth.ratio > given.limit]
    if too_steep:
        sys.exit(f"error: more than {given.limit} times as long per doubling: {', '.join(too_steep)}")


if __name__ == "__main__":
    main()
