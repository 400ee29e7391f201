"""Draw docs/performance.svg from benchmarks/latest.json: how many times as long other programs take.

    python benchmarks/chart.py

Each group of bars has the same manifests. The scale is logarithmic, and the bars start at a quarter of our time.
"""

from __future__ import annotations

import json
from math import log2
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
#: The titles of the groups, and the number of resources and the load of their benchmarks.
GROUPS = {
    "10 resources, all images change": ("10 resources", "all change"),
    "1,000 resources, all images change": ("1,000 resources", "all change"),
    "10,000 resources, 1 % of the images change": ("10,000 resources", "1 % change"),
}
OURS = "krm-image-setter, ResourceList"
#: The labels of the programs in the chart, by their names in the benchmarks. Other benchmarks are not drawn.
LABELS = {
    OURS: "krm-image-setter",
    "krm-image-setter, stream": "krm-image-setter, a stream",
    "kubectl kustomize, images:": "kubectl kustomize",
    "kpt fn eval, no-op": "kpt, no-op function",
    "set-image of kpt": "set-image (kpt)",
    "kbld": "kbld",
    "yq, no-op": "yq (Python), no-op",
    "ruamel.yaml round trip": "ruamel.yaml script",
    "bare events of the C parser": "PyYAML's C parser, no output",
    "sed": "sed",
}
ROW, LEFT, WIDTH, PER_DOUBLING, START = 22, 230, 760, 42, 0.25


def groups(latest: Path) -> dict[str, dict[str, float]]:
    """Return the median seconds of each program, by the title of the group."""
    medians: dict[str, float] = {}
    for one in json.loads(latest.read_text())["benchmarks"]:
        values = [value for run in one["runs"] for value in run.get("values", ())]
        medians[one["metadata"]["name"]] = median(values)
    found: dict[str, dict[str, float]] = {}
    for title, (size, load) in GROUPS.items():
        for name, seconds in medians.items():
            group, _, program = name.partition(": ")
            if program in LABELS and group.startswith(f"{size} (") and group.endswith(load):
                found.setdefault(title, {})[program] = seconds
    return found


def drawn(found: dict[str, dict[str, float]]) -> str:
    """Return the chart as SVG. Its colors are those of the page, also in dark mode."""
    lines, y = [], 0
    for title, programs in found.items():
        ours = programs[OURS]
        y += 2 * ROW
        lines.append(f'<text x="0" y="{y}" font-weight="bold">{escape(title)}</text>')
        for program, seconds in sorted(programs.items(), key=lambda item: item[1]):
            y += ROW
            ratio = seconds / ours
            width = max(2, PER_DOUBLING * log2(ratio / START))
            color = "#2a6fdb" if program.startswith("krm-image-setter") else "#9aa3af"
            lines += [
                f'<text x="{LEFT - 10}" y="{y}" text-anchor="end">{escape(LABELS[program])}</text>',
                f'<rect x="{LEFT}" y="{y - 13}" width="{width:.0f}" height="16" fill="{color}"/>',
                f'<text x="{LEFT + width + 6:.0f}" y="{y}">{ratio:.{1 if ratio >= 0.95 else 2}f}</text>',
            ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + ROW}" font-family="sans-serif" '
        'font-size="14" fill="currentColor" role="img">'
        "<title>Time of each program, divided by the time of krm-image-setter</title>"
        "<style>svg { color: #1f2937 } @media (prefers-color-scheme: dark) { svg { color: #e5e7eb } }</style>"
    )
    return "\n".join([head, *lines, "</svg>\n"])


if __name__ == "__main__":
    (ROOT / "docs/performance.svg").write_text(drawn(groups(ROOT / "benchmarks/latest.json")))
