"""Registries for the tests: the real programs `docker-registry` and `skopeo`, and the images that they serve."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

REGISTRY: Final = shutil.which("docker-registry")
SKOPEO: Final = shutil.which("skopeo")
#: Skips a test that needs a real registry.
needs_registry: Final = pytest.mark.skipif(
    not (REGISTRY and SKOPEO), reason="needs Debian's docker-registry and skopeo"
)
_LAYER: Final = gzip.compress(bytes(1024), mtime=0)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def docker_registry(
    configuration: Mapping[str, Any] | None = None, *, http: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Run Debian's docker-registry on a loopback port, and return its host, such as `127.0.0.1:5000`.

    `configuration` adds sections to its configuration file, and `http` adds fields to the section of that name.
    """
    assert REGISTRY is not None
    host = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as directory:
        settings = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": directory}, "delete": {"enabled": True}},
            "http": {"addr": host, **(http or {})},
            **(configuration or {}),
        }
        file = Path(directory, "config.yml")
        file.write_text(json.dumps(settings), encoding="utf-8")
        # The registry exports traces to a local collector if this variable does not disable it.
        environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        with subprocess.Popen(
            [REGISTRY, "serve", file], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                _wait_until_open(host, process)
                yield host
            finally:
                process.kill()


def _wait_until_open(host: str, process: subprocess.Popen[bytes]) -> None:
    name, _, port = host.rpartition(":")
    for _ in range(200):
        try:
            socket.create_connection((name, int(port)), timeout=1).close()
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{host} does not answer")


def push(
    host: str, name: str, platforms: Sequence[str] = ("linux/amd64",), *, label: str = "", **options: str
) -> str:
    """Push an image such as `team/app:1.0` with skopeo, and return its digest.

    Several platforms are pushed as an index. Images with another `label` have another digest. `options` are those
    of `skopeo copy`, such as `dest_creds="user:password"`.
    """
    assert SKOPEO is not None
    with tempfile.TemporaryDirectory() as directory:
        digest = write_layout(Path(directory), platforms, label)
        arguments = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
        if "dest_cert_dir" not in options:
            arguments.append("--dest-tls-verify=false")
        subprocess.run(
            [SKOPEO, "copy", "--quiet", "--all", *arguments, f"oci:{directory}:image", f"docker://{host}/{name}"],
            check=True,
            capture_output=True,
            timeout=60,
        )
    return digest


def write_layout(directory: Path, platforms: Sequence[str], label: str) -> str:
    """Write an OCI image layout with one image, and return its digest."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes, media_type: str) -> dict[str, Any]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    def put_json(content: Mapping[str, Any], kind: str) -> dict[str, Any]:
        media_type = f"application/vnd.oci.image.{kind}.v1+json"
        return put(json.dumps({**content, "mediaType": media_type}).encode(), media_type)

    layer = put(_LAYER, "application/vnd.oci.image.layer.v1.tar+gzip")
    manifests = []
    for platform in platforms:
        os_name, architecture, *variant = platform.split("/")
        description = {"os": os_name, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(bytes(1024)).hexdigest()}"]}
        config = put_json({**description, "config": {"Labels": {"l": label}}, "rootfs": rootfs}, "config")
        manifest = put_json({"schemaVersion": 2, "config": config, "layers": [layer]}, "manifest")
        manifests.append({**manifest, "platform": description})
    top = manifests[0] if len(manifests) == 1 else put_json({"schemaVersion": 2, "manifests": manifests}, "index")
    named = {**top, "annotations": {"org.opencontainers.image.ref.name": "image"}}
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}), encoding="utf-8")
    return str(top["digest"])
