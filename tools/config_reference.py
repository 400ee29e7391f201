"""Updates the tables of docs/configuration.md from the JSON Schema. Run `python tools/config_reference.py`.

Each table is between `<!-- reference: PATH -->` and `<!-- end -->`. PATH selects a mapping in the schema, such as
`registries.items`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/configuration.md"
SCHEMA: dict[str, Any] = json.loads((ROOT / "krm_image_setter/config/schema.json").read_text())
_TABLE = re.compile(r"(<!-- reference: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the text of a page with updated tables."""
    return _TABLE.sub(lambda match: f"{match[1]}\n{_table(match[2])}\n{match[3]}", page)


def mapping_at(path: str) -> dict[str, Any]:
    """Return the schema of a mapping, such as `registries.items`. A path can start with a name in `$defs`."""
    if path == "ImageSetter":
        return SCHEMA
    name, *steps = path.split(".")
    node = SCHEMA["$defs"].get(name) or SCHEMA["properties"][name]
    for step in steps:
        node = node[step] if step in node else node["properties"][step]
    return dict(node)


def _table(path: str) -> str:
    node = mapping_at(path)
    lines = ["| field | type | description |", "|---|---|---|"]
    for name, field in node["properties"].items():
        needed = " (required)" if name in node.get("required", ()) else ""
        lines.append(f"| `{name}` | {_type(field)}{needed} | {field['description'].rstrip('.')} |")
    return "".join(f"{line}\n" for line in lines)


def _type(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return {"text": "string", "paths": "paths"}[field["$ref"].rpartition("/")[2]]
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(_type, field["anyOf"])))
    return {"array": "list", "object": "mapping", "boolean": "`true`, `false`"}.get(
        field.get("type", ""), "mapping"
    )


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
