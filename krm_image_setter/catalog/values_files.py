"""Finds the files with Helm values that other files refer to, so that these files can have any name.

- Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#values-files
- Flux: https://fluxcd.io/flux/components/helm/helmcharts/#values-files
- kustomize: https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_helmchartinflationgenerator_
- Fleet: https://fleet.rancher.io/ref-fleet-yaml
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, Final

from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.globs import escaped_glob

_KEYS: Final = ("valueFiles", "valuesFiles", "valuesFile", "additionalValuesFiles")
_ARGO_CD: Final = ("Application", "ApplicationSet")


def values_files_in(stream: Stream) -> Iterator[str]:
    """Yield globs for the files with values that a stream refers to. Yield nothing if the stream is not YAML."""
    try:
        roots = [one.document.root for one in stream.documents()]
    except InputError:  # a scan reports the error
        return
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
    """Yield the names of files with values in a tree, each with the path next to it (of the chart of Argo CD)."""
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
