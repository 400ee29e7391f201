"""krm-function-metadata.yaml, from the JSON Schema: `python tools/function_definition.py` writes it anew.

A KRMFunctionDefinition tells catalogs of a function what a CustomResourceDefinition tells a cluster of a resource
(https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/2906-kustomize-function-catalog), so its
schema is structural: no references, a type for each field. What has several forms in ours, such as a list or a
mapping, has no type there, and the rules of each form, which hold only for values of that form. Unknown fields it
can't refuse.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
FILE: Final = ROOT / "krm-function-metadata.yaml"
SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "krm_image_setter/config/schema.json").read_text())
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PRESERVE: Final = {"x-kubernetes-preserve-unknown-fields": True}
#: What means the same in a structural schema.
KEPT: Final = ("description", "type", "enum", "required", "minLength", "minItems")


def definition() -> str:
    """Return the file as it is to be."""
    group, _, version = SCHEMA["properties"]["apiVersion"]["const"].partition("/")
    written = {
        "apiVersion": "config.kubernetes.io/v1alpha1",
        "kind": "KRMFunctionDefinition",
        "metadata": {"name": PROJECT["name"]},
        "spec": {
            "group": group,
            "names": {"kind": SCHEMA["properties"]["kind"]["const"]},
            "description": PROJECT["description"],
            "publisher": group,
            "tags": ["mutator", "image"],
            "versions": [
                {
                    "name": version,
                    "idempotent": True,
                    "license": "Apache 2.0",  # the spelling of the catalogs
                    "runtime": {"exec": {"path": PROJECT["name"]}},
                    "schema": {"openAPIV3Schema": structural(SCHEMA, ())},
                }
            ],
        },
    }
    return "# Written by tools/function_definition.py: `make function-definition`.\n" + yaml.safe_dump(
        written, sort_keys=False, width=110, allow_unicode=True
    )


def structural(node: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    """Return a node as a structural schema; `inside` are the definitions that it stands in."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in inside:  # a document in a document in a document
            return {**_kept(node), **PRESERVE}
        return structural({**SCHEMA["$defs"][name], **_kept(node)}, (*inside, name))
    if "anyOf" in node:
        return {**_several(node["anyOf"], inside), **_kept(node)}
    made = _kept(node)
    if "const" in node:
        made |= {"type": "string", "enum": [node["const"]]}
    elif "enum" in node:
        made["type"] = "string"
    elif "type" not in node:  # `metadata`, which Kubernetes knows
        made["type"] = "object"
    if "properties" in node:
        made["properties"] = {key: structural(field, inside) for key, field in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = structural(node["additionalProperties"], inside)
    if "items" in node:
        made["items"] = structural(node["items"], inside)
    return made


def _several(forms: list[dict[str, Any]], inside: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a value of one of several forms: no type, and what each form says of its own values."""
    made = dict(PRESERVE)
    for form in forms:
        made |= {
            key: value for key, value in structural(form, inside).items() if key not in ("type", "description")
        }
    return made


def _kept(node: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: node[key] for key in KEPT if key in node}
    if "description" in kept:
        kept["description"] = re.sub(
            r"\[([^]]+)\]\([^)]+\)", r"\1", kept["description"]
        )  # links lead nowhere there
    return kept


if __name__ == "__main__":
    FILE.write_text(definition())
    sys.stdout.write(f"{FILE.name} is up to date\n")
