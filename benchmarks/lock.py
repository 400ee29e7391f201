"""How long `lock` takes for many images in many files: with a slow registry, and without requests.

    python benchmarks/lock.py [--files N] [--images N] [--milliseconds N]

The registry is a server in another process. It answers each request after the given time. `list` reads the same files
without a registry; the second `lock` finds all images in the lock. On a busy machine, compare the time of the
processors with the time that the registry takes alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from registries import ask, serve

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
spec:
  template:
    spec:
      containers:
      - name: app
        image: {host}/app-{image}:1.0 # the application
        ports: [{{containerPort: 8080}}]
"""


def write_files(folder: Path, files: int, images: int, host: str) -> None:
    for number in range(files):
        path = folder / f"{number % 100:02}" / f"app-{number}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(MANIFEST.format(number=number, image=number % images, host=host))


def seconds(folder: Path, *arguments: str) -> tuple[float, float]:
    """Return the time that a command takes, and the time of the processors for it."""
    before, start = processors(), time.perf_counter()
    command = [sys.executable, "-m", "krm_image_setter", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start, processors() - before


def processors() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--milliseconds", type=int, default=50)
    arguments = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(arguments.milliseconds / 1000, sender), daemon=True)
    server.start()
    host = f"127.0.0.1:{receiver.recv()}"
    plain = ["--plain-http", host]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "deploy").mkdir()
        write_files(folder / "deploy", arguments.files, arguments.images, host)
        receiver, sender = multiprocessing.Pipe(duplex=False)
        before = time.process_time()
        ask(host, arguments.images, 16, sender)
        results = {
            "registry alone": (receiver.recv()[0], time.process_time() - before),
            "list": seconds(folder, "list", "deploy", "-o", "names"),
            "lock": seconds(folder, "lock", "deploy", "-o", "images.lock.yaml", *plain),
            "lock again": seconds(folder, "lock", "deploy", "-o", "images.lock.yaml", *plain),
            "lock --check": seconds(folder, "lock", "deploy", "-o", "images.lock.yaml", "--check", *plain),
            "set --in-place": seconds(folder, "set", "deploy", "--fn-config", "images.lock.yaml", "--in-place"),
        }
    print(f"{arguments.files:,} files, {arguments.images:,} images, {arguments.milliseconds} ms per answer")
    print(f"{'':15} {'seconds':>8} {'of processors':>14}")
    for name, (taken, used) in results.items():
        print(f"{name:>15} {taken:8.2f} {used:14.2f}")


if __name__ == "__main__":
    main()
