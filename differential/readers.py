"""Reads YAML with other parsers: ruamel.yaml, `yaml` and `js-yaml` of npm, and the go-yaml of kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError, YAMLStreamError

from differential.model import NULL, NonString

ROOT: Final = Path(__file__).parents[1]
NODE_MODULES: Final = ROOT / ".node-yaml" / "node_modules"
#: The names of the parsers in reports. The other parsers are compared with the first one.
NAMES: Final = ("PyYAML", "ruamel.yaml", "yaml", "js-yaml", "go-yaml")


class Reading(NamedTuple):
    """The result of a parser: the documents as plain data, or None and the error message in `refused`."""

    documents: list[Any] | None
    refused: str = ""


class Readers:
    """The installed parsers. `missing` maps the other parsers to the reason why they cannot be used."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self.node: subprocess.Popen[str] | None = None
        node = shutil.which("node")
        if node is None or not NODE_MODULES.is_dir():
            reason = (
                "node is not there"
                if node is None
                else f"{NODE_MODULES.parent.name} is not there: run `make node-yaml`"
            )
            self.missing |= {"yaml": reason, "js-yaml": reason}
        else:
            self.node = subprocess.Popen(
                [node, "--no-warnings", str(Path(__file__).with_name("readers.js"))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                env={**os.environ, "NODE_PATH": str(NODE_MODULES)},
            )  # fmt: skip
        self.kubectl = shutil.which("kubectl")
        if self.kubectl is None:
            self.missing["go-yaml"] = "kubectl is not there"

    def close(self) -> None:
        """End the node process."""
        if self.node is not None:
            self.node.communicate()
            self.node = None

    def read(self, texts: Sequence[str], names: Sequence[str] = NAMES) -> dict[str, list[Reading]]:
        """Read texts with the installed parsers. Return the readings of all texts by the name of the parser."""
        readings: dict[str, list[Reading]] = {}
        if not texts:
            return readings
        if "ruamel.yaml" in names:
            readings["ruamel.yaml"] = [read_ruamel(text) for text in texts]
        if self.node is not None and {"yaml", "js-yaml"} & set(names):
            readings |= self._read_node(texts)
        if self.kubectl is not None and "go-yaml" in names:
            readings["go-yaml"] = self._read_go(texts)
        return readings

    def _read_node(self, texts: Sequence[str]) -> dict[str, list[Reading]]:
        assert self.node is not None
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        self.node.stdin.write(json.dumps(list(texts)) + "\n")
        self.node.stdin.flush()
        answers = json.loads(self.node.stdout.readline())
        return {
            name: [
                Reading(None if answer[name] is None else from_node(answer[name]), answer.get(f"{name} error", ""))
                for answer in answers
            ]
            for name in ("yaml", "js-yaml")
        }

    def _read_go(self, texts: Sequence[str]) -> list[Reading]:
        """Read all texts with one run of kubectl, which reads resources with an apiVersion, a kind and a name.

        kubectl returns the items of a List as separate resources. A ConfigMap after each text marks its end.
        """
        with TemporaryDirectory() as folder:
            for number, text in enumerate(texts):
                Path(folder, f"{number:06}-a.yaml").write_bytes(text.encode(errors="replace"))
                mark = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "end-of-text"}}
                Path(folder, f"{number:06}-b.yaml").write_text(json.dumps(mark), encoding="utf-8")
            # With these variables, kubectl finds no configuration of a cluster.
            ran = subprocess.run(
                [str(self.kubectl), "annotate", "--local", "-o", "json", "-f", folder, "read-by=go-yaml"],
                capture_output=True, check=False, timeout=600,
                env={"PATH": os.environ.get("PATH", ""), "KUBECONFIG": "/dev/null", "HOME": folder},
            )  # fmt: skip
        readings: list[list[Any]] = [[]]
        decoder = json.JSONDecoder(parse_float=NonString, parse_int=NonString)
        output, position = ran.stdout.decode(), 0
        while position < len(output):
            if output[position].isspace():
                position += 1
                continue
            resource, position = decoder.raw_decode(output, position)
            metadata = resource.get("metadata")
            if isinstance(metadata, dict) and metadata.get("name") == "end-of-text":
                readings.append([])
                continue
            if isinstance(metadata, dict) and isinstance(metadata.get("annotations"), dict):
                metadata["annotations"].pop("read-by", None)
            readings[-1].append(from_json(resource))
        if len(readings) != len(texts) + 1:
            raise RuntimeError(f"kubectl has not read all: {ran.stderr.decode()[:500]}")
        return [
            Reading(documents) if documents else Reading(None, "nothing is read") for documents in readings[:-1]
        ]


def read_ruamel(text: str) -> Reading:
    """Read a text with ruamel.yaml, in Python."""
    try:
        warnings.simplefilter("ignore")  # ruamel.yaml warns about repeated anchors
        return Reading([from_python(document) for document in YAML(typ="safe", pure=True).load_all(text)])
    except (YAMLError, YAMLStreamError, RecursionError, ValueError, TypeError, AttributeError, KeyError, OverflowError,
            NotImplementedError, AssertionError) as error:  # fmt: skip
        return Reading(None, str(error).split("\n")[0])


def from_python(value: Any) -> Any:
    """Convert the result of a Python loader to plain data of the model."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {from_python(key): from_python(item) for key, item in value.items()}
    if isinstance(value, (list, set)):
        return [from_python(item) for item in value]
    if isinstance(value, tuple):  # a complex key
        return f"complex key {value!r}"
    return NULL if value is None else NonString(str(value))


def from_json(value: Any) -> Any:
    """Convert parsed JSON to plain data of the model."""
    if isinstance(value, dict):
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if value is None or isinstance(value, bool):
        return NonString(json.dumps(value))
    return value


def from_node(value: Any) -> Any:
    """Convert the output of readers.js to plain data of the model."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [from_node(item) for item in value]
    if "o" in value:
        return NonString(value["o"])
    result = {}
    for key, item in value["m"]:
        name = from_node(key)
        result[f"complex key {name!r}" if isinstance(name, (dict, list)) else name] = from_node(item)
    return result
