"""The chart of docs/performance.md."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

from harness import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from chart import LABELS, OURS, drawn, groups

LATEST = ROOT / "benchmarks/latest.json"
SVG = "{http://www.w3.org/2000/svg}"


def test_chart_is_drawn_from_the_latest_measurements() -> None:
    assert (ROOT / "docs/performance.svg").read_text() == drawn(groups(LATEST))


def test_longer_time_gives_a_longer_bar() -> None:
    root = ET.fromstring(drawn({"10 resources": {OURS: 1.0, "sed": 0.001, "yq, no-op": 4.0}}))
    widths = [int(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect")]
    assert widths == sorted(set(widths))
    labels = [text.text for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "end"]
    assert labels == [LABELS["sed"], LABELS[OURS], LABELS["yq, no-op"]]
    ratios = [
        text.text for text in root.iter(f"{SVG}text") if not {"text-anchor", "font-weight"} & text.attrib.keys()
    ]
    assert ratios == ["0.00", "1.0", "4.0"]
