"""Writes krm-function-metadata.yaml from the JSON Schema. Run `python tools/function_definition.py`.

A KRMFunctionDefinition describes a function for catalogs, as a CustomResourceDefinition describes a resource
(https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/2906-kustomize-function-catalog). Its schema
is structural: it has no `$ref`, and each field has a type. A field with several forms, such as `images` (a list or
a mapping), gets no type, and gets the rules of all forms. A structural schema cannot reject unknown fields.
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
#: The keywords that have the same meaning in a structural schema.
KEPT: Final = ("description", "type", "enum", "required", "minLength", "minItems")


def definition() -> str:
    """Return the new text of the file."""
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
    """Convert a node of the JSON Schema to a structural schema. `inside` names the definitions around the node."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in inside:  # the definition contains itself
            return {**_kept(node), **PRESERVE}
        return structural({**SCHEMA["$defs"][name], **_kept(node)}, (*inside, name))
    if "anyOf" in node:
        return {**_several(node["anyOf"], inside), **_kept(node)}
    made = _kept(node)
    if "const" in node:
        made |= {"type": "string", "enum": [node["const"]]}
    elif "enum" in node:
        made["type"] = "string"
    elif "type" not in node:  # `metadata`
        made["type"] = "object"
    if "properties" in node:
        made["properties"] = {key: structural(field, inside) for key, field in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = structural(node["additionalProperties"], inside)
    if "items" in node:
        made["items"] = structural(node["items"], inside)
    return made


def _several(forms: list[dict[str, Any]], inside: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of a value with several forms. It has no type, and the rules of all forms."""
    made = dict(PRESERVE)
    for form in forms:
        made |= {
            key: value for key, value in structural(form, inside).items() if key not in ("type", "description")
        }
    return made


def _kept(node: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: node[key] for key in KEPT if key in node}
    if "description" in kept:
        # Relative links do not work outside docs/.
        kept["description"] = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", kept["description"])
    return kept


if __name__ == "__main__":
    FILE.write_text(definition())
    sys.stdout.write(f"{FILE.name} is up to date\n")
