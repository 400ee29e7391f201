"""How long a registry takes to answer for many images, one after the other and at once, and the memory for it.

    python benchmarks/registries.py [--images N] [--milliseconds N]

The registry is a server in another process. It answers each request after the given time. Memory is the peak of the
process that asks, above that of a process that asks for one image.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection

from krm_image_setter.images.reference import Reference
from krm_image_setter.registry import Registries, Resolved
from krm_image_setter.registry.connections import Limits

_DIGEST = "sha256:" + "0" * 64
_HEADERS = (
    "HTTP/1.1 200 OK",
    "Content-Type: application/vnd.oci.image.index.v1+json",
    f"Docker-Content-Digest: {_DIGEST}",
    "Content-Length: 1000",
    "\r\n",
)


def serve(seconds: float, started: Connection) -> None:
    """Answer HEAD requests until the process ends, and send the port to `started`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(seconds)
                writer.write("\r\n".join(_HEADERS).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
        started.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def ask(host: str, images: int, connections: int, done: Connection) -> None:
    """Ask for images, and send the seconds and the peak of the memory in KiB to `done`."""
    # The program disables it too.
    gc.disable()
    start = time.perf_counter()
    with Registries(plain_http=[host], limits=Limits(connections=connections)) as registries:
        names = (Reference(f"{host}/app-{number}", "1") for number in range(images))
        answered = sum(isinstance(answer, Resolved) for _, answer in registries.resolve(names))
    assert answered == images
    done.send((time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def measured(host: str, images: int, connections: int) -> tuple[float, int]:
    # A new process for each measurement, because the peak of the memory never sinks.
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=ask, args=(host, images, connections, sender))
    process.start()
    seconds, memory = receiver.recv()
    process.join()
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--milliseconds", type=int, default=50)
    arguments = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(arguments.milliseconds / 1000, sender), daemon=True)
    server.start()
    host = f"127.0.0.1:{receiver.recv()}"
    least = measured(host, 1, 1)[1]
    connections = Limits().connections
    print(f"{'images':>8} {'connections':>12} {'seconds':>8} {'memory':>10}")
    results = {}
    sizes = [(arguments.images, 1), (arguments.images, connections), (arguments.images * 4, connections)]
    for images, number in sizes:
        seconds, memory = results[images, number] = measured(host, images, number)
        print(f"{images:8,} {number:12} {seconds:8.2f} {memory - least:6,} KiB")
    print(f"{results[sizes[0]][0] / results[sizes[1]][0]:.1f} times as fast as one after the other")


if __name__ == "__main__":
    main()
