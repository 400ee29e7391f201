"""Finds the login for an image in the files of docker and podman, and in the credential helpers in these files.

The format of `config.json` and of the programs `docker-credential-NAME` comes from github.com/docker/cli and
github.com/docker/docker-credential-helpers. The order of the files and of the keys in them comes from
containers-auth.json(5), which podman, skopeo and buildah follow.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping

from krm_image_setter.images.reference import HUB
from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.typed import Any, Final, Record

# `docker login` without a host writes this key, and docker passes it to credential helpers.
_HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB_HOSTS: Final = (HUB, "index.docker.io", "registry-1.docker.io")
# Helpers write this text and exit with 1 if they have no login for a host.
_NOT_FOUND: Final = "credentials not found in native keychain"
# If a helper returns this user name, the secret is an identity token.
_TOKEN_NAME: Final = "<token>"  # noqa: S105  (it is the name of a user)
_SECONDS_FOR_HELPER: Final = 30


class Login(Record):
    """A login for a registry. A field is empty if the file or the helper does not contain it.

    An identity token is exchanged for a token of the registry. A registry token is sent unchanged.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        # Keep the secrets out of messages.
        return "Login()"


class Credentials:
    """The logins of a user. The files are read when the first login is looked up. A helper runs once per host.

    All threads can use this object. Only one helper runs at a time, because helpers can ask for a password.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, helper_timeout: float = _SECONDS_FOR_HELPER
    ) -> None:
        self._environment = environment
        self._helper_timeout = helper_timeout
        self._lock = threading.Lock()
        self._files: list[tuple[str, dict[str, Any]]] | None = None
        # The answer of each helper for each server: a login, None for no login, or an error message.
        self._helpers: dict[tuple[str, str], Login | str | None] = {}

    def login(self, name: str) -> Login | None:
        """Return the login for a normalized name such as `docker.io/library/nginx`, or None for anonymous access.

        The first file with a login is used, and in it the login for the longest part of the name. Raises
        RegistryError if a file cannot be read, or if a helper fails. Messages contain no login or helper output.
        """
        with self._lock:
            if self._files is None:
                self._files = list(_read_files(self._environment))
            logins = (self._login_in(file, content, name) for file, content in self._files)
            return next((login for login in logins if login is not None), None)

    def _login_in(self, file: str, content: Mapping[str, Any], name: str) -> Login | None:
        helpers = _mapping(content, "credHelpers", file)
        auths = _mapping(content, "auths", file)
        hosts = {_without_scheme(key): key for key in auths}
        for key in _keys(name):
            if key in helpers:
                return self._ask_helper(helpers[key], key)
            for spelling in dict.fromkeys((key, hosts.get(key, key))):
                login = _decoded(auths[spelling], file, spelling) if spelling in auths else None
                if login is not None:
                    return login
        if content.get("credsStore"):
            host = name.partition("/")[0]
            return self._ask_helper(content["credsStore"], _HUB_KEY if host == HUB else host)
        return None

    def _ask_helper(self, helper: Any, server: str) -> Login | None:
        if not isinstance(helper, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", helper, re.ASCII):
            raise RegistryError(f"invalid name of a credential helper for {server}")
        if (helper, server) not in self._helpers:
            try:
                answer = _helper_login(helper, server, self._environment.get("PATH"), self._helper_timeout)
                self._helpers[helper, server] = answer
            except RegistryError as error:
                self._helpers[helper, server] = error.message
        found = self._helpers[helper, server]
        if isinstance(found, str):
            raise RegistryError(found)
        return found


def _read_files(environment: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in _file_names(environment):
        try:
            with open(file, encoding="utf-8") as opened:
                content = json.load(opened)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RegistryError(f"cannot read {file}: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise RegistryError(f"cannot read {file}: not valid JSON") from None
        if not isinstance(content, dict):
            raise RegistryError(f"cannot read {file}: expected a JSON object")
        yield file, content


def _file_names(environment: Mapping[str, str]) -> Iterator[str]:
    home = environment.get("HOME") or os.path.expanduser("~")
    # If XDG_RUNTIME_DIR is not set, podman uses a directory with the user ID. Windows has no user IDs.
    user = os.getuid() if hasattr(os, "getuid") else ""
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/containers/{user}"
    config = environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    docker = environment.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    if environment.get("REGISTRY_AUTH_FILE"):
        yield environment["REGISTRY_AUTH_FILE"]
    yield os.path.join(runtime, "containers", "auth.json")
    yield os.path.join(config, "containers", "auth.json")
    yield os.path.join(docker, "config.json")


def _keys(name: str) -> Iterator[str]:
    """Return the keys that the login for a name can have: first the whole name, last the host."""
    host, _, path = name.partition("/")
    while path:
        yield f"{host}/{path}"
        path = path.rpartition("/")[0]
    if host in _HUB_HOSTS:
        yield _HUB_KEY
        yield from _HUB_HOSTS
    else:
        yield host


def _without_scheme(key: str) -> str:
    """Return the host of a key. Older clients wrote a URL as the key, such as `https://quay.io/v1/`."""
    scheme, separator, rest = key.partition("://")
    return rest.partition("/")[0] if separator and scheme in ("https", "http") else key


def _decoded(entry: Any, file: str, key: str) -> Login | None:
    """Decode an entry of `auths`. Return None if the entry is empty, because a helper has the login."""
    if not isinstance(entry, dict):
        raise RegistryError(f"cannot read {file}: expected a JSON object for {key}")
    texts = {field: text for field, text in entry.items() if isinstance(text, str)}
    username, password = texts.get("username", ""), texts.get("password", "")
    if texts.get("auth"):
        try:
            decoded = base64.b64decode(texts["auth"], validate=True).decode()
        except ValueError:
            raise RegistryError(f"cannot read {file}: `auth` of {key} is not valid base64") from None
        username, _, password = decoded.partition(":")
        # Old versions of docker padded the password with zero bytes, and docker still removes them.
        password = password.strip("\x00")
    login = Login(username, password, texts.get("identitytoken", ""), texts.get("registrytoken", ""))
    return login if any(login) else None


def _helper_login(helper: str, server: str, path: str | None, timeout: float) -> Login | None:
    program = f"docker-credential-{helper}"
    found = shutil.which(program, path=path)
    if found is None:
        raise RegistryError(f"cannot get the login for {server}: {program} is not in PATH")
    try:
        ran = subprocess.run(  # noqa: S603  (the user's own configuration names it)
            [found, "get"], input=server.encode(), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise RegistryError(
            f"cannot get the login for {server}: {program} did not answer in {timeout:g} seconds"
        ) from None
    except OSError as error:
        raise RegistryError(f"cannot run {program}: {error.strerror}") from None
    output = ran.stdout.decode("utf-8", "replace")
    if ran.returncode != 0:
        if _NOT_FOUND in output:
            return None
        raise RegistryError(f"cannot get the login for {server}: {program} exited with status {ran.returncode}")
    try:
        answer = json.loads(output)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, RecursionError, TypeError, KeyError):
        username = secret = None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise RegistryError(f"cannot get the login for {server}: {program} did not print a login as JSON")
    return Login(identity_token=secret) if username == _TOKEN_NAME else Login(username, secret)


def _mapping(content: Mapping[str, Any], field: str, file: str) -> Mapping[str, Any]:
    value = content.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RegistryError(f"cannot read {file}: expected a JSON object in `{field}`")
    return value
