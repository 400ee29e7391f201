"""Registries for the tests: the real programs `docker-registry` and `skopeo`, and the images that they serve."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

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


class Request(NamedTuple):
    """A request that an `http_server` received. The names in `headers` are not case-sensitive.

    `port` is that of the client, so it is another one for each connection.
    """

    method: str
    path: str
    headers: Message
    body: bytes
    port: int


class Reply(NamedTuple):
    """What an `http_server` sends, after `wait` seconds. `length` is a wrong `Content-Length`."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    wait: float = 0
    length: int | None = None


class Server(NamedTuple):
    """A running `http_server`: its host, such as `127.0.0.1:5000`, and the requests so far."""

    host: str
    requests: list[Request]


@contextmanager
def http_server(answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server that computes its replies. Pass its host to `plain_http`, or it waits for a TLS handshake."""
    requests: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):
                super().handle_one_request()

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, self.headers, body, self.client_address[1])
            requests.append(request)
            reply = answer(request)
            time.sleep(reply.wait)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
            if reply.length is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_CONNECT = reply  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Listening(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, *_: object) -> None:
            """Do not print that a client closed its connection."""

    with Listening(("127.0.0.1", 0), Handler) as listening:
        if tls is not None:
            listening.socket = tls.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Server(f"127.0.0.1:{listening.server_port}", requests)
        finally:
            listening.shutdown()


INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_reply(content: bytes, media_type: str = MANIFEST, **headers: str) -> Reply:
    """Return the reply of a registry that has a manifest."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest_of(content), **names}, content)


class Certificates(NamedTuple):
    """A private certificate authority, and a server certificate of it for 127.0.0.1, as files."""

    authority: str
    certificate: str
    key: str


def write_certificates(directory: Path) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    files = Certificates(*(str(directory / name) for name in ("ca.pem", "server.pem", "server.key")))
    authority_key = str(directory / "ca.key")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    authority = ["-subj", "/CN=Test CA", "-keyout", authority_key, "-out", files.authority]
    server = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    server += ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", files.key, "-out", files.certificate]
    for arguments in (authority, [*server, "-CA", files.authority, "-CAkey", authority_key]):
        subprocess.run([*request, *arguments], check=True, capture_output=True)
    return files


def login_environment(directory: Path) -> dict[str, str]:
    """Return an environment in which no login of this machine and no proxy is found."""
    names = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG")
    unset = (
        "REGISTRY_AUTH_FILE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    )
    return dict.fromkeys(names, str(directory)) | {
        spelling: "" for name in unset for spelling in (name, name.lower())
    }


def write_logins(directory: Path, **fields: Any) -> None:
    """Write a `config.json` for the environment of `login_environment`."""
    (directory / "config.json").write_text(json.dumps(fields), encoding="utf-8")


def basic(login: str) -> str:
    """Return `USER:PASSWORD` in base64, as `auth` in `config.json` and the header `Authorization` contain it."""
    return base64.b64encode(login.encode()).decode()


def inspected_digest(image: str, *arguments: str) -> str:
    """Return the digest of an image as skopeo sees it."""
    assert SKOPEO is not None
    command = [SKOPEO, "inspect", "--raw", "--tls-verify=false", *arguments, f"docker://{image}"]
    return digest_of(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def htpasswd(directory: Path, user: str, password: str) -> dict[str, Any]:
    """Return the section `auth` for a `docker_registry` with one user."""
    file = directory / "htpasswd"
    program = shutil.which("htpasswd")
    if program is None:
        pytest.skip("needs htpasswd of Debian's apache2-utils")
    line = subprocess.run([program, "-Bbn", user, password], check=True, capture_output=True).stdout
    file.write_bytes(line)
    return {"htpasswd": {"realm": "test", "path": str(file)}}


def token_service(
    certificates: Certificates, logins: Mapping[str, str], *, anonymous: bool = True
) -> Callable[[Request], Reply]:
    """Return the answers of a token service, which signs its tokens (JWT) with the key of `certificates`.

    `logins` maps users to passwords, and identity tokens to themselves. The service is `test`, the issuer `tests`.
    """
    chain = Path(certificates.certificate).read_text(encoding="ascii").splitlines()

    def answer(request: Request) -> Reply:
        query = parse_qs(request.body.decode() if request.method == "POST" else urlsplit(request.path).query)
        if request.method == "POST":
            accepted = query["refresh_token"][0] in logins
        elif header := request.headers["Authorization"]:
            user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            accepted = logins.get(user) == password
        else:
            accepted = anonymous
        if not accepted:
            return Reply(401)
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in query.get("scope", []))
        ]
        now = int(time.time())
        times = {"iat": now - 60, "nbf": now - 60, "exp": now + 60}
        claims = {
            "iss": "tests",
            "aud": query["service"][0],
            "sub": "",
            "jti": str(now),
            **times,
            "access": access,
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(line for line in chain if "-----" not in line)]}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", certificates.key]
        signature = subprocess.run(command, input=signed, check=True, capture_output=True).stdout
        token = b".".join((signed, _base64url(signature))).decode()
        return Reply(body=json.dumps({"token": token}).encode())

    return answer


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
