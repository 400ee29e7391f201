"""No command except `lock`, `verify` and `set --lock` opens a socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from harness import UNMEASURED
from registry.servers import Server, http_server, login_environment, manifest_reply

from krm_image_setter.cli import _MODULES

# The hook sees each socket of Python, also those of other threads. The last line is the only one on standard error.
WATCHED: Final = """\
import sys
sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith("socket.") else None)
from krm_image_setter.__main__ import main
status = main(sys.argv[1:])
sys.stderr.write(f"\\n{status} {len(sockets)} {'krm_image_setter.registry' in sys.modules} {'urllib3' in sys.modules}")
"""
MANIFESTS: Final = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: a, image: HOST/app:1}, {name: b, image: "HOST/other:1@DIGEST"}]}
---
apiVersion: example.com/v1
kind: Unknown
metadata: {name: web}
spec: {runtimeImage: HOST/unknown:1}
"""
CONFIG: Final = """\
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
images: {HOST/app: HOST/app:2}
registries: [{from: HOST, to: HOST/mirror}]
onUnused: ignore
"""
TILTFILE: Final = "docker_build('HOST/app', '.')\n"
COMMANDS: Final = {
    "": ["--fn-config", "config.yaml"],
    "set": ["d", "--fn-config", "config.yaml", "--in-place"],
    "list": ["d", "--unpinned", "--unknown"],
    "explain": ["d", "--fn-config", "config.yaml"],
    "discover": ["d"],
    "import": ["Tiltfile"],
    "catalog": [],
    "schema": [],
    "install-plugin": [],
}
ASK: Final = """\
from krm_image_setter.images import check_reference
from krm_image_setter.registry import Registries
with Registries(plain_http=[sys.argv[1]]) as registries:
    status = len(list(registries.resolve([check_reference(f"{sys.argv[1]}/app:1")]))) - 1
"""


class Watched(NamedTuple):
    """The exit status, the number of events of sockets, and whether the network modules were imported."""

    status: int
    sockets: int
    registry: bool
    urllib3: bool


def watched(folder: Path, program: str, *arguments: str) -> Watched:
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=(folder / "d/web.yaml").read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        cwd=folder,
        env=UNMEASURED | login_environment(folder),
        check=False,
    )
    status, sockets, *imported = ran.stderr.rpartition("\n")[2].split()
    return Watched(int(status), int(sockets), *(text == "True" for text in imported))


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server(lambda _: manifest_reply(b"{}")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    files = {"d/web.yaml": MANIFESTS, "config.yaml": CONFIG, "Tiltfile": TILTFILE}
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            text.replace("HOST", server.host).replace("DIGEST", f"sha256:{'0' * 64}"), encoding="utf-8"
        )
    return tmp_path


def test_all_commands_are_in_the_table() -> None:
    assert {*COMMANDS, "lock", "verify"} >= set(_MODULES)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_opens_no_socket(folder: Path, server: Server, command: str) -> None:
    arguments = [command, *COMMANDS[command]] if command else COMMANDS[command]
    assert watched(folder, WATCHED, *arguments) == Watched(0, 0, registry=False, urllib3=False)
    assert not server.requests


def test_hook_sees_the_sockets_of_registries(folder: Path, server: Server) -> None:
    """The other tests of this file prove something only if the hook works."""
    program = WATCHED.replace("from krm_image_setter.__main__ import main\nstatus = main(sys.argv[1:])", ASK)
    ran = watched(folder, program, server.host)
    assert (ran.status, ran.registry, ran.urllib3) == (0, True, True)
    assert ran.sockets > 0
    assert len(server.requests) == 1
