"""Ours beside kubectl kustomize, kpt, kbld, a ruamel.yaml script, yq, sed and cat, on the same manifests, in one run.

    python benchmarks/compare.py [RESOURCES…] [--loads all,1 %,none] [--kubectl-up-to N] [--files-up-to N]
                                 [--output FILE]

Each number of resources is measured as ResourceList and stream, on one core, and as folder of files, on all cores.
The programs take turns, several times over, so that what slows the machine slows them all. The tables have the
median, the spread (fastest to slowest), the ratio to ours with the spread of the ratios in one turn, and the peak
memory. FILE gets all values as pyperf keeps them: `python -m pyperf stats FILE`, `check`, `hist`, `compare_to`.
What takes others minutes is run only when it is asked for: kubectl kustomize is quadratic.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyperf
from manifests import NEW, OLD, OTHER, documents, resource_list, stream

NAME, _, TAG = NEW.rpartition(":")
CONFIG = f"""\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
images: [{{name: {NAME}, newTag: "{TAG}"}}]
onUnused: ignore
"""
# `kinds` selects a third of the resources, and no image occurs.
KINDS = """\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
images: [{name: registry.example.com/shop/other, newTag: "1.25"}]
kinds: [{kind: KafkaConnect, paths: [spec.image]}]
onUnused: ignore
"""
SET_IMAGE = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: set-image}}
data: {{name: {NAME}, newTag: "{TAG}"}}
"""
KBLD = f"""\
apiVersion: kbld.k14s.io/v1alpha1
kind: Config
overrides:
- {{image: "{OLD}", newImage: "{NEW}", preresolved: true}}
- {{image: "{OTHER}", newImage: "{OTHER}", preresolved: true}}
"""
KUSTOMIZATION = f"""\
resources: [manifests.yaml]
images: [{{name: {NAME}, newTag: "{TAG}"}}]
configurations: [fields.yaml]
"""
FIELDS = "images: [{path: spec/image, kind: KafkaConnect}]\n"
# Up to this number of resources, the start of a program takes most of the time, and more commands are measured.
SHORT = 10
# Two directories for `kubectl kustomize`: without our plugin, and with it.
PLAIN, WITH_PLUGIN = "plain", "with-plugin"
PLUGINS = "plugins"
ROUND_TRIP = f"""\
import sys
from ruamel.yaml import YAML
yaml = YAML()
yaml.preserve_quotes = True
documents = list(yaml.load_all(sys.stdin))
for document in documents:
    spec = document.get("spec", {{}})
    for holder in spec["template"]["spec"]["containers"] if "template" in spec else [spec]:
        if holder.get("image", "") == "{OLD}":
            holder["image"] = "{NEW}"
yaml.dump_all(documents, sys.stdout)
"""
EVENTS = """\
import sys
from yaml._yaml import CParser
parser = CParser(sys.stdin.buffer.read())
while parser.check_event():
    parser.get_event()
"""


class Program(NamedTuple):
    """A command, the file that it reads, up to how many resources it is run, and from how many on only once."""

    name: str
    command: list[str]
    stdin: str
    up_to: int = 10**9
    once_from: int = 10**9


class Run(NamedTuple):
    """Seconds, and peak memory in MiB."""

    seconds: float
    memory: float


def yq_command() -> list[str] | None:
    """Return what runs mikefarah's yq, or the one in Python, which is told to write YAML; or None."""
    yq = shutil.which("yq")
    if yq is None:
        return None
    is_python = b"python" in Path(yq).read_bytes()[:80]
    return [yq, "-y"] if is_python else [yq]


def programs(kubectl_up_to: int) -> list[Program]:
    ours = str(Path(sys.executable).with_name("krm-image-setter"))
    found = [
        Program("krm-image-setter, ResourceList", [ours], "list.yaml"),
        Program("krm-image-setter, stream", [ours, "--fn-config", "functions.yaml"], "manifests.yaml"),
        Program("krm-image-setter, kinds", [ours], "kinds.yaml"),
    ]
    kubectl = shutil.which("kubectl", path=sysconfig.get_path("scripts")) or shutil.which("kubectl")
    if kubectl:
        found.append(
            Program(
                "kubectl kustomize, images:", [kubectl, "kustomize", "."], "manifests.yaml", kubectl_up_to, 10_000
            )
        )
        found.append(Program("kubectl version --client", [kubectl, "version", "--client"], "manifests.yaml"))
        in_home = f'KUSTOMIZE_PLUGIN_HOME="$PWD/{PLUGINS}" exec "$@"'
        build = ["sh", "-c", in_home, "-", kubectl, "kustomize", "--enable-alpha-plugins"]
        found += [
            Program("kubectl kustomize, resources only", [*build, PLAIN], "manifests.yaml", SHORT),
            Program("kubectl kustomize, our plugin", [*build, WITH_PLUGIN], "manifests.yaml", SHORT),
        ]
    found += [
        Program("krm-image-setter list", [ours, "list", "manifests.yaml"], "manifests.yaml", SHORT),
        Program("krm-image-setter --version", [ours, "--version"], "manifests.yaml", SHORT),
        Program("bare CPython", [sys.executable, "-c", "pass"], "manifests.yaml", SHORT),
    ]
    kpt = shutil.which("kpt")
    if kpt:
        found.append(Program("kpt fn eval, no-op", [kpt, "fn", "eval", "-", "--exec", "cat"], "list.yaml", 10_000))
    if shutil.which("set-image"):  # the function of kpt, as a program
        found.append(Program("set-image of kpt", ["set-image"], "set-image.yaml"))
    if shutil.which("kbld"):
        command = ["kbld", "-f", "manifests.yaml", "-f", "kbld.yaml", "--images-annotation=false"]
        found.append(Program("kbld", command, "manifests.yaml"))
    yq = yq_command()
    if yq is not None:
        found.append(Program("yq, no-op", [*yq, "."], "manifests.yaml", 1_000))
    found.append(Program("ruamel.yaml round trip", [sys.executable, "-c", ROUND_TRIP], "manifests.yaml", 1_000))
    found.append(Program("bare events of the C parser", [sys.executable, "-c", EVENTS], "manifests.yaml"))
    found.append(Program("sed", ["sed", f"s|{OLD}|{NEW}|"], "manifests.yaml"))
    found.append(Program("cat", ["cat"], "manifests.yaml"))
    return found


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and so what it starts, to one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def rounds(size: int) -> int:
    """Return how many turns there are: each takes long where there is much to do."""
    return 15 if size <= 10 else 7 if size <= 1_000 else 3


def run(command: list[str], folder: Path, stdin: str | None = None) -> Run:
    """Run a command, and return what it took; it must succeed."""
    with (
        (folder / stdin if stdin else Path(os.devnull)).open("rb") as file,
        Path(os.devnull).open("wb") as nowhere,
    ):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=file, stdout=nowhere, stderr=nowhere, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(taken, usage.ru_maxrss / 1024)


def told(title: str, runs: dict[str, list[Run]], suite: list[pyperf.Benchmark]) -> None:
    """Print a table whose ratios are to the first program, and add it to the suite."""
    print(
        f"\n{title}\n\n| program | median | spread | of ours | spread of it | peak memory |\n|---|---|---|---|---|---|"
    )
    base: pyperf.Benchmark | None = None
    for name, taken in runs.items():
        memory = max(one.memory for one in taken)
        metadata = {"name": f"{title}: {name}", "unit": "second", "command_max_rss": int(memory * 2**20)}
        one = pyperf.Benchmark(
            [pyperf.Run([each.seconds], metadata=metadata, collect_metadata=False) for each in taken]
        )
        base = base or one
        suite.append(one)
        values = one.get_values()
        ratios = [value / ours for value, ours in zip(values, base.get_values(), strict=False)]
        print(
            f"| {name} | {one.median() * 1000:,.0f} ms | {min(values) * 1000:,.0f}–{max(values) * 1000:,.0f} ms "
            f"| {one.median() / base.median():.2f} | {min(ratios):.2f}–{max(ratios):.2f} | {memory:,.0f} MiB |",
            flush=True,
        )


def compare(size: int, load: str, kubectl_up_to: int, suite: list[pyperf.Benchmark]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In pieces: what this process holds would count as the peak of each that it starts.
        files: dict[str, Iterable[str]] = {
            "manifests.yaml": stream(size, load),
            "list.yaml": resource_list(size, load, CONFIG),
            "kinds.yaml": resource_list(size, load, KINDS),
            "set-image.yaml": resource_list(size, load, SET_IMAGE),
            "kbld.yaml": [KBLD],
            "functions.yaml": [CONFIG],
            "kustomization.yaml": [KUSTOMIZATION],
            "fields.yaml": [FIELDS],
        }
        for file, pieces in files.items():
            with (folder / file).open("w") as written:
                written.writelines(pieces)
        if size <= SHORT:
            write_builds(folder)
        megabytes = (folder / "manifests.yaml").stat().st_size / 1e6
        chosen = [program for program in programs(kubectl_up_to) if size <= program.up_to]
        runs: dict[str, list[Run]] = {program.name: [] for program in chosen}
        with on_one_core():
            for turn in range(rounds(size)):
                for program in chosen:
                    if not turn or size < program.once_from:
                        runs[program.name].append(run(program.command, folder, program.stdin))
        told(f"{size:,} resources ({megabytes:,.1f} MB), {load} change", runs, suite)


def write_builds(folder: Path) -> None:
    """Write a kustomization without our plugin, and one with it, and install the plugin."""
    for name in (PLAIN, WITH_PLUGIN):
        (folder / name).mkdir()
        shutil.copy(folder / "manifests.yaml", folder / name)
        (folder / name / "kustomization.yaml").write_text("resources: [manifests.yaml]\n")
    with (folder / WITH_PLUGIN / "kustomization.yaml").open("a") as file:
        file.write("transformers: [functions.yaml]\n")
    head, images = CONFIG.split("images:")
    (folder / WITH_PLUGIN / "functions.yaml").write_text(f"{head}metadata: {{name: set-images}}\nimages:{images}")
    install = [str(Path(sys.executable).with_name("krm-image-setter")), "install-plugin"]
    home = {"KUSTOMIZE_PLUGIN_HOME": str(folder / PLUGINS)}
    subprocess.run(install, env={**os.environ, **home}, check=True, capture_output=True)


def in_files(count: int, load: str, suite: list[pyperf.Benchmark]) -> None:
    """`set --in-place` and `list` over a folder, beside sed on all its files and one process a file."""
    ours = str(Path(sys.executable).with_name("krm-image-setter"))
    with tempfile.TemporaryDirectory() as name:
        folders = (Path(name, str(number)) for number in itertools.count())
        paths = [f"deploy/{n // 500:03}/{n:06}.yaml" for n in range(count)]

        def written() -> Path:
            """Write the files to a new folder. For minutes after files are deleted, ext4 creates files slowly."""
            folder = next(folders)
            for path, text in zip(paths, documents(count, load), strict=True):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
            (folder / "functions.yaml").write_text(CONFIG)
            os.sync()
            return folder

        def each(command: Callable[[str], list[str]], folder: Path) -> Run:
            taken = [run(command(path), folder) for path in paths[:few]]
            scale = count / few
            return Run(sum(one.seconds for one in taken) * scale, max(one.memory for one in taken))

        config = ["--fn-config", "functions.yaml"]
        script = f"find deploy -name '*.yaml' -exec sed -i 's|{OLD}|{NEW}|' {{}} +"
        measures: dict[str, Callable[[Path], Run]] = {
            "krm-image-setter set --in-place": partial(run, [ours, "set", "deploy", "--in-place", *config]),
            "krm-image-setter set, to standard output": partial(run, [ours, "set", "deploy", *config]),
            "krm-image-setter list": partial(run, [ours, "list", "deploy", *config]),
            "bare events of the C parser": partial(run, [sys.executable, "-c", EVENTS_OF_FILES]),
            "sed -i, all at once": partial(run, ["sh", "-c", script]),
            "cat, all at once": partial(run, ["sh", "-c", "find deploy -name '*.yaml' -exec cat {} +"]),
        }
        few = min(count, 100)
        if load == "all":  # the others take a process a file as long
            measures[f"ruamel.yaml, a process a file ({few} run, scaled)"] = partial(
                each, lambda path: ["sh", "-c", f'"{sys.executable}" -c "$0" < "$1"', ROUND_TRIP, path]
            )
            yq = yq_command()
            if yq is not None:
                measures[f"yq, a process a file ({few} run, scaled)"] = partial(
                    each, lambda path: [*yq, ".", path]
                )
        runs: dict[str, list[Run]] = {title: [] for title in measures}
        folder = written()
        for _ in range(min(rounds(count), 5)):
            for title, measure in measures.items():
                changes = " -i" in title or "--in-place" in title
                runs[title].append(measure(written() if changes else folder))
        told(f"{count:,} files, {load} change", runs, suite)


EVENTS_OF_FILES = """\
import glob
from yaml._yaml import CParser
for path in glob.glob("deploy/*/*.yaml"):
    with open(path, "rb") as file:
        parser = CParser(file.read())
    while parser.check_event():
        parser.get_event()
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[1, 10, 1_000, 10_000, 100_000])
    parser.add_argument("--loads", default="all,1 %,none")
    parser.add_argument("--kubectl-up-to", type=int, default=1_000)
    parser.add_argument("--files-up-to", type=int, default=10_000)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    suite: list[pyperf.Benchmark] = []
    for size in given.sizes:
        for load in given.loads.split(","):
            compare(size, load, given.kubectl_up_to, suite)
            if size <= given.files_up_to:
                in_files(size, load, suite)
    if given.output is not None:
        pyperf.BenchmarkSuite(suite).dump(str(given.output), replace=True)


if __name__ == "__main__":
    main()
