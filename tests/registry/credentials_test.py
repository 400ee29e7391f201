"""Logins in the files of docker and podman, and in credential helpers."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from registry.servers import basic

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.credentials import Credentials, Login

AUTH = {"auth": basic("user:secret")}
OTHER = {"auth": basic("other:secret")}
FOUND = Login("user", "secret")


def write(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def helper(directory: Path, name: str, script: str) -> None:
    """Write a credential helper, which is a program in PATH."""
    program = write(directory / "bin" / f"docker-credential-{name}", f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def login(
    directory: Path, content: Any, name: str = "registry.example.com/team/app", helper_timeout: float = 20
) -> Login | None:
    """Return the login for a name, with `content` in the file of docker."""
    write(directory / "config.json", content)
    environment = {"DOCKER_CONFIG": str(directory), "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory)}
    path = f"{directory}/bin:{os.environ['PATH']}"
    return Credentials(environment | {"PATH": path}, helper_timeout).login(name)


# Keys

HUB = "docker.io/library/nginx"
KEYS = [
    pytest.param("registry.example.com", "registry.example.com/team/app", id="host"),
    pytest.param("registry.example.com:5000", "registry.example.com:5000/app", id="host and port"),
    pytest.param("registry.example.com/team", "registry.example.com/team/app", id="host and path"),
    pytest.param("registry.example.com/team/app", "registry.example.com/team/app", id="repository"),
    pytest.param("https://registry.example.com/v1/", "registry.example.com/team/app", id="URL of an old client"),
    pytest.param("https://registry.example.com", "registry.example.com/team/app", id="URL without a path"),
    pytest.param("http://registry.example.com/v2/", "registry.example.com/team/app", id="URL of plain HTTP"),
    pytest.param("https://index.docker.io/v1/", HUB, id="Docker Hub as `docker login` writes it"),
    pytest.param("index.docker.io", HUB, id="Docker Hub's index"),
    pytest.param("https://docker.io", HUB, id="Docker Hub as a URL"),
    pytest.param("docker.io", HUB, id="Docker Hub as podman writes it"),
    pytest.param("registry-1.docker.io", HUB, id="Docker Hub's registry"),
    pytest.param("docker.io/library", HUB, id="Docker Hub and path"),
]
OTHER_KEYS = [
    pytest.param("registry.example.com", "registry.example.com:5000/app", id="host without its port"),
    pytest.param("registry.example.com:5000", "registry.example.com/app", id="another port"),
    pytest.param("example.com", "registry.example.com/app", id="parent domain"),
    pytest.param("registry.example.com/te", "registry.example.com/team/app", id="part of a path component"),
    pytest.param("registry.example.com/team/app", "registry.example.com/team", id="longer path"),
    pytest.param("registry.example.com", HUB, id="another registry"),
    pytest.param("https://index.docker.io/v1/", "registry.example.com/app", id="Docker Hub"),
    pytest.param("https://evil.example.com/registry.example.com", "registry.example.com/app", id="name in a path"),
]


@pytest.mark.parametrize("key, name", KEYS)
def test_key_matches_the_image(tmp_path: Path, key: str, name: str) -> None:
    assert login(tmp_path, {"auths": {key: AUTH}}, name) == FOUND


@pytest.mark.parametrize("key, name", OTHER_KEYS)
def test_key_of_another_registry_does_not_match(tmp_path: Path, key: str, name: str) -> None:
    assert login(tmp_path, {"auths": {key: AUTH}}, name) is None


def test_longest_key_is_used(tmp_path: Path) -> None:
    auths = {
        "registry.example.com": OTHER,
        "registry.example.com/team": AUTH,
        "registry.example.com/team/a": OTHER,
    }
    assert login(tmp_path, {"auths": auths}) == FOUND


ENTRIES = [
    pytest.param(AUTH, FOUND, id="user and password in base64"),
    pytest.param({"auth": basic("user:se:cr:et")}, Login("user", "se:cr:et"), id="password with colons"),
    pytest.param({"auth": basic("user:pässword")}, Login("user", "pässword"), id="password that is not ASCII"),
    pytest.param({"auth": basic("user:secret\0\0")}, FOUND, id="password with padding"),
    pytest.param({"username": "user", "password": "secret"}, FOUND, id="user and password"),
    pytest.param({**AUTH, "identitytoken": "t"}, Login("user", "secret", "t"), id="identity token and user"),
    pytest.param({"identitytoken": "t"}, Login(identity_token="t"), id="identity token"),
    pytest.param({"registrytoken": "t"}, Login(registry_token="t"), id="registry token"),
    pytest.param({}, None, id="empty entry"),
    pytest.param({"auth": ""}, None, id="empty login"),
    pytest.param({"auth": None, "email": "a@b.example"}, None, id="only an address"),
]


@pytest.mark.parametrize("entry, expected", ENTRIES)
def test_entry_is_decoded(tmp_path: Path, entry: dict[str, Any], expected: Login | None) -> None:
    assert login(tmp_path, {"auths": {"registry.example.com": entry}}) == expected


def test_login_does_not_show_its_secrets() -> None:
    assert "secret" not in f"{Login('user', 'secret', 'secret', 'secret')!r}"


# Files


def test_files_are_read_in_the_order_of_podman(tmp_path: Path) -> None:
    """Each file that is removed gives way to the next one."""
    places = ["run/containers/auth.json", "config/containers/auth.json", "docker/config.json"]
    for number, place in enumerate(places):
        write(tmp_path / place, {"auths": {"registry.example.com": {"auth": basic(f"{number}:x")}}})
    environment = {
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
    }
    for number, place in enumerate(places):
        assert Credentials(environment).login("registry.example.com/app") == Login(str(number), "x")
        (tmp_path / place).unlink()
    assert Credentials(environment).login("registry.example.com/app") is None


def test_files_in_the_home_directory_are_read(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    write(tmp_path / ".docker/config.json", {"auths": {"registry.example.com": AUTH}})
    assert Credentials(environment).login("registry.example.com/app") == FOUND
    write(tmp_path / ".config/containers/auth.json", {"auths": {"registry.example.com": OTHER}})
    assert Credentials(environment).login("registry.example.com/app") == Login("other", "secret")


def test_file_of_registry_auth_file_is_the_first(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"auths": {"registry.example.com": AUTH, "quay.io": AUTH}})
    file = write(tmp_path / "auth.json", {"auths": {"quay.io": OTHER}})
    environment = {
        "DOCKER_CONFIG": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "REGISTRY_AUTH_FILE": str(file),
    }
    assert Credentials(environment).login("registry.example.com/app") == FOUND
    assert Credentials(environment).login("quay.io/app") == Login("other", "secret")


EMPTY = [
    pytest.param({}, id="empty file"),
    pytest.param({"auths": None, "credHelpers": None, "credsStore": None}, id="null"),
    pytest.param({"credsStore": ""}, id="empty name of a helper"),
]


@pytest.mark.parametrize("content", EMPTY)
def test_file_without_logins_is_anonymous(tmp_path: Path, content: Any) -> None:
    assert login(tmp_path, content) is None


UNREADABLE = [
    pytest.param("{", "not valid JSON", id="JSON without an end"),
    pytest.param("[" * 100_000, "not valid JSON", id="deep JSON"),
    pytest.param([], "expected a JSON object", id="list"),
    pytest.param({"auths": []}, "expected a JSON object in `auths`", id="list of logins"),
    pytest.param({"credHelpers": "x"}, "expected a JSON object in `credHelpers`", id="one helper"),
    pytest.param(
        {"auths": {"registry.example.com": "x"}},
        "expected a JSON object for registry.example.com",
        id="text as login",
    ),
    pytest.param(
        {"auths": {"registry.example.com": {"auth": "secret"}}},
        "`auth` of registry.example.com is not valid base64",
        id="login without base64",
    ),
]


@pytest.mark.parametrize("content, reason", UNREADABLE)
def test_unreadable_file_is_an_error(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(RegistryError) as caught:
        login(tmp_path, content)
    assert str(caught.value) == f"cannot read {tmp_path}/config.json: {reason}"


def test_directory_instead_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(RegistryError) as caught:
        Credentials({"DOCKER_CONFIG": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}).login("quay.io/app")
    assert str(caught.value) == f"cannot read {tmp_path}/config.json: Is a directory"


# Credential helpers

PRINT_LOGIN = """\
read -r server
echo "$server" >> "$0.log"
printf '{"ServerURL": "%s", "Username": "user", "Secret": "secret"}' "$server" """
SERVERS = [
    pytest.param({"credsStore": "a"}, "quay.io/app", "quay.io", id="store"),
    pytest.param({"credsStore": "a"}, HUB, "https://index.docker.io/v1/", id="store for Docker Hub"),
    pytest.param({"credHelpers": {"quay.io": "a"}}, "quay.io/app", "quay.io", id="helper of a host"),
    pytest.param({"credHelpers": {"localhost:1": "a"}}, "localhost:1/app", "localhost:1", id="helper of a port"),
    pytest.param(
        {"credHelpers": {"https://index.docker.io/v1/": "a"}}, HUB, "https://index.docker.io/v1/", id="Docker Hub"
    ),
    pytest.param({"credHelpers": {"docker.io": "a"}}, HUB, "docker.io", id="Docker Hub as podman writes it"),
    pytest.param(
        {"credHelpers": {"quay.io": "a"}, "auths": {"quay.io": OTHER}},
        "quay.io/app",
        "quay.io",
        id="helper and login",
    ),
    pytest.param(
        {"credHelpers": {"quay.io": "a"}, "credsStore": "none"}, "quay.io/app", "quay.io", id="helper and store"
    ),
    pytest.param(
        {"credsStore": "a", "auths": {"quay.io": {}}}, "quay.io/app", "quay.io", id="store and empty login"
    ),
]


@pytest.mark.parametrize("content, name, server", SERVERS)
def test_helper_is_asked_for_the_server(tmp_path: Path, content: Any, name: str, server: str) -> None:
    helper(tmp_path, "a", PRINT_LOGIN)
    assert login(tmp_path, content, name) == FOUND
    assert (tmp_path / "bin/docker-credential-a.log").read_text(encoding="utf-8") == f"{server}\n"


def test_helper_returns_an_identity_token(tmp_path: Path) -> None:
    helper(tmp_path, "a", """echo '{"Username": "<token>", "Secret": "t"}'""")
    assert login(tmp_path, {"credsStore": "a"}) == Login(identity_token="t")


def test_helper_without_a_login_is_anonymous(tmp_path: Path) -> None:
    """The text comes from github.com/docker/docker-credential-helpers (credentials/error.go)."""
    helper(tmp_path, "a", "echo credentials not found in native keychain; exit 1")
    assert login(tmp_path, {"credsStore": "a"}) is None


@pytest.mark.parametrize(
    "end", [PRINT_LOGIN, 'read -r server; echo "$server" >> "$0.log"; exit 1'], ids=["login", "failure"]
)
def test_helper_runs_once_per_host(tmp_path: Path, end: str) -> None:
    helper(tmp_path, "a", f"sleep 0.2\n{end}")
    write(tmp_path / "config.json", {"credsStore": "a"})
    environment = {"DOCKER_CONFIG": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    credentials = Credentials(environment | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})

    def ask(name: str) -> None:
        with suppress(RegistryError):
            credentials.login(name)

    names = [f"{host}/app-{number}" for number in range(5) for host in ("quay.io", "ghcr.io")]
    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = (tmp_path / "bin/docker-credential-a.log").read_text(encoding="utf-8")
    assert sorted(log.split()) == ["ghcr.io", "quay.io"]


HELPERS = [
    pytest.param("exit 3", "docker-credential-a exited with status 3", id="failure"),
    pytest.param("echo secret; exit 1", "docker-credential-a exited with status 1", id="failure with output"),
    pytest.param("kill -9 $$", "docker-credential-a exited with status -9", id="crash"),
    pytest.param("sleep 60", "docker-credential-a did not answer in 1 seconds", id="hanging"),
    pytest.param(
        "sleep 60 & sleep 60", "docker-credential-a did not answer in 1 seconds", id="hanging with a child"
    ),
    pytest.param("echo secret", "docker-credential-a did not print a login as JSON", id="garbage"),
    pytest.param("printf '\\377\\376'", "docker-credential-a did not print a login as JSON", id="binary garbage"),
    pytest.param("true", "docker-credential-a did not print a login as JSON", id="nothing"),
    pytest.param("echo '[\"secret\"]'", "docker-credential-a did not print a login as JSON", id="list"),
    pytest.param(
        """echo '{"Username": "user"}'""", "docker-credential-a did not print a login as JSON", id="no secret"
    ),
    pytest.param(
        """echo '{"Username": "user", "Secret": 1}'""",
        "docker-credential-a did not print a login as JSON",
        id="secret that is a number",
    ),
]


@pytest.mark.parametrize("script, reason", HELPERS)
def test_helper_that_does_not_work_is_an_error(tmp_path: Path, script: str, reason: str) -> None:
    helper(tmp_path, "a", script)
    with pytest.raises(RegistryError) as caught:
        login(tmp_path, {"credsStore": "a"}, helper_timeout=1 if "sleep" in script else 20)
    assert str(caught.value) == f"cannot get the login for registry.example.com: {reason}"


def test_helper_that_is_not_installed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as caught:
        login(tmp_path, {"credsStore": "desktop"})
    reason = "cannot get the login for registry.example.com: docker-credential-desktop is not in PATH"
    assert str(caught.value) == reason


def test_helper_without_a_program_format_is_an_error(tmp_path: Path) -> None:
    program = write(tmp_path / "bin/docker-credential-a", "\0")
    program.chmod(0o755)
    with pytest.raises(RegistryError) as caught:
        login(tmp_path, {"credsStore": "a"})
    assert str(caught.value) == "cannot run docker-credential-a: Exec format error"


@pytest.mark.parametrize("name", ["../a", "a b", "/bin/a", ["a"]])
def test_invalid_name_of_helper_is_an_error(tmp_path: Path, name: Any) -> None:
    with pytest.raises(RegistryError) as caught:
        login(tmp_path, {"credsStore": name})
    assert str(caught.value) == "invalid name of a credential helper for registry.example.com"
