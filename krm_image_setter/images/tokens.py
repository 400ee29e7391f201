r"""References as whole tokens inside a longer text: arguments, scripts, configuration files, JSON.

A token is a maximal run of what is no white space, quote, bracket or one of `= , ; | < > & \`. So `--image=a/b:1`,
`3.9=a/b:1,3.8=a/b:2`, `["a/b:1"]` and `(a/b:1).` hold references, and `a/b:1` is not found in `x/a/b:1`, `/a/b:1/`
or `https://h/a/b:1`. A placeholder is part of the run that it touches, which is no reference then: `a/b:${TAG}`,
`$(REG)/a/b:1`, `a/b:{{ .tag }}`, `a/b:<tag>`.

Not every token that reads as a reference is one. What has neither tag nor digest, slash nor scheme is a word (a
command `nginx`, a label `app=nginx`), and what stands before `=` is a key: both are left. `nginx:80` may still be
a host and its port; nobody can tell, so the search is for known names only, and only for who asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from krm_image_setter.images.reference import Reference, parse_reference


class Token(NamedTuple):
    """A reference and where it stands, in code points: `text[start:end] == str(reference)`."""

    start: int
    end: int
    reference: Reference


def find_tokens(text: str) -> Iterator[Token]:
    """Yield the references in `text`, in order."""
    for match in _RUN.finditer(text):
        run = match[0]
        scheme = next((scheme for scheme in _SCHEMES if run.startswith(scheme)), "")
        candidate = run[len(scheme) :].rstrip(_SENTENCE_ENDS)
        if not scheme and ":" not in candidate and "/" not in candidate and "@" not in candidate:
            continue
        if text.startswith("=", match.end()):
            continue
        reference = parse_reference(candidate)
        if reference is not None:
            start = match.start() + len(scheme)
            yield Token(start, start + len(candidate), reference)


# How container tools write where an image comes from (skopeo and podman, buildx, Helm, the kubelet's imageID).
_SCHEMES: Final = ("docker://", "oci://", "docker-pullable://", "docker-image://")
_SENTENCE_ENDS: Final = ".!?"
# Each alternative starts with another character, and none reads on beyond what can start one: linear time.
_RUN: Final = re.compile(
    r"(?:[^\s\"'`=,;|&\\$()\[\]{}<>]+"
    r"|\$(?:\{[^\s$(){}]*\}|\([^\s$(){}]*\))?"  # ${TAG}, $(TAG), $TAG
    r"|\{(?:\{[^{}]*\}|\w*)\}"  # {{ .tag }}, {TAG}
    r"|<[\w-]*>"  # <tag>
    r"|\[[0-9a-fA-F]*:[0-9a-fA-F:]*\](?=[:/]))+"  # [::1]:5000/a
)
