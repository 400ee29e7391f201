"""A row of what a peer's tests check, as a test of ours: configuration and manifest in, changed lines out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import pytest

from krm_image_setter import ConfigError, read_config, set_images

D: Final = "sha256:" + "0123456789abcdef" * 4
E: Final = "sha256:" + "fedcba9876543210" * 4
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Row(NamedTuple):
    """One behaviour.

    `changes` maps a line of the manifest (without indentation and dash) to what it becomes; every line like it
    becomes that, and every other stays. A new line within the new text stands below, in the same column.
    `said` are words of the results, `error` words of the ConfigError. `why` says why the peer differs: None where
    it does the same.
    """

    name: str
    config: str
    manifest: str
    changes: Mapping[str, str] = NOTHING
    said: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    why: str | None = None


def check(row: Row) -> None:
    """Assert that we do what the row says."""
    after = changed(row.manifest, row.changes)
    if row.error:
        with pytest.raises(ConfigError) as caught:
            set_images(row.manifest, read_config(row.config))
        words = "\n".join(caught.value.sentences)
    else:
        outcome = set_images(row.manifest, read_config(row.config))
        assert outcome.text == after, row.why
        words = "\n".join(map(str, outcome.results))
    missing = [word for word in (*row.said, *row.error) if word not in words]
    assert not missing, f"{missing} not in: {words}"


def changed(manifest: str, changes: Mapping[str, str]) -> str:
    """Return the manifest with its lines changed; each change must be of a line that is there."""
    lines: list[str] = []
    found: set[str] = set()
    for line in manifest.splitlines(keepends=True):
        content = line.strip().removeprefix("- ")
        new = line
        if content in changes:
            found.add(content)
            blank = "\n" + " " * line.index(content)
            new = line.replace(content, changes[content].replace("\n", blank))
        lines.append(new)
    assert found == changes.keys(), "the row changes a line that is not there"
    return "".join(lines)


def setter(body: str) -> str:
    """Return an ImageSetter that knows no more than it says."""
    return f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\ncatalog: false\n{body}\n"


def images(*entries: str) -> str:
    """Return an ImageSetter with these entries of `images`, each the inside of a flow mapping."""
    return setter("images:\n" + "".join(f"- {{{entry}}}\n" for entry in entries))


def kinds(entry: str, *paths: str, image: str) -> str:
    """Return an ImageSetter with one entry of `images` and one of `kinds`, each the inside of a flow mapping."""
    listed = "".join(f"  - {path}\n" for path in paths)
    return setter(f"images:\n- {{{image}}}\nkinds:\n- {entry}\n  paths:\n{listed}")


def pod(*image: str) -> str:
    """Return a Pod with a container for each image."""
    containers = "".join(f"  - name: c{number}\n    image: {text}\n" for number, text in enumerate(image))
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n{containers}"


def custom(kind: str, spec: str, api_version: str = "example.com/v1") -> str:
    """Return a custom resource with a spec of whole lines."""
    body = "".join(f"  {line}\n" for line in spec.splitlines())
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: x\nspec:\n{body}"
