r"""Find image references inside a longer text, such as an argument, a script, a configuration file or JSON.

A run is a sequence of characters other than white space, quotes, brackets and `= , ; | < > & \`. A run that is a
reference is called a token. For example, `--image=a/b:1`, `3.9=a/b:1,3.8=a/b:2`, `["a/b:1"]` and `(a/b:1).`
contain tokens. In contrast, `x/a/b:1`, `/a/b:1/` and `https://h/a/b:1` do not contain the token `a/b:1`. A run
with a placeholder in it is not a token: `a/b:${TAG}`, `$(REG)/a/b:1`, `a/b:{{ .tag }}`, `a/b:<tag>`.

A run that is only a placeholder can contain a token: as a whole string in a template expression (`{{ .img |
default "a/b:1" }}`), or as the default of a variable (`${IMG:-a/b:1}`). If an expression joins strings (`printf
"%s/%s" .reg "b:1"`), its strings are only parts of references. In a placeholder, a string without a tag and digest
is ignored, because it might be only a part of a reference.

Some valid references are not images. A single word (the command `nginx`, the value of `app=nginx`), a key before
`=`, the names of labels and annotations of Kubernetes and Istio, and a kind with its API version are ignored.
`nginx:80` is ambiguous, because it can be a host with a port. Therefore a text is searched only if the user
requests it, and a token is set only if the configuration contains its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from krm_image_setter.images.reference import Reference, parse_reference
from krm_image_setter.typed import Final, Record


class Token(Record):
    """A reference and its span in code points: `text[start:end] == str(reference)`."""

    start: int
    end: int
    reference: Reference


def find_tokens(text: str) -> Iterator[Token]:
    """Yield the references in `text`, in order."""
    return iter(_tokens(text))


# `list --unknown` searches a text up to ten times, which took a quarter of the time for the files of Calico.
@lru_cache(maxsize=16)
def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for match in _RUN.finditer(text):
        run = match[0]
        if text.startswith("=", match.end()):
            continue
        if run.startswith(("{{", "${")):
            for start, inner in _strings(run):
                token = _token(match.start() + start, inner)
                if token is not None and token.reference != Reference(token.reference.name):
                    found.append(token)
            continue
        token = _token(match.start(), run.rstrip(_SENTENCE_ENDS))
        if token is not None:
            found.append(token)
    return found


def is_name(reference: Reference) -> bool:
    """Return whether a reference is the name of a label or annotation, or of a kind with its API version.

    Examples: `status.sidecar.istio.io/port`, `kubernetes.io/os:linux`, `messaging.knative.dev/v1:Channel`.
    """
    host = reference.name.partition("/")[0]
    is_label = f".{host}".endswith((".kubernetes.io", ".istio.io")) and host != _ISTIO_REGISTRY
    return is_label or _API_KIND.fullmatch(str(reference)) is not None


# Istio publishes its images in this registry.
_ISTIO_REGISTRY: Final = "registry.istio.io"
_API_KIND: Final = re.compile(r"[^/]+/v[0-9]+(?:(?:alpha|beta)[0-9]+)?:[A-Z][A-Za-z]*")


def _token(start: int, run: str) -> Token | None:
    """Return the token in a run, without its scheme. Return None if the run is not a reference."""
    # Most runs are single words. Testing them first halves the time of this function.
    if ":" not in run and "/" not in run and "@" not in run:
        return None
    scheme = next((scheme for scheme in _SCHEMES if run.startswith(scheme)), "") if "://" in run else ""
    candidate = run[len(scheme) :]
    reference = parse_reference(candidate)
    start += len(scheme)
    if reference is None or is_name(reference):
        return None
    return Token(start, start + len(candidate), reference)


def _strings(placeholder: str) -> Iterator[tuple[int, str]]:
    """Yield the strings that can be the value of a placeholder, each with its offset in the placeholder."""
    default = _DEFAULT.fullmatch(placeholder)
    if default is not None:
        yield default.start("text"), default["text"]
    if _EXPRESSIONS.fullmatch(placeholder) is None:
        return
    # Control expressions such as `{{ if .dev }}` print nothing. If two expressions print, their texts are joined.
    printing = [found for found in _EXPRESSION.finditer(placeholder) if not _CONTROL.match(found[0])]
    if len(printing) == 1 and not _JOINING.search(_QUOTED.sub("", printing[0][0])):
        for string in _STRING.finditer(placeholder, *printing[0].span()):
            yield string.start("text"), string["text"]


# skopeo, podman, buildx, Helm and the kubelet (in `imageID`) write these schemes before a reference.
_SCHEMES: Final = ("docker://", "oci://", "docker-pullable://", "docker-image://")
_SENTENCE_ENDS: Final = ".!?"
# The time is linear, because each alternative starts with a different character and ends before the next one.
_RUN: Final = re.compile(
    r"(?:[^\s\"'`=,;|&\\$()\[\]{}<>]+"
    r"|\$(?:\{[^\s$(){}]*\}|\([^\s$(){}]*\))?"  # Examples: ${TAG}, $(TAG), $TAG
    r"|\{(?:\{[^{}]*\}|\w*)\}"  # Examples: {{ .tag }}, {TAG}
    r"|<(?P<tag>[\w-]*)>(?![^<>]*</(?P=tag)>)"  # Example: <tag>, but not the XML element <image>a/b:1</image>
    r"|\[[0-9a-fA-F]*:[0-9a-fA-F:]*\](?=[:/]))+"  # Example: [::1]:5000/a
)
_STRING: Final = re.compile(r"(?P<quote>\\?[\"'`])(?P<text>[^\s\"'`\\]+)(?P=quote)")
_DEFAULT: Final = re.compile(r"\$\{\w+:?[-=+](?P<quote>\\?[\"'`]|)(?P<text>[^\s\"'`\\]+)(?P=quote)\}")
# This pattern matches an expression of Go, Helm, Jinja or GitHub Actions.
_EXPRESSION: Final = re.compile(r"\$?\{\{[^{}]*\}\}")
_EXPRESSIONS: Final = re.compile(rf"(?:{_EXPRESSION.pattern})+")
_CONTROL: Final = re.compile(r"\{\{-?\s*(?:if|else|end|with|range)\b")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_JOINING: Final = re.compile(r"\b(?:print(?:f|ln)?|cat|join|concat|append|format|replace)\b|[~+%]")
