"""Reports what a command did not do: warnings about images, Helm templates, and files that are not resources."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.cli.outputs import PROBLEM, Finding
from krm_image_setter.cli.scanning import Scanned
from krm_image_setter.cli.terminal import counted
from krm_image_setter.errors import sentence
from krm_image_setter.results import ERROR, INFO, WARNING, Result
from krm_image_setter.scan import Scan
from krm_image_setter.streams import say, say_error
from krm_image_setter.typed import Any, Final

_TEMPLATES: Final = "templates"


def report_problems(scanned: Iterable[Scanned[Any]]) -> bool:
    """Print a warning or an error for each file that has one, and return whether there was an error.

    For Helm templates, print one line per directory.
    """
    failed = False
    templates: Counter[str] = Counter()
    with_images: Counter[str] = Counter()
    for each in scanned:
        directory = _templates_directory(each)
        if directory:
            templates[directory] += 1
            with_images[directory] += each.has_images
        elif each.is_skipped:
            say(f"warning: {each.error}")
        elif each.error is not None:
            say_error(each.error)
            failed = True
    for directory, count in templates.items():
        images = with_images[directory]
        lines = {0: "", 1: "; 1 contains image lines"}.get(images, f"; {images} contain image lines")
        say(f"{'warning: ' * bool(images)}{directory}: {counted(count, 'Helm template')} skipped{lines}")
    return failed


def problems_of(scanned: Iterable[Scanned[Any]]) -> list[Finding]:
    """Return the warnings and errors about files, without those about Helm templates."""
    found = []
    for each in scanned:
        if (error := each.error) is not None and not _templates_directory(each):
            severity, message = WARNING if each.is_skipped else ERROR, sentence(error.field, error.message)
            found.append(Finding(PROBLEM, severity, message, each.file, error.line, error.column))
    return found


def report_results(scanned: Iterable[Scanned[Scan]], unused: Iterable[Result]) -> None:
    """Print the warnings and errors of the scans, and those about unused entries."""
    for each in scanned:
        for result in each.found.results if each.found is not None else ():
            if result.severity != INFO:
                say(result.format(each.file.shown))
    for result in unused:
        say(str(result))


def report_others(scanned: Iterable[Scanned[Any]], hint: str) -> None:
    """Print one line per directory with files that are neither resources nor known files.

    In each result, `resources` is the number of resources in the file. `hint` is the remedy.
    """
    files: Counter[str] = Counter()
    resources: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for each in scanned:
        if each.file.is_found:
            files[each.file.top] += 1
            resources[each.file.top] += each.found.resources if each.found is not None else 0
            others[each.file.top] += _is_other(each)
    for top, count in others.items():
        if count:
            not_resources = "1 file is not a Kubernetes resource"
            if count > 1:
                not_resources = f"{counted(count, 'file')} are not Kubernetes resources"
            read = f"{counted(files[top], 'file')}, {counted(resources[top], 'resource')}"
            say(f"{top}: {read}; {not_resources}{hint}")


def _is_other(scanned: Scanned[Any]) -> bool:
    if scanned.found is not None or scanned.error is not None or _templates_directory(scanned):
        return False
    return os.path.basename(scanned.file.path) not in FILE_NAMES


def _templates_directory(scanned: Scanned[Any]) -> str:
    """Return the `templates` directory of a skipped Helm template, or an empty string for any other file."""
    file = scanned.file
    is_skipped = file.is_found and scanned.found is None and (scanned.error is None or scanned.is_skipped)
    return _chart_templates(os.path.dirname(file.path)) if is_skipped and _TEMPLATES in file.path else ""


@cache
def _chart_templates(directory: str) -> str:
    for found in re.finditer(rf"(?:^|/){_TEMPLATES}(?=/|$)", directory):
        chart = directory[: found.start()]
        if os.path.exists(os.path.join(chart, "Chart.yaml")):
            return directory[: found.end()]
    return ""
