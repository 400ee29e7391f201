"""The catalog: the image fields of well-known custom resources, in the syntax of `kinds`.

`catalog.yaml` is split into entries without parsing it. An entry is decoded when a resource of its kind is found,
because decoding all entries would double the time of a short run.
"""

from __future__ import annotations

import re
from functools import cache

from krm_image_setter.config import read_values
from krm_image_setter.config.decode import decode_kinds
from krm_image_setter.locators import Embedded, Form, KindRule, Split
from krm_image_setter.locators.forms import VersionSplit
from krm_image_setter.resources import ResourceRef
from krm_image_setter.typed import Any, Final, Record

#: The only kind of the core group in the catalog. A ConfigMap can contain Helm values.
VALUES_KIND: Final = "ConfigMap"
#: Each file that refers to Helm values in another file or in a ConfigMap contains one of these texts.
VALUES_MARKS: Final = ("alueFile", "aluesFile", "valuesKey")
_FILE: Final = "catalog.yaml"
# The comments above an entry belong to the entry.
_ENTRY: Final = r"^(?:#.*\n)*- kind: (\S+)\n  apiVersion: (\S+)\n(?:  .*\n)+"


class Entry(Record):
    """The YAML text of a catalog entry, including the comments above it."""

    kind: str
    api_version: str
    text: str

    @property
    def group(self) -> str:
        """The API group of the entry."""
        return self.api_version.partition("/")[0]


@cache
def catalog_rules(api_version: str, kind: str) -> tuple[KindRule, ...]:
    """Return the catalog's rules for resources with this `apiVersion` and `kind`."""
    # The group of a custom resource contains a dot: https://kubernetes.io/docs/reference/using-api/#api-groups
    if "." not in api_version.partition("/")[0] and kind != VALUES_KIND:
        return ()
    ref = ResourceRef(api_version, kind, "", "")
    return tuple(rule for entry in _entries_of(kind) for rule in entry_rules(entry) if rule.selector.matches(ref))


@cache
def entries() -> tuple[Entry, ...]:
    """Return all catalog entries, in the order of the file."""
    return tuple(Entry(match[1], match[2], match[0]) for match in re.finditer(_ENTRY, read(_FILE), re.MULTILINE))


@cache
def read(file: str) -> str:
    """Return the text of a file of the catalog."""
    # Read the file without importlib.resources, because importing that module takes 10 ms.
    loader: Any = __spec__.loader
    text: str = loader.get_data(f"{__path__[0]}/{file}").decode()
    return text


def with_parts(kinds: frozenset[str]) -> frozenset[str]:
    """Return the kinds with fields that contain only a tag or digest. Their resources can lack the image name."""
    return _with(kinds, "part: ")


def with_split_references(kinds: frozenset[str]) -> frozenset[str]:
    """Return the kinds that can have a registry and a repository in different fields."""
    return _with(kinds, "fields: ", "as: values")


def _with(kinds: frozenset[str], *marks: str) -> frozenset[str]:
    """Return the kinds with an entry whose text contains one of `marks`."""
    return frozenset(
        kind
        for kind in kinds & _kinds()
        if any(mark in entry.text for entry in _entries_of(kind) for mark in marks)
    )


@cache
def _kinds() -> frozenset[str]:
    return frozenset(re.findall(r"\n- kind: (\S+)", read(_FILE)))


@cache
def _entries_of(kind: str) -> list[Entry]:
    """Return the entries of a kind, without comments. This takes a twentieth of the time of `entries`."""
    start = f"- kind: {kind}\n"
    _, *parts = read(_FILE).split(f"\n{start}")
    return [Entry(match[1], match[2], match[0]) for part in parts if (match := re.match(_ENTRY, start + part))]


@cache
def entry_rules(entry: Entry) -> tuple[KindRule, ...]:
    """Return the rules of an entry: one rule for each path."""
    (kinds,) = read_values(entry.text, _FILE)
    return tuple(map(_of_catalog, decode_kinds(kinds)))


def _of_catalog(rule: KindRule) -> KindRule:
    form = _with_version(rule.form)
    if isinstance(form, Embedded):
        form = form._replace(rules=tuple(map(_of_catalog, form.rules)))
    return rule._replace(origin="catalog", form=form)


def _with_version(form: Form) -> Form:
    """Return a form that never writes a digest if `form` is a split reference with a version instead of a tag."""
    has_version = isinstance(form, Split) and "version" in form.tag.lower() and not form.digest
    return VersionSplit(*form) if isinstance(form, Split) and has_version else form
