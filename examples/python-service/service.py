"""Sets and lists images over HTTP. It is an ASGI application that needs no framework.

uvicorn service:app
POST /set    manifests -> {"text": the new manifests, "results": [...]}
POST /list   manifests -> {"images": [...]}
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from krm_image_setter import ImageSetter, ImageSetterError, list_images, read_config, set_images

MOST_BYTES = 10_000_000
MOST_SECONDS = 30.0
#: Read once: a configuration never changes, and all requests can share it.
CONFIG = read_config(Path(__file__).with_name("functions.yaml"))

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def set_in(text: str, config: ImageSetter) -> Any:
    """Return the answer to `/set`. This function runs in a worker process."""
    outcome = set_images(text, config)
    return {"text": outcome.text, "results": [result.to_data() for result in outcome.results]}


def list_in(text: str, config: ImageSetter) -> Any:
    """Return the answer to `/list`. This function runs in a worker process."""
    return {"images": [{"image": image.image, "field": image.field} for image in list_images(text, config)]}


JOBS: dict[str, Callable[[str, ImageSetter], Any]] = {"/set": set_in, "/list": list_in}


def new_pool() -> ProcessPoolExecutor:
    """Return a pool of worker processes, which start with the first request.

    A forked worker would inherit the sockets and the signal handlers of the server.
    """
    return ProcessPoolExecutor(mp_context=get_context("spawn"))


class Service:
    """The application. It parses YAML in worker processes, so that a large request does not stop the others."""

    def __init__(self, config: ImageSetter) -> None:
        self._config = config
        self._pool = new_pool()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request (https://asgi.readthedocs.io/en/latest/specs/www.html)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, answer = await self._answer(scope, receive)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _live(self, receive: Receive, send: Send) -> None:
        for event in ("startup", "shutdown"):
            await receive()
            if event == "shutdown":
                # Wait for the workers: they must not outlive the server.
                await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            await send({"type": f"lifespan.{event}.complete"})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, Any]:
        job = JOBS.get(scope["path"])
        if job is None or scope["method"] != "POST":
            return 404, {"error": "expected POST /set or POST /list"}
        body = await _body(receive)
        if body is None:
            return 413, {"error": f"expected at most {MOST_BYTES} bytes"}
        loop, pool = asyncio.get_running_loop(), self._pool
        try:
            running = loop.run_in_executor(pool, job, body.decode(), self._config)
            return 200, await asyncio.wait_for(running, MOST_SECONDS)
        except ImageSetterError as error:  # the manifests are wrong
            return 422, {"error": str(error), "line": error.line, "column": error.column}
        except UnicodeDecodeError:
            return 422, {"error": "expected UTF-8"}
        except TimeoutError:
            return 503, {"error": f"not done after {MOST_SECONDS} seconds"}
        except BrokenExecutor:  # a worker was killed, probably because memory ran out
            if pool is self._pool:
                self._pool = new_pool()
            return 503, {"error": "a worker process was killed; send fewer manifests at a time"}


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, or None if it is too large."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            return None
    return body


app = Service(CONFIG)
