"""Runs the fuzz targets.

    python fuzz [--seconds 60] [TARGET...]   each target takes its share of the time; status 1 where one found something
    python fuzz TARGET FILE                  one input again

What it keeps is in .fuzz/: `corpus/TARGET/`, inputs that reach different code, `findings/TARGET/`, and
`findings/TARGET.log`, what was wrong with each.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / ".fuzz"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

_BATCH: Final = 200  # texts that one kubectl reads, or what comes in
_PAUSE: Final = 5  # seconds
_SHOWN: Final = 20  # findings of one kind are alike: so many are kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="TARGET")
    given = parser.parse_args()
    if given.in_process:
        return fuzz(given.names[0], int(given.seconds))

    import targets  # noqa: PLC0415  (fuzz() must instrument what this imports)

    if len(given.names) == 2 and Path(given.names[1]).is_file():
        return again(given.names[0], Path(given.names[1]))
    if not targets.TARGETS.keys() >= set(given.names):
        parser.error(f"a TARGET is one of {', '.join(targets.TARGETS)}")
    chosen = {name: targets.TARGETS[name] for name in given.names or targets.TARGETS}
    shares = sum(target.share for target in chosen.values())
    found = [run(name, max(1, round(given.seconds * target.share / shares))) for name, target in chosen.items()]
    return int(any(found))


def again(name: str, file: Path) -> int:
    """Check one input, and show what is wrong."""
    import oracles  # noqa: PLC0415
    import targets  # noqa: PLC0415

    target = targets.TARGETS[name]
    watch = oracles.Watch(target.seconds)
    pair = target.check(file.read_bytes())
    watch.stop()
    if pair is not None and oracles.go_yaml_is_there():
        for _, said in oracles.check_go_yaml([pair]):
            raise AssertionError(said)
    print("nothing is wrong with it")
    return 0


def run(name: str, seconds: int) -> int:
    """Fuzz one target in a process of its own, say what came of it, and return the number of findings."""
    findings, read_by_go = KEPT / "findings" / name, KEPT / f"{name}.go-yaml"
    read_by_go.unlink(missing_ok=True)
    begun = time.time()
    command = [sys.executable, __file__, "--in-process", f"--seconds={seconds}", name]
    process = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    taken = time.time() - begun
    inputs = re.findall(r"stat::number_of_executed_units: (\d+)|^#(\d+)", process.stderr, re.MULTILINE)
    count = int(max((one for pair in inputs for one in pair if one), key=int, default=0))
    # What was found before is tried again, and written again where it is found again.
    new = sorted(file for file in findings.glob("*") if file.stat().st_mtime >= begun - 1)
    go_yaml = f"  {read_by_go.read_text()} read by go-yaml" if read_by_go.exists() else ""
    print(
        f"{name:<12}{count:>12,} inputs in {taken:7,.0f} s {count / taken:>9,.0f} a second  "
        f"{len(new)} findings{go_yaml}",
        flush=True,
    )
    if process.returncode not in (0, 1) and not new:
        print(process.stderr[-3000:])
        return 1
    for file in new:
        print(f"  python fuzz {name} {file.relative_to(ROOT)}")
    return len(new)


def fuzz(name: str, seconds: int) -> int:
    """Fuzz one target in this process, which ends with it."""
    import atheris  # noqa: PLC0415  (a development tool of its own)

    with atheris.instrument_imports(include=["krm_image_setter"]):
        import oracles  # noqa: PLC0415
        import targets  # noqa: PLC0415

    target = targets.TARGETS[name]
    corpus, findings = (KEPT / part / name for part in ("corpus", "findings"))
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        write(corpus, seed)
    kinds: Counter[Any] = Counter()
    pairs: list[Any] = []
    with_kubectl = oracles.go_yaml_is_there()
    watch = oracles.Watch(target.seconds)

    def keep(data: bytes, kind: Any, said: str) -> None:
        kinds[kind] += 1
        if kinds[kind] <= _SHOWN:
            with findings.with_suffix(".log").open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{write(findings, data)}: {said}\n")

    read_by_go, read_at = 0, time.monotonic()

    def read_pairs() -> None:
        nonlocal read_by_go, read_at
        batch = pairs[:]
        pairs.clear()
        read_by_go, read_at = read_by_go + len(batch), time.monotonic()
        for culprit, said in oracles.check_go_yaml(batch):
            keep(culprit, said.partition(":")[0], said)
        (KEPT / f"{name}.go-yaml").write_text(f"{read_by_go:,}", encoding="ascii")

    def one_input(data: bytes) -> None:
        watch.inputs += 1
        try:
            pair = target.check(data)
            if with_kubectl and pair is not None:
                pairs.append(pair)
            if pairs and (len(pairs) == _BATCH or time.monotonic() - read_at > _PAUSE):
                read_pairs()
        except (Exception, oracles.TooSlowError) as error:  # noqa: BLE001  (whatever it is)
            place = traceback.extract_tb(error.__traceback__)[-1]
            keep(data, (type(error), place.filename, place.lineno), traceback.format_exc())

    words = KEPT / f"{name}.dict"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in targets.WORDS if word), encoding="ascii")
    options = {"max_total_time": seconds, "max_len": target.longest, "timeout": 120, "report_slow_units": 60, "rss_limit_mb": 3000, "dict": words,
               "artifact_prefix": f"{findings}/", "print_final_stats": 1, "reload": 0}  # fmt: skip
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus), str(findings)],
        one_input,
    )
    atheris.Fuzz()
    return 0


def escaped(word: str) -> str:
    return "".join(f"\\x{byte:02X}" for byte in word.encode(errors="surrogatepass"))


def write(folder: Path, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()[:16]
    (folder / name).write_bytes(data)
    return name


if __name__ == "__main__":
    sys.exit(main())
