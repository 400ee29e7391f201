"""Loads that take minutes: `make load` runs them, LOAD=0.01 with a hundredth of each. What they took is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import pytest
from harness import ROOT, UNMEASURED

SCALE = float(os.environ.get("LOAD") or 0)
pytestmark = pytest.mark.skipif(not SCALE, reason="it takes minutes: `make load` runs it")

sys.path.append(str(ROOT / "benchmarks"))
from growth import measure, table  # noqa: E402
from manifests import NEW, OLD, documents, resource_list, stream  # noqa: E402
from series import SERIES  # noqa: E402

NAME = OLD.partition(":")[0]
IMAGE = ("--image", f"{NAME}={NEW}")
CONFIG = f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {{{NAME}: {NEW}}}\n"
ME = (sys.executable, "-m", "krm_image_setter")
#: Runs a command and tells what it took. This process would count as its own: a child starts with its parent's size.
METER = """
import json, os, sys, time
started = time.monotonic()
_, status, usage = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
took = time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), *took], file)
"""
#: What the program takes before it has read anything, in MiB.
_EMPTY = 60


class Load(NamedTuple):
    """What a run came to, and what it took: seconds by the clock and of the processor, and MiB at most."""

    status: int
    error: str
    wall: float
    cpu: float
    memory: float


def measured(
    folder: Path, *arguments: str, stdin: IO[bytes] | int = subprocess.DEVNULL, stdout: IO[bytes] | int
) -> Load:
    """Run the program, without coverage, and tell what it took."""
    meter = [sys.executable, "-c", METER, str(folder.parent / "took")]
    ran = subprocess.run(
        [*meter, *ME, *arguments],
        cwd=folder,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=UNMEASURED,
        check=True,
    )
    status, wall, cpu, memory = json.loads((folder.parent / "took").read_text())
    what = " ".join(arguments).replace(" ".join(IMAGE), "--image …")
    tell(f"  {what:34}{wall:7.1f} s, {cpu:7.1f} s of processor, {memory:6.0f} MiB")
    return Load(status, ran.stderr.decode(), wall, cpu, memory)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def scaled(count: int) -> int:
    return max(int(count * SCALE), 8)


def block_of(size: int) -> str:
    """Return one ConfigMap with a long block scalar that names the image too, between Deployments."""
    before, after = documents(1, "all"), documents(1, "all")
    lines = "    # the page of registry.example.com/shop/web:1.24, as it is served: long, and no image\n" * (
        size // 88
    )
    config_map = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata:\n  page: |\n{lines}"
    return f"{''.join(before)}---\n{config_map}---\n{''.join(after)}"


STREAMS: dict[str, tuple[Callable[[], str], Sequence[str]]] = {
    "100,000 resources": (lambda: "".join(stream(scaled(100_000), "all")), IMAGE),
    "100,000 resources, 1 %": (lambda: "".join(stream(scaled(100_000), "1 %")), IMAGE),
    "a ResourceList of 100,000": (lambda: "".join(resource_list(scaled(100_000), "all", CONFIG)), ()),
    "200 MB in 345,000 documents": (lambda: "".join(stream(scaled(345_000), "all")), IMAGE),
    "200 MB in one block scalar": (lambda: block_of(scaled(200_000_000)), IMAGE),
}


@pytest.mark.parametrize("name", STREAMS)
def test_one_stream(tmp_path: Path, name: str) -> None:
    make, arguments = STREAMS[name]
    text = make()
    size = len(text) / (1 << 20)
    is_block = "block" in name
    limit = 6 if is_block else 4  # libyaml copies its input, and doubles its buffers while a scalar grows
    expected = text.replace(f"image: {OLD}" if is_block else OLD, f"image: {NEW}" if is_block else NEW)
    (tmp_path / "in").mkdir()
    source, target = tmp_path / "in/a.yaml", tmp_path / "out.yaml"
    source.write_text(text)
    tell(f"\n{name}: {size:.0f} MiB")
    with source.open("rb") as stdin, target.open("wb") as stdout:
        load = measured(source.parent, *arguments, stdin=stdin, stdout=stdout)
    assert (load.status, load.error) == (0, "")
    assert target.read_text().startswith(expected) if not arguments else target.read_text() == expected
    assert load.memory < _EMPTY + limit * size
    if arguments:
        load = measured(source.parent, "set", ".", *arguments, "--in-place", stdout=subprocess.DEVNULL)
        assert load.status == 0
        assert source.read_text() == expected
        assert load.memory < _EMPTY + limit * size


def test_many_files(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    texts = list(documents(scaled(100_000), "all"))
    for number, text in enumerate(texts):
        (folder / f"{number:06}.yaml").write_text(text)
    size = sum(map(len, texts)) / (1 << 20)
    changed = sum(OLD in text for text in texts)
    tell(f"\n{len(texts):,} files: {size:.0f} MiB")
    for arguments, status in (
        (("list", "."), 0),
        (("set", ".", *IMAGE, "--check"), 1),
        (("set", ".", *IMAGE, "--diff"), 1),
        (("set", ".", *IMAGE), 0),
        (("set", ".", *IMAGE, "--in-place"), 0),
    ):
        with (tmp_path / "out").open("wb") as stdout:
            load = measured(folder, *arguments, stdout=stdout)
        assert load.status == status
        assert load.memory < _EMPTY + 4 * size + len(texts) / 1024  # a KiB for what is kept of each file
        out = (tmp_path / "out").read_text()
        if "--check" in arguments:
            assert out.count("\n") == changed
        elif "--diff" in arguments:
            assert out.count(f"\n+{'  image: '}{NEW}\n") + out.count(f"image: {NEW}   # pinned\n") == changed
        elif arguments == ("set", ".", *IMAGE):
            assert out == "---\n".join(texts).replace(OLD, NEW)
    assert all(
        (folder / f"{number:06}.yaml").read_text() == text.replace(OLD, NEW) for number, text in enumerate(texts)
    )
    assert len(os.listdir(folder)) == len(texts)


@pytest.mark.parametrize("is_same", [True, False], ids=["the same", "different"])
def test_eight_runs_at_once(tmp_path: Path, is_same: bool) -> None:
    """Each file is wholly what came before or what runs made of it, and nothing is lost of a run that ends with 0."""
    names = [f"i{number}" for number in range(8)]
    before = "kind: Pod\nspec:\n  containers:\n" + "".join(f"  - image: {name}:0\n" for name in names)
    count = scaled(2_000)
    statuses: list[int] = []
    for turn in range(1, 6):
        for number in range(count):
            (tmp_path / f"{number:04}.yaml").write_text(before)
        given: Sequence[str] = [names[0]] * 8 if is_same else names
        runs = [
            subprocess.Popen(
                [*ME, "set", ".", "--image", f"{name}={name}:{turn}", "--in-place"],
                cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            for name in given
        ]  # fmt: skip
        said = [run.communicate()[1] for run in runs]
        statuses += [run.returncode for run in runs]
        files = f"{count:,} files"
        for run, error in zip(runs, said, strict=True):
            told = (
                r"(changed|removed|locked) the file[^\n]*; [^\n]* (was|were already) written, run the "
                r"command again\n"
            )
            if run.returncode == 0:
                assert re.search(rf"set ({count:,} images in {files}|0 images in 0 files) \(", error)
            else:
                assert run.returncode == 2
                assert re.search(told, error)
        done = {name for run, name in zip(runs, given, strict=True) if run.returncode == 0}
        assert done
        assert len(os.listdir(tmp_path)) == count
        for path in tmp_path.iterdir():
            text = path.read_text()
            assert re.sub(r":\d\n", ":0\n", text) == before
            assert all(f" {name}:{turn}\n" in text for name in done)
    tell(f"\n  {statuses.count(0)} of {len(statuses)} runs ended with 0, {statuses.count(2)} were refused")


@pytest.mark.parametrize("name", SERIES)
def test_time_grows_with_the_input(name: str) -> None:
    growth = measure(name, scale=min(SCALE, 1))
    *_, row = table([growth])
    tell(f"\n{row}")
    # At a fraction of the sizes most of the time is the start-up. The margin is for the noise of a shared machine.
    assert growth.ratio < 2.5 or SCALE < 1
