"""Logins are found where skopeo finds them, for a registry that requires a login."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry.servers import basic, docker_registry, htpasswd, needs_registry, push

from krm_image_setter.images.reference import check_reference
from krm_image_setter.registry import Registries, Resolved

pytestmark = needs_registry
RIGHT = {"auth": basic("user:secret")}
WRONG = {"auth": basic("user:wrong")}
PODMAN, PODMAN_HOME, DOCKER = "run/containers/auth.json", "config/containers/auth.json", "docker/config.json"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_registry({"auth": htpasswd(tmp_path_factory.mktemp("auth"), "user", "secret")}) as host:
        push(host, "team/app:1", dest_creds="user:secret")
        yield host


# The files with their entries, and whether they permit the access. HOST is the host with its port.
LAYOUTS = [
    pytest.param({}, {}, False, id="no file"),
    pytest.param({DOCKER: {"HOST": RIGHT}}, {}, True, id="file of docker"),
    pytest.param({PODMAN: {"HOST": RIGHT}}, {}, True, id="file of podman"),
    pytest.param({PODMAN_HOME: {"HOST": RIGHT}}, {}, True, id="file of podman in the configuration directory"),
    pytest.param({"my.json": {"HOST": RIGHT}}, {}, False, id="other file"),
    pytest.param({"my.json": {"HOST": RIGHT}}, {"REGISTRY_AUTH_FILE": "my.json"}, True, id="REGISTRY_AUTH_FILE"),
    pytest.param(
        {"my.json": {}, DOCKER: {"HOST": RIGHT}}, {"REGISTRY_AUTH_FILE": "my.json"}, True, id="other file after it"
    ),
    pytest.param(
        {"my.json": {"HOST": WRONG}, PODMAN: {"HOST": RIGHT}},
        {"REGISTRY_AUTH_FILE": "my.json"},
        False,
        id="its entry first",
    ),
    pytest.param({DOCKER: {"HOST": RIGHT}}, {"REGISTRY_AUTH_FILE": "my.json"}, True, id="missing file before it"),
    pytest.param({PODMAN: {"HOST": RIGHT}, DOCKER: {"HOST": WRONG}}, {}, True, id="podman before docker"),
    pytest.param(
        {PODMAN: {"HOST": WRONG}, DOCKER: {"HOST": RIGHT}}, {}, False, id="wrong login before the right one"
    ),
    pytest.param(
        {PODMAN: {"quay.io": WRONG}, DOCKER: {"HOST": RIGHT}}, {}, True, id="other host before the right one"
    ),
    pytest.param({PODMAN: {"HOST/team": RIGHT, "HOST": WRONG}}, {}, True, id="path before host"),
    pytest.param({PODMAN: {"HOST/team/app": RIGHT, "HOST/team": WRONG}}, {}, True, id="repository before path"),
    pytest.param({PODMAN: {"HOST/other": RIGHT}}, {}, False, id="other path"),
    pytest.param({PODMAN: {"HOST/te": RIGHT}}, {}, False, id="part of a path component"),
    pytest.param({DOCKER: {"https://HOST/v1/": RIGHT}}, {}, True, id="URL of an old client"),
    pytest.param({DOCKER: {"http://HOST": RIGHT}}, {}, True, id="URL of plain HTTP"),
    pytest.param({DOCKER: {"127.0.0.1": RIGHT}}, {}, False, id="host without the port"),
]


@pytest.mark.parametrize("files, variables, permitted", LAYOUTS)
def test_login_is_found_as_in_skopeo(
    host: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, dict[str, Any]],
    variables: dict[str, str],
    permitted: bool,
) -> None:
    for name, entries in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        auths = {key.replace("HOST", host): entry for key, entry in entries.items()}
        file.write_text(json.dumps({"auths": auths}), encoding="utf-8")
    places = {"XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config", "DOCKER_CONFIG": "docker"}
    for variable, place in (places | variables).items():
        monkeypatch.setenv(variable, str(tmp_path / place))
    image = f"{host}/team/app:1"
    inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{image}"]
    skopeo = subprocess.run(inspect, capture_output=True, env=os.environ, check=False, timeout=60)
    with Registries() as registries:
        [(_, answer)] = registries.resolve([check_reference(image)])
    assert (skopeo.returncode == 0, isinstance(answer, Resolved)) == (permitted, permitted)
