r"""References to container images, as `distribution/reference` defines them.

    reference      := name [ ":" tag ] [ "@" digest ]
    name           := [ domain "/" ] path
    domain         := host [ ":" port ]
    host           := domain-name | "[" IPv6-address "]"
    domain-name    := domain-component { "." domain-component }
    path           := path-component { "/" path-component }
    path-component := alpha-numeric { separator alpha-numeric }
    alpha-numeric  := /[a-z0-9]+/
    separator      := /[_.]|__|[-]+/
    tag            := /\w[\w.-]{0,127}/
    digest         := algorithm ":" /[0-9a-fA-F]{32,}/
    algorithm      := component { /[+._-]/ component },  component := /[A-Za-z][A-Za-z0-9]*/

Grammar: https://github.com/distribution/reference, reference.go and regexp.go. What Docker Hub adds to it (the
familiar `nginx` is `docker.io/library/nginx`, 64 hex digits are an image ID): normalize.go there. A domain is what
Docker takes for one, `distribution/reference`'s `Parse` has another idea of it. A digest may be of any algorithm
and length that the grammar has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from krm_image_setter.errors import ImageSetterError

HUB: Final = "docker.io"
HUB_NAMES: Final = (HUB, "index.docker.io")
_OFFICIAL: Final = "library/"
_PATH_LENGTH: Final = 255  # of the normalized form

# "." in a domain and "/" in a path stand where a separator may: one loop each says it, and compiles
# faster. No two ways lead through the same text, so hostile text takes linear time.
_DOMAIN: Final = r"(?:[a-zA-Z0-9]+(?:(?:\.|-+)[a-zA-Z0-9]+)*|\[[a-fA-F0-9]*:[a-fA-F0-9:]*\])(?::[0-9]+)?"
_PATH: Final = r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
_TAG: Final = r"\w[\w.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(
    rf"((?:{_DOMAIN}/)?{_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?",
    re.ASCII,
)
_IDENTIFIER_LENGTH: Final = 64
TAG_RULE: Final = 'letters, digits, "_", "." and "-", 128 at most'


class InvalidReference(ImageSetterError):  # noqa: N818  (ReferenceError is Python's)
    """A text that must be a reference, or a part of one, is none."""


class Reference(NamedTuple):
    """A reference in its parts; `name` is spelt as its author spelt it. `str` gives back the text."""

    name: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return self.name + tag + digest

    @property
    def domain(self) -> str:
        """The registry's host and port: `docker.io` where the name has none."""
        return _split(self.name)[0]

    @property
    def path(self) -> str:
        """The name without its domain, in full: `library/nginx`."""
        return _split(self.name)[1]

    @property
    def spelled_path(self) -> str:
        """The name without its domain, as its author wrote it: `nginx` of `index.docker.io/nginx`."""
        first, _, rest = self.name.partition("/")
        return rest if rest and (first == self.domain or first in HUB_NAMES) else self.name

    @property
    def normalized_name(self) -> str:
        """The one name of all spellings: `docker.io/library/nginx`."""
        return "/".join(_split(self.name))

    @property
    def familiar(self) -> Reference:
        """The reference with its familiar name."""
        return self._replace(name=self.familiar_name)

    @property
    def familiar_name(self) -> str:
        """The shortest spelling: `nginx`."""
        domain, path = _split(self.name)
        if domain != HUB:
            return f"{domain}/{path}"
        short = path.removeprefix(_OFFICIAL)
        return path if "/" in short else short


@lru_cache(maxsize=4096)
def parse_reference(text: str) -> Reference | None:
    """Return the reference that `text` is, or None: a placeholder such as `nginx:${TAG}` is no reference."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    name, tag, digest = match.groups()
    if _is_too_long(name) or _is_identifier(text):
        return None
    return Reference(name, tag, digest)


def check_reference(text: str) -> Reference:
    """Return the reference that `text` is. Raises InvalidReference, which says what is wrong with it."""
    reference = parse_reference(text)
    if reference is not None:
        return reference
    if not text:
        raise InvalidReference("a reference is missing: give one such as nginx:1.25")
    raise InvalidReference(f'"{text}" is no reference: {explain(text)}')


def explain(text: str) -> str:
    """Return what is wrong with a text that is not a reference, without the text itself."""
    if _is_identifier(text):
        return "64 hex digits are an image ID, give a name"
    if text != text.strip():
        return "white space stands around it"
    if "://" in text:
        return "give it without the scheme"
    if parse_reference(text.lower()) is not None:
        return "the name must be in lower case"
    match = _REFERENCE.fullmatch(text)
    if match is not None and _is_too_long(match[1]):
        return f"its name is too long, {_PATH_LENGTH} characters are the most"
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest) and parse_reference(rest) is not None:
        return "its digest must be like sha256: and 64 hex digits"
    name, colon, tag = rest.rpartition(":")
    if colon and "/" not in tag and not is_tag(tag) and parse_reference(name) is not None:
        return f"its tag must be {TAG_RULE}"
    return "give one such as nginx, quay.io/org/app:1 or app@sha256:…"


def is_tag(text: str) -> bool:
    """Say whether `text` is a valid tag."""
    return re.fullmatch(_TAG, text, re.ASCII) is not None


def is_digest(text: str) -> bool:
    """Say whether `text` is a valid digest."""
    return re.fullmatch(_DIGEST, text, re.ASCII) is not None


def _is_too_long(name: str) -> bool:
    return len(name) > _PATH_LENGTH - len(_OFFICIAL) and len(_split(name)[1]) > _PATH_LENGTH


def _is_identifier(text: str) -> bool:
    # 64 hex digits are an image ID to Docker, not a name on the Hub.
    return len(text) == _IDENTIFIER_LENGTH and not text.strip("0123456789abcdef")


@lru_cache(maxsize=4096)
def _split(name: str) -> tuple[str, str]:
    """Return domain and path of the normalized form (splitDockerDomain in normalize.go)."""
    first, slash, rest = name.partition("/")
    # Only a dot, a port, a capital letter or the word itself tells a host from the first part of a path.
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        first, rest = HUB, name
    if first in HUB_NAMES:
        return HUB, rest if "/" in rest else _OFFICIAL + rest
    return first, rest
