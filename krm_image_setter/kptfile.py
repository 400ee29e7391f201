"""Finds out whether kpt runs the function as a validator, whose changes kpt discards.

https://kpt.dev/reference/schema/kptfile/#pipeline. The ResourceList contains the Kptfile of the package and the
file of the functionConfig, but not the field of the pipeline that runs the function.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from krm_image_setter.documents import Stream
from krm_image_setter.resources import Resource
from krm_image_setter.typed import Any, Final

_KIND: Final = "Kptfile"


def is_validator(stream: Stream, config: Any) -> bool:
    """Return whether a Kptfile in a ResourceList declares a validator with this functionConfig, and no mutator."""
    resources = [resource for tree in stream.trees() if tree for resource in tree.nodes()]
    files = {resource.file[0] for resource in resources if resource.file and _has_same_name(resource, config)}
    kptfiles = [resource for resource in resources if resource.ref.kind == _KIND]

    def is_in(field: str) -> bool:
        return any(
            _declares(function, kptfile, config, files)
            for kptfile in kptfiles
            for function in _functions(kptfile, field)
        )

    return is_in("validators") and not is_in("mutators")


def _functions(kptfile: Resource, field: str) -> Iterator[dict[str, Any]]:
    pipeline = kptfile.node.get("pipeline")
    functions = pipeline.get(field) if isinstance(pipeline, dict) else None
    for function in functions if isinstance(functions, list) else ():
        if isinstance(function, dict):
            yield function


def _declares(function: dict[str, Any], kptfile: Resource, config: Any, files: set[str]) -> bool:
    """Return whether a function of a Kptfile has this functionConfig, as a ConfigMap or in one of `files`."""
    if "configMap" in function:
        return bool(function["configMap"] == config.get("data"))
    path = function.get("configPath")
    folder = posixpath.dirname(kptfile.file[0]) if kptfile.file else ""
    return isinstance(path, str) and posixpath.normpath(posixpath.join(folder, path)) in files


def _has_same_name(resource: Resource, config: Any) -> bool:
    ref, metadata = resource.ref, config.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return (ref.api_version, ref.kind, ref.name) == (config.get("apiVersion"), config.get("kind"), name or "")
