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

The grammar comes from reference.go and regexp.go in https://github.com/distribution/reference. Domains, familiar
names (`nginx` for `docker.io/library/nginx`) and image IDs (64 hex digits) follow the rules in normalize.go, as in
Docker. A digest can have any algorithm and length that the grammar allows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import Final, Record

HUB: Final = "docker.io"
HUB_NAMES: Final = (HUB, "index.docker.io")
_OFFICIAL: Final = "library/"
# The maximum length of the path of a normalized name, in characters.
_PATH_LENGTH: Final = 255

# Each pattern uses one loop for all separators, including "." in a domain and "/" in a path. `re` compiles one
# loop faster than two nested loops. A text can match in only one way, so even a malicious text takes linear time.
_DOMAIN: Final = r"(?:[a-zA-Z0-9]+(?:(?:\.|-+)[a-zA-Z0-9]+)*|\[[a-fA-F0-9]*:[a-fA-F0-9:]*\])(?::[0-9]+)?"
_PATH: Final = r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
_TAG: Final = r"\w[\w.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(rf"((?:{_DOMAIN}/)?{_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?", re.ASCII)
_IDENTIFIER_LENGTH: Final = 64
TAG_RULE: Final = 'a tag has up to 128 letters, digits, "_", "." or "-", and does not start with "." or "-"'
DIGEST_RULE: Final = "expected sha256: and 64 hex digits"


class InvalidReference(ImageSetterError):  # noqa: N818  (ReferenceError is Python's)
    """A text is not a valid reference, or not a valid part of a reference."""


class Reference(Record):
    """An image reference, split into parts. `name` is not normalized, so `str` returns the original text."""

    name: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return self.name + tag + digest

    @property
    def domain(self) -> str:
        """The host and port of the registry; `docker.io` if the name has no registry."""
        return _split(self.name)[0]

    @property
    def path(self) -> str:
        """The normalized name without its domain: `library/nginx`."""
        return _split(self.name)[1]

    @property
    def original_path(self) -> str:
        """The original name without its domain: `nginx` for `index.docker.io/nginx`, not `library/nginx`."""
        first, _, rest = self.name.partition("/")
        return rest if rest and (first == self.domain or first in HUB_NAMES) else self.name

    @property
    def normalized(self) -> Reference:
        """The reference with its normalized name. It is equal for all spellings of the name."""
        return self._replace(name=self.normalized_name)

    @property
    def normalized_name(self) -> str:
        """The name with its domain and full path: `docker.io/library/nginx`."""
        return "/".join(_split(self.name))

    @property
    def familiar(self) -> Reference:
        """The reference with the shortest form of its name: `nginx:1` for `docker.io/library/nginx:1`."""
        return self._replace(name=self.familiar_name)

    @property
    def familiar_name(self) -> str:
        """The shortest form of the name: `nginx` for `docker.io/library/nginx`."""
        domain, path = _split(self.name)
        if domain != HUB:
            return f"{domain}/{path}"
        short = path.removeprefix(_OFFICIAL)
        return path if "/" in short else short


@lru_cache(maxsize=4096)
def parse_reference(text: str) -> Reference | None:
    """Parse a reference. Return None if `text` is not valid, such as the placeholder `nginx:${TAG}`."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    name, tag, digest = match.groups()
    if _is_too_long(name) or _is_identifier(text):
        return None
    return Reference(name, tag, digest)


def check_reference(text: str) -> Reference:
    """Parse a reference. Raises InvalidReference with the reason if `text` is not valid."""
    reference = parse_reference(text)
    if reference is not None:
        return reference
    if not text:
        raise InvalidReference("image reference is empty")
    raise InvalidReference(f'invalid image reference "{text}": {explain(text)}')


def has_placeholder(text: str) -> bool:
    """Return whether a text contains a variable or a template expression, such as `nginx:${TAG}`."""
    return "$" in text or "{{" in text


def is_invalid(text: str) -> bool:
    """Return whether a text is not a reference, and no tool makes it one. ko replaces names with `ko://`."""
    return not (parse_reference(text) or has_placeholder(text) or text.startswith("ko://"))


def explain(text: str) -> str:
    """Return the reason why a text is not a valid reference. The reason does not contain the text."""
    if _is_identifier(text):
        return "64 hex digits are an image ID, not a name"
    if text != text.strip():
        return "remove the surrounding white space"
    if has_placeholder(text):
        return "it contains a variable that was not expanded"
    if "://" in text:
        return "remove the scheme"
    if parse_reference(text.lower()) is not None:
        return "the name must be lowercase"
    match = _REFERENCE.fullmatch(text)
    if match is not None and _is_too_long(match[1]):
        return f"the name is longer than {_PATH_LENGTH} characters"
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest) and parse_reference(rest) is not None:
        return f"invalid digest; {DIGEST_RULE}"
    name, colon, tag = rest.rpartition(":")
    if colon and "/" not in tag and not is_tag(tag) and parse_reference(name) is not None:
        return f"invalid tag; {TAG_RULE}"
    return "expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1"


def is_tag(text: str) -> bool:
    """Return whether `text` is a valid tag."""
    return re.fullmatch(_TAG, text, re.ASCII) is not None


def is_digest(text: str) -> bool:
    """Return whether `text` is a valid digest."""
    return re.fullmatch(_DIGEST, text, re.ASCII) is not None


def _is_too_long(name: str) -> bool:
    return len(name) > _PATH_LENGTH - len(_OFFICIAL) and len(_split(name)[1]) > _PATH_LENGTH


def _is_identifier(text: str) -> bool:
    # Docker reads 64 hex digits as an image ID, not as the name of an image on Docker Hub.
    return len(text) == _IDENTIFIER_LENGTH and not text.strip("0123456789abcdef")


@lru_cache(maxsize=4096)
def _split(name: str) -> tuple[str, str]:
    """Return the domain and path of the normalized name (splitDockerDomain in normalize.go)."""
    first, slash, rest = name.partition("/")
    # A host contains a dot, a port or a capital letter, or is "localhost". Anything else is part of the path.
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        first, rest = HUB, name
    if first in HUB_NAMES:
        return HUB, rest if "/" in rest else _OFFICIAL + rest
    return first, rest
