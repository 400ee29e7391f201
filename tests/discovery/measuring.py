"""Compares the fields that `discover` claims with judgments of people, in three sets of CRDs.

`PYTHONPATH=tests python -m discovery.measuring` prints the numbers of each set, and each error. The third set needs only this
repository. Its schemas are made from `third_set.yaml`. The other sets are in ../shared and are skipped without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from harness import ROOT

from krm_image_setter.discovery.finding import Confidence, Finding
from krm_image_setter.discovery.schema import find_in_crd
from krm_image_setter.locators import TEXT, Part, Split

HERE: Final = Path(__file__).parent
JUDGED: Final = ROOT.parent / "shared/corpus-crds"
_PARTS: Final = ("registry", "tag", "digest")


class Kind(NamedTuple):
    """A kind with its CRD. `images` has the accepted forms of each image field, and `parts` of each part alone.

    The path of a split reference is the path of its repository. `others` are fields that are not images.
    """

    crd: dict[str, Any]
    images: dict[str, list[Any]]
    parts: dict[str, str]


class Score(NamedTuple):
    """The numbers of image fields that are found in the right form or in another form, missed, and wrongly claimed.

    `sure` is the number of claims that are not right but have the confidence "sure". `parts` is the number of
    single parts that are found, of `all_parts`. `errors` describes each error.
    """

    kinds: int = 0
    right: int = 0
    form: int = 0
    missed: int = 0
    wrong: int = 0
    sure: int = 0
    parts: int = 0
    all_parts: int = 0
    errors: tuple[str, ...] = ()

    @property
    def precision(self) -> float:
        """The part of the claims that is right."""
        return self.right / (self.right + self.form + self.wrong)

    @property
    def recall(self) -> float:
        """The part of the image fields that is found in the right form."""
        return self.right / (self.right + self.form + self.missed)

    @property
    def row(self) -> str:
        """The cells of the table in `docs/discover.md`."""
        fields = self.right + self.form + self.missed
        numbers = (self.kinds, fields, self.right, self.form, self.missed, self.wrong)
        return " | ".join(
            [*map(str, numbers), *(f"{part:.1%}".replace("%", " %") for part in (self.precision, self.recall))]
        )


def score(kinds: Iterable[Kind]) -> Score:
    """Compare the claims at "likely" with the judgments."""
    total = Score()
    for kind in kinds:
        definition = find_in_crd(kind.crd)
        assert definition is not None
        claims = [each for each in definition.findings if each.confidence >= Confidence.LIKELY]
        total = _added(total, _compared(kind, claims))
    return total


def _compared(kind: Kind, claims: Collection[Finding]) -> Score:
    name, errors, right = kind.crd["spec"]["names"]["kind"], [], set()
    form = wrong = sure = parts = 0
    for claim in claims:
        path, its_form = path_of(claim), form_of(claim)
        if its_form in _PARTS:
            parts += kind.parts.get(path) == its_form
        elif any(
            its_form == one or (one == "split" and isinstance(its_form, dict)) for one in kind.images.get(path, ())
        ):
            right.add(path)
        else:
            is_place = path in kind.images
            form, wrong, sure = (
                form + is_place,
                wrong + (not is_place),
                sure + (claim.confidence == Confidence.SURE),
            )
            errors.append(f"{name} {path}: {'form' if is_place else 'wrong'}: {its_form} ({claim.reason})")
    missing = kind.images.keys() - right - {path_of(claim) for claim in claims}
    errors += [f"{name} {path}: missed" for path in sorted(missing)]
    return Score(1, len(right), form, len(missing), wrong, sure, parts, len(kind.parts), tuple(errors))


def _added(one: Score, other: Score) -> Score:
    return Score(*(a + b for a, b in zip(one, other, strict=True)))  # type: ignore[operator]


def path_of(finding: Finding) -> str:
    """Return the path of a field, or of the repository of a split reference, without braces."""
    path = finding.path[1:-1].removeprefix(".")
    return f"{path}.{finding.form.repository}" if isinstance(finding.form, Split) else path


def form_of(finding: Finding) -> Any:
    """Return the form of a finding as the judgments write it."""
    form = finding.form
    if isinstance(form, Split):
        return form.options["fields"]
    return form.part if isinstance(form, Part) else "text" if form == TEXT else "whole"


def third_set() -> Iterator[Kind]:
    """Yield the kinds of `third_set.yaml`, each with a minimal CRD."""
    for name, kind in yaml.safe_load((HERE / "third_set.yaml").read_text()).items():
        schema: dict[str, Any] = {}
        for path, field in kind["fields"].items():
            _at(schema, path).update({"type": "string", **field})
        images, parts = {}, {}
        for path, form in kind["images"].items():
            if isinstance(form, dict):
                images[f"{path}.{form['repository']}"] = [form]
            elif form in _PARTS:
                parts[path] = form
            else:
                images[path] = form.split(" or ")
        singular, _, group = name.partition(".")
        yield Kind(_crd(group, singular, schema), images, parts)


def _at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the schema of the field at a path, which is added if it does not exist."""
    for step in re.findall(r"[^.\[]+|\[\*\]", path):
        if step == "[*]":
            schema["type"] = "array"
            schema = schema.setdefault("items", {})
        elif step == "*":
            schema = schema.setdefault("additionalProperties", {})
        else:
            schema["type"] = "object"
            schema = schema.setdefault("properties", {}).setdefault(step, {})
    return schema


def _crd(group: str, kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]
    return {
        "kind": "CustomResourceDefinition",
        "spec": {"group": group, "names": {"kind": kind}, "versions": versions},
    }


def judged_set() -> Iterator[Kind]:
    """Yield the kinds of ../shared/corpus-crds with the verdicts of its `judged.json`."""
    images: dict[str, dict[str, list[Any]]] = {}
    for each in json.loads((JUDGED / "judged.json").read_text()):
        fields = images.setdefault(each["kind"], {})
        path = each["path"].strip("{}").removeprefix(".").replace(".[*]", "[*]")
        form = each.get("claimed_form")
        if each["verdict"] == "missed":
            holds = {"full": ["whole"], "ociurl": ["text"], "split": ["split", "name"], "registry": []}
            fields[path] = holds[each["holds"]]
        elif each["verdict"] == "form":  # the tag is in another field
            fields[path] = ["split", "name"]
        elif each["verdict"] == "true":
            fields[f"{path}.{form['repository']}" if isinstance(form, dict) else path] = [form or "whole"]
    for file in sorted(JUDGED.glob("*_*.json")):
        crd = json.loads(file.read_text())
        fields = images.get(f"{crd['spec']['names']['kind']}.{crd['spec']['group']}", {})
        parts = {path: "registry" for path, forms in fields.items() if not forms}
        yield Kind(crd, {path: forms for path, forms in fields.items() if forms}, parts)


def main() -> None:
    """Print the numbers and the errors of each set."""
    for name, kinds in (("third set", third_set()), ("judged.json", judged_set() if JUDGED.is_dir() else ())):
        result = score(kinds)
        summary = f"{result._replace(errors=())}" if result.kinds else "skipped, because it does not exist"
        print("\n  ".join([f"{name}: {summary}", *result.errors]))  # noqa: T201  (a script)


if __name__ == "__main__":
    main()
