"""Writes each image reference once, one per line and sorted, for scripts such as those that mirror images."""

from __future__ import annotations

from krm_image_setter.cli import terminal
from krm_image_setter.cli.outputs import ListReport


def write(report: ListReport) -> None:
    """Write the references of the images in a report."""
    for name in sorted(set(report.names())):
        terminal.write(f"{name}\n")
