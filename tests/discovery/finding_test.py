"""Findings and their confidence."""

from __future__ import annotations

from krm_image_setter.discovery import Confidence


def test_confidences_are_ordered() -> None:
    assert [level.name for level in sorted(Confidence)] == ["POSSIBLE", "LIKELY", "SURE"]
