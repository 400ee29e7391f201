"""A registry on loopback that knows its requests, and the commands that ask it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from harness import Program, Ran
from registry.servers import (
    INDEX,
    MANIFEST,
    Reply,
    Request,
    digest_of,
    http_server,
    login_environment,
    manifest_reply,
)

LOCK: Final = "images.lock.yaml"


class Registry:
    """A registry with manifests by repository and tag, such as `app:1`. It also has each manifest by its digest."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.status: dict[str, int] = {}
        self.wait = 0.0
        self.asked: list[str] = []
        self.methods: list[str] = []
        self.host = ""

    def push(self, image: str, content: str = "") -> str:
        self.manifests[image] = (content or f"{{{image}}}").encode()
        return digest_of(self.manifests[image])

    def answer(self, request: Request) -> Reply:
        name, _, tag = request.path.removeprefix("/v2/").partition("/manifests/")
        self.asked.append(f"{name}:{tag}")
        self.methods.append(request.method)
        time.sleep(self.wait)
        if status := self.status.get(f"{name}:{tag}"):
            return Reply(status)
        contents = {digest_of(content): content for content in self.manifests.values()}
        content = self.manifests.get(f"{name}:{tag}", contents.get(tag))
        if content is None:
            return Reply(404)
        return manifest_reply(content, INDEX) if b'"manifests"' in content else manifest_reply(content)


class Locking:
    """The program with a registry. In texts, `HOST` stands for the host of the registry."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program = program
        self.registry = registry

    def write(self, name: str, text: str) -> None:
        self.program.write(name, text.replace("HOST", self.registry.host))

    def read(self, name: str) -> str:
        return (self.program.folder / name).read_bytes().decode().replace(self.registry.host, "HOST")

    def run(self, *arguments: str, status: int = 0) -> Ran:
        """Run a command; the registry is asked over plain HTTP."""
        plain = ["--plain-http", self.registry.host] if arguments[0] in ("lock", "verify") else []
        env = login_environment(self.program.folder)
        ran = self.program(*arguments, *plain, env=env)
        assert ran.status == status, ran.stderr
        return Ran(ran.status, ran.stdout, ran.stderr.replace(self.registry.host, "HOST"))

    def lock(self, *arguments: str, status: int = 0) -> Ran:
        return self.run("lock", "app.yaml", "-o", LOCK, *arguments, status=status)


def pod(*images: str) -> str:
    containers = "".join(f"  - {{name: c{number}, image: '{image}'}}\n" for number, image in enumerate(images))
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{containers}"


def push_platforms(registry: Registry, *names: str) -> list[str]:
    """Push an index with a manifest per platform, and return the digests: first that of the index."""
    digests = [registry.push(f"{name}:manifest") for name in names]
    manifests = [
        {
            "mediaType": MANIFEST,
            "digest": digest,
            "size": 1,
            "platform": dict(zip(("os", "architecture"), name.split("/"), strict=True)),
        }
        for name, digest in zip(names, digests, strict=True)
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return [registry.push("web:1", json.dumps(index)), *digests]


@contextmanager
def registry_on_loopback() -> Iterator[Registry]:
    """Run an empty registry."""
    made = Registry()
    with http_server(made.answer) as server:
        made.host = server.host
        yield made
