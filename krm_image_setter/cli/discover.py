"""`discover`: the `kinds` that custom resources need, from their CRDs or from themselves."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated, Final

import typer

from krm_image_setter.cli.files import find_files
from krm_image_setter.cli.options import FnConfig, NoConfig, Paths
from krm_image_setter.cli.scanning import configurations_of, read_files, say_problems
from krm_image_setter.cli.terminal import write
from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.discovery import Confidence, Discovered, discover, merged, write_kinds
from krm_image_setter.filter import Options
from krm_image_setter.rules import rules_for

HELP: Final = """Write the kinds that custom resources need.

Reads CustomResourceDefinitions, and custom resources too, and writes where images are in them as an ImageSetter:
each path with what speaks for it. What pod specs, the catalog or --fn-config find anyway is left out.

\b
Examples:
  krm-image-setter discover config/crd > functions.yaml
  kubectl get crds -o yaml | krm-image-setter discover - --min-confidence sure
"""


class MinConfidence(StrEnum):
    """How sure it must be that a field holds an image."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    SURE = "sure"


def discover_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    min_confidence: Annotated[
        MinConfidence, typer.Option("--min-confidence", help="How sure it must be that a field holds an image")
    ] = MinConfidence.LIKELY,
) -> None:
    """Print an ImageSetter with the kinds."""
    files = find_files(paths)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(partial(configurations_of, files))
    read = list(read_files(files, partial(discover, rules=rules_for(config, {}))))
    failed = say_problems(read)
    _write(merged(each.found for each in read if each.found is not None), Confidence[min_confidence.name])
    raise SystemExit(2 if failed else 0)


def _write(discovered: Discovered, least: Confidence) -> None:
    findings = [finding for finding in discovered.findings if finding.confidence >= least]
    lines = [
        f"apiVersion: {API_VERSION}",
        f"kind: {KIND}",
        "metadata: {name: set-images}",
        "# images: {NAME: NEW-REFERENCE}",
        *write_kinds(findings, discovered.pod_specs),
    ]
    if not findings:
        lines.append("# Nothing here needs an entry in kinds.")
    write("".join(f"{line}\n" for line in lines))
