"""The `discover` command: prints an ImageSetter with the `kinds` that custom resources need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Literal

from krm_image_setter.cli.declarations import Option
from krm_image_setter.cli.files import File, find_files
from krm_image_setter.cli.options import FnConfig, Hidden, NoConfig, Paths
from krm_image_setter.cli.scanning import ReadAhead, read_files
from krm_image_setter.cli.skipped import report_problems
from krm_image_setter.cli.terminal import write
from krm_image_setter.config import API_VERSION, KIND
from krm_image_setter.discovery import (
    Confidence,
    Discovered,
    Finding,
    Unknown,
    discover,
    merged,
    propose,
    unknown_images,
    write_kinds,
)
from krm_image_setter.documents import Stream
from krm_image_setter.filter import Options
from krm_image_setter.rules import Rules, rules_for
from krm_image_setter.typed import Any, Final

HELP: Final = """Generate `kinds` for custom resources.

Reads CustomResourceDefinitions or custom resources and prints an ImageSetter with the paths of their image fields,
each with the reason in a comment. Fields that pod specs, the catalog or `--fn-config` already cover are omitted.

\b
Examples:
  krm-image-setter discover config/crd > functions.yaml
  kubectl get crds -o yaml | krm-image-setter discover - --min-confidence sure
"""


def discover_command(
    paths: Paths,
    *,
    fn_config: FnConfig,
    no_config: NoConfig = False,
    hidden: Hidden = False,
    min_confidence: Annotated[
        Literal["possible", "likely", "sure"],
        Option("--min-confidence", help="Minimum confidence that a field contains an image"),
    ] = "likely",
) -> None:
    """Print an ImageSetter whose `kinds` contain the image fields that were found in the files."""
    files = find_files(paths, hidden=hidden)
    ahead = ReadAhead(files)
    config = Options(tuple(fn_config), no_config=no_config).configure_list(ahead.configurations)
    config = ahead.with_values_files(config)
    rules = rules_for(config, {})
    read = list(read_files(files, partial(discover, rules=rules)))
    failed = report_problems(read)
    total = merged(each.found for each in read if each.found is not None)
    # Skip a kind with a CRD, because the CRD contains all its fields.
    unknown = [each for each in total.images if each.finding.kind not in total.pod_specs]
    proposed = dict.fromkeys(filter(None, propose_in_files(files, unknown, rules)))
    _write(total._replace(findings=(*total.findings, *proposed)), Confidence[min_confidence.upper()])
    raise SystemExit(2 if failed else 0)


def propose_in_files(files: Sequence[File], unknown: Sequence[Unknown], rules: Rules) -> list[Finding | None]:
    """Return a safe rule, or None, for each of the `unknown` images in the files. See `propose`."""

    def visit(look: Callable[[Stream], Any]) -> Iterator[Any]:
        return (each.found for each in read_files(files, look))

    return propose(unknown, visit, partial(unknown_images, rules=rules), rules)


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
        lines.append("# No entries in `kinds` are needed.")
    write("".join(f"{line}\n" for line in lines))
