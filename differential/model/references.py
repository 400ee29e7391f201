"""Parses image references with the grammar of https://github.com/distribution/reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_LABEL: Final = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST: Final = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?",
    re.ASCII,
)
_TOKEN: Final = re.compile(
    r"""(?:docker://|oci://)?(?P<reference>(?:\[[0-9a-fA-F:]+\])?[^\s"'`=,;(){}<>|\[\]\\]+)"""
)


class Reference(NamedTuple):
    """An image reference. `name` keeps the spelling of the text. Missing parts are empty."""

    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference | None:
    """Return the reference that is the whole of `text`, or None if `text` is not one."""
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match["name"]) > 255 or re.fullmatch("[0-9a-f]{64}", match["name"]):
        return None
    return Reference(match["name"], match["tag"] or "", match["digest"] or "")


def is_marked(reference: Reference) -> bool:
    """Return whether a reference is more than a single word.

    configuration.md: "With `as: text`, a reference must contain a tag, a digest or a slash".
    """
    return bool(reference.tag or reference.digest or "/" in reference.name)


def normalized(name: str) -> str:
    """Return the complete spelling of a name, such as `docker.io/library/nginx`.

    README.md: "As in Docker, `nginx`, `library/nginx` and `docker.io/library/nginx` are the same image."
    SECURITY.md: "Only Docker Hub has several hosts, such as `index.docker.io`."
    """
    host, path = host_and_path(name)
    if host in ("", "docker.io", "index.docker.io"):
        return f"docker.io/{path}" if "/" in path else f"docker.io/library/{path}"
    return name


def familiar(name: str) -> str:
    """Return the shortest spelling of a name, such as `nginx` for `docker.io/library/nginx`."""
    return normalized(name).removeprefix("docker.io/").removeprefix("library/")


def host_and_path(name: str) -> tuple[str, str]:
    """Split a name into its registry host and its path. The host is empty if the name has none."""
    host, slash, path = name.partition("/")
    return (host, path) if slash and (re.search("[.:A-Z]", host) or host == "localhost") else ("", name)


def tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each reference in a longer text.

    configuration.md: "An image reference must be a whole token, such as in `--image=quay.io/org/app:1`,
    `docker://nginx:1` and `oci://nginx:1`."
    """
    for match in _TOKEN.finditer(text):
        reference = parse(match["reference"])
        if reference is not None and is_marked(reference):
            yield match.span("reference")


def is_apart(text: str, start: int, end: int) -> bool:
    """Return whether a reference in a text is clearly a whole token. The documentation does not define tokens.

    On both sides of a token is white space, the end of the text, a comma, or the same quote. Before it can also be
    `=`. In a nested string, a backslash is before both quotes.
    """
    before = re.sub(r"(?:docker|oci)://$", "", text[:start])[-1:]
    after = text[end : end + 1]
    if before in ("'", '"') or after in ("'", '"', "\\"):
        return before == after.replace("\\", text[end + 1 : end + 2])
    return (before in ("", "=", ",") or before.isspace()) and (after in ("", ",") or after.isspace())


def whole(text: str) -> tuple[int, int]:
    """Return the start and the end of a text, without the white space around it.

    peers.md, R26: "set `newTag` 2 in ` nginx:1 `, which begins and ends with a space | ` nginx:2 `".
    """
    start = len(text) - len(text.lstrip())
    return start, max(start, len(text.rstrip()))
