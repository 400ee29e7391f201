"""Finds the Helm values that resources and other files refer to: files with any name, and keys of ConfigMaps.

- Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#values-files
- Flux: https://fluxcd.io/flux/components/helm/helmcharts/#values-files,
  https://fluxcd.io/flux/components/helm/helmreleases/#values-references
- kustomize: https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_helmchartinflationgenerator_
- Fleet: https://fleet.rancher.io/ref-fleet-yaml
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from krm_image_setter.catalog import VALUES_KIND, VALUES_MARKS
from krm_image_setter.config.image_setter import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.globs import escaped_glob
from krm_image_setter.locators import KindRule, Selector
from krm_image_setter.locators.values import VALUES
from krm_image_setter.paths import format_key, parse_path
from krm_image_setter.resources import CRD
from krm_image_setter.typed import Any, Final
from krm_image_setter.yaml.stream import has_kind

_KEYS: Final = ("valueFiles", "valuesFiles", "valuesFile", "additionalValuesFiles")
_ARGO_CD: Final = ("Application", "ApplicationSet")


def with_values(config: ImageSetter, streams: Iterable[Stream]) -> ImageSetter:
    """Return a configuration that also finds the values that the streams refer to."""
    files: dict[str, None] = {}
    keys: dict[KindRule, None] = {}
    for stream in streams:
        try:
            trees = [one for one in stream.trees(_can_refer_to_values, unproved=True) if one is not None]
            roots = [each.node for one in trees for each in one.nodes()]
        except InputError:  # a scan reports the error
            continue
        files.update(dict.fromkeys(_files(stream, roots)))
        keys.update(dict.fromkeys(_keys(roots)))
    return config._replace(values_files=tuple(files), values_keys=tuple(keys))


def _can_refer_to_values(part: str) -> bool:
    # The schema in a CustomResourceDefinition can contain the keys too. Parsing two of them took 40 ms.
    return any(mark in part for mark in VALUES_MARKS) and not has_kind(part, CRD)


def _keys(node: Any) -> Iterator[KindRule]:
    """Yield a rule for each key of a ConfigMap that the field `valuesFrom` of a HelmRelease refers to."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key == "valuesFrom" and isinstance(value, list):
            for item in value:
                # With `targetPath`, the key contains one value and not a document.
                if not isinstance(item, dict) or item.get("kind") != VALUES_KIND or "targetPath" in item:
                    continue
                name, values_key = item.get("name"), item.get("valuesKey")
                if name and values_key and isinstance(name, str) and isinstance(values_key, str):
                    path = parse_path(f"{{.data{format_key(values_key)}}}")
                    yield KindRule(Selector(VALUES_KIND, name=name), path, VALUES, origin="catalog")
        elif isinstance(value, dict | list):
            yield from _keys(value)


def _files(stream: Stream, roots: Iterable[Any]) -> Iterator[str]:
    """Yield globs for the files with values that a stream refers to."""
    here = posixpath.dirname(f"{stream.directory}/{stream.file}")
    for root in roots:
        kind = root.get("kind") if isinstance(root, dict) else None
        for base, name in _references(root, ""):
            # Argo CD and Flux start at a directory of a repository, whose location is not known.
            is_known = kind not in (*_ARGO_CD, "HelmRelease")
            if kind in _ARGO_CD:
                # `$values/prod.yaml` starts with the name of another source.
                path = name.partition("/")[2] if name.startswith("$") else posixpath.join(base, name)
            else:
                path = posixpath.join(here if is_known else "", name)
            path = posixpath.normpath("/" + path.lstrip("/"))
            if "://" not in name and path.count("/") > 1:
                glob = re.sub(r"\{\{[^{}]*\}\}", "*", escaped_glob(path))
                yield glob if is_known else f"**{glob}"


def _references(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the names of values files in a tree, each with the nearest `path` (in Argo CD, that of the chart)."""
    if isinstance(node, dict):
        path = node["path"] if isinstance(node.get("path"), str) else path
        for key, value in node.items():
            if key in _KEYS:
                names = value if isinstance(value, list) else [value]
                yield from ((path, name) for name in names if isinstance(name, str))
            else:
                yield from _references(value, path)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item, path)
