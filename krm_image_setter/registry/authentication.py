"""Answers the authentication challenges of registries: Basic, and Bearer with a token for each repository.

https://distribution.github.io/distribution/spec/auth/ describes the protocols (pages `token` and `oauth`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.client import Client
from krm_image_setter.registry.connections import Response
from krm_image_setter.registry.credentials import Credentials, Login
from krm_image_setter.typed import Final, Record

_CLIENT: Final = "krm-image-setter"
# Matches a parameter (name, quoted value, plain value), or the name of a scheme.
_CHALLENGE: Final = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w-]+)', re.ASCII)


class Account(Record):
    """The repository that a login is for. `host` serves `domain`: `registry-1.docker.io` serves `docker.io`."""

    host: str
    domain: str
    path: str

    @property
    def name(self) -> str:
        """The normalized name, such as `docker.io/library/nginx`. Logins are looked up by this name."""
        return f"{self.domain}/{self.path}"


class Authentication:
    """The challenges and tokens of all registries. Tokens are kept in memory only."""

    def __init__(self, client: Client, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials
        self._challenges: dict[str, dict[str, Mapping[str, str]]] = {}
        self._headers: dict[str, str] = {}
        self._rejected: set[tuple[str, Login]] = set()

    def header(self, account: Account) -> str | None:
        """Return the header `Authorization` for a repository, or None if its host has sent no challenge yet."""
        if account.name not in self._headers and account.host in self._challenges:
            self._headers[account.name] = self._answer(account)
        return self._headers.get(account.name)

    def challenged(self, account: Account, response: Response) -> str | None:
        """Return a new header after a response with status 401, or None if the response has no known challenge.

        Raises RegistryError if the login cannot be read, or if the token service does not issue a token.
        """
        challenges = read_challenges(response.headers.get("WWW-Authenticate", ""))
        self._headers.pop(account.name, None)
        if not challenges.keys() & {"basic", "bearer"}:
            return None
        self._challenges[account.host] = challenges
        return self.header(account)

    def denied(self, account: Account) -> None:
        """Handle a registry that did not accept the header. Raises RegistryError if the login is wrong."""
        login = self._credentials.login(account.name)
        if login is not None and self._headers.get(account.name) == f"Basic {_encoded(login)}":
            raise self._rejection(account, login)

    def _rejection(self, account: Account, login: Login) -> RegistryError:
        """Return the error for a wrong login. The login is not sent again, because that could lock the account."""
        self._rejected.add((account.host, login))
        return RegistryError(
            f"{account.domain} did not accept the login; run `docker login {account.domain}` again"
        )

    def _answer(self, account: Account) -> str:
        login = self._credentials.login(account.name)
        if login is not None and (account.host, login) in self._rejected:
            raise self._rejection(account, login)
        challenges = self._challenges[account.host]
        if "bearer" in challenges:
            if login is not None and login.registry_token:
                return f"Bearer {login.registry_token}"
            return f"Bearer {self._token(account, challenges['bearer'], login)}"
        if login is None or not login.username:
            raise RegistryError(f"{account.domain} requires a login; run `docker login {account.domain}`")
        return f"Basic {_encoded(login)}"

    def _token(self, account: Account, challenge: Mapping[str, str], login: Login | None) -> str:
        # Do not use the scope of the challenge: a registry must not get a token for another repository.
        query = {"scope": f"repository:{account.path}:pull"}
        if challenge.get("service"):
            query["service"] = challenge["service"]
        realm = challenge.get("realm", "")
        if login is not None and login.identity_token:
            query |= {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": login.identity_token}
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            response = self._client.send("POST", realm, form, urlencode(query).encode())
        else:
            header = {} if login is None else {"Authorization": f"Basic {_encoded(login)}"}
            separator = "&" if "?" in realm else "?"
            response = self._client.send("GET", f"{realm}{separator}{urlencode(query)}", header)
        if response.status in (400, 401, 403):
            if login is None:
                raise RegistryError(f"{account.domain} requires a login; run `docker login {account.domain}`")
            if response.status != 403:
                raise self._rejection(account, login)
            raise RegistryError(
                f"{account.domain} denies access or has no such image; check the name and the login"
            )
        if response.status != 200:
            raise RegistryError(f"the token service {response.host} answered with status {response.status}")
        content = response.json()
        tokens = [content.get(field) for field in ("token", "access_token")] if isinstance(content, dict) else []
        for token in tokens:
            if isinstance(token, str) and re.fullmatch(r"[!-~]+", token):
                return token
        raise RegistryError(f"the token service {response.host} did not send a token")


def read_challenges(header: str) -> dict[str, Mapping[str, str]]:
    """Return the parameters of each scheme in a header `WWW-Authenticate` (RFC 9110, section 11.6.1)."""
    challenges: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    for name, quoted, plain, scheme in _CHALLENGE.findall(header):
        if scheme:
            parameters = challenges.setdefault(scheme.lower(), {})
        else:
            parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or plain
    return dict(challenges)


def _encoded(login: Login) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
