"""Compares the output of the program with the model, with the input byte by byte, and between parsers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from differential import model
from differential.cases import Case, config_of
from differential.model import NULL, Change, Embedded, Expected, NonString, Refused, Unspecified, Warned
from differential.program import Ran
from differential.readers import Reading
from differential.source import (
    BREAK,
    Node,
    Source,
    UnreadableError,
    comments_of,
    content_span,
    read,
)

Program = Callable[..., Ran]


class Finding(NamedTuple):
    """A difference. Similar differences have the same `kind`; `detail` describes this one."""

    kind: str
    detail: str


class Checked(NamedTuple):
    """The result of checking a case. `unspecified` is the reason if the model has no expected result."""

    findings: list[Finding]
    ran: Ran | None = None
    expected: Expected | None = None
    unspecified: str = ""
    second_run: bool = False


def read_embedded(text: str, form: str) -> list[Any] | None:
    """Return the documents in a string; None if it is not YAML, or not JSON if `form` is `json`."""
    try:
        documents = read(text).data()
    except UnreadableError:
        return None
    return documents if form == "yaml" or len(documents) == 1 else None


def expect(case: Case, data: list[Any]) -> Expected:
    """Return the result that the model expects. Raises Refused or Unspecified as the model does."""
    if not case.is_list:
        return model.expected(data, case.config, read_embedded)
    if len(data) != 1:
        raise Unspecified("a ResourceList among other documents")
    return model.expected_list(data[0], config_of(data[0]["functionConfig"]), read_embedded)


def check(case: Case, program: Program) -> Checked:
    """Run the program once, and compare its output with the model and with the input."""
    checked = _check(case, program)
    return checked._replace(
        findings=[Finding(f"{kind}{traits(case)}", detail) for kind, detail in checked.findings]
    )


def traits(case: Case) -> str:
    """Return features of a case, such as ` [alias]`. Differences with other features can have another cause."""
    found = ["ResourceList"] * case.is_list
    found += ["CR, NEL, LS or PS"] * bool(re.search("\r(?!\n)|[\x85\u2028\u2029]", case.text))
    found += ["alias"] * bool(re.search(r"(?:^|[\s,:\[{-])\*\w", case.text))
    found += ["merge key"] * ("<<" in case.text)
    return f" [{', '.join(found)}]" if found else ""


def _check(case: Case, program: Program) -> Checked:
    source = read(case.text)
    data = source.data()
    unspecified = ""
    try:
        wanted: Expected | None = expect(case, data)
    except Refused:
        wanted = None
    except Unspecified as error:
        unspecified = str(error)
    ran = program(case)
    if ran.crash:
        return Checked([Finding(f"crash: {ran.crash}", ran.message)], ran)
    if unspecified:
        return Checked([], unspecified=unspecified)
    if wanted is None:
        return Checked(check_refused(case, source, ran), ran)
    if ran.status != 0:
        return Checked([Finding(f"refused: {pattern(ran.message)}", ran.message)], ran)
    try:
        output = read(ran.output)
        new = output.data()
    except UnreadableError as error:
        return Checked([Finding("PyYAML: refuses the output", str(error))], ran)
    findings = compare_data(case, data, wanted, new)
    if not findings:
        findings += check_bytes(source, output, is_list=case.is_list)
        for old_text, new_text in embedded_texts(*same_parts(case, wanted.documents, new)):
            found = check_bytes(read(old_text), read(new_text), is_list=False)
            findings += [Finding(f"embedded: {finding.kind}", finding.detail) for finding in found]
        findings += check_second_run(case, ran, new, program)
    findings += check_warnings(case, wanted.warnings, ran.warnings)
    if ran.infos is not None:
        findings += check_infos(wanted.changes, ran.infos)
    return Checked(findings, ran, wanted, second_run=True)


def pattern(message: str) -> str:
    """Replace the values in a message, so that messages with the same cause are equal."""
    message = message.strip().split("\n")[-1].removeprefix("krm-image-setter: ")
    message = re.sub(r'"(?:[^"\\]|\\.)*"', '"…"', message)
    message = re.sub(r"\{[^}]*\}|\$?\.?[\w-]+(?:[.\[][^ ,:;]*)+|/\S+", "…", message)
    return re.sub(r"\d+", "0", message)[:110]


# --- errors ----------------------------------------------------------------------------------------------------


def check_refused(case: Case, source: Source, ran: Ran) -> list[Finding]:
    """Compare a run that must end with an error: with status 2 and a message. A filter writes nothing.

    README.md: "As a KRM function, the program returns its input unchanged, with the error in `results`."
    """
    if ran.status == 0:
        return [Finding("not refused", ran.message)]
    if ran.status != 2:
        return [Finding(f"status {ran.status}", ran.message)]
    if not ran.message.strip():
        return [Finding("no error message", "")]
    if not case.is_list:
        return [Finding("output in spite of an error", ran.output[:200])] if ran.output else []
    try:
        output = read(ran.output)
        new = output.data()
    except UnreadableError as error:
        return [Finding("function error: PyYAML refuses the output", str(error))]
    data = source.data()
    findings = compare_data(case, data, Expected(data), new)
    if not any(
        isinstance(result, dict) and result.get("severity", "error") == "error" for result in results_of(new[0])
    ):
        findings.append(Finding("function error: no result of severity error", ""))
    return [Finding(f"function error: {finding.kind}", finding.detail) for finding in findings]


# --- data ------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A value that is not as expected: its location, its value before the run, the expected and the new value."""

    location: tuple[Any, ...]
    before: Any
    wanted: Any
    got: Any


MISSING: Final = NonString("(missing)")


def differences(before: Any, wanted: Any, got: Any, location: tuple[Any, ...] = ()) -> list[Difference]:
    """Return the values of the output `got` that differ from the expected data `wanted`."""
    if isinstance(wanted, Embedded):
        inner = read_embedded(got, "yaml") if isinstance(got, str) else None
        location = (*location, "(embedded)")
        if inner is None:
            return [Difference(location, wanted.text, wanted.documents, got)]
        return differences(read_embedded(wanted.text, "yaml"), wanted.documents, inner, location)
    if isinstance(wanted, dict) and isinstance(got, dict):
        old = before if isinstance(before, dict) else {}
        keys = [*wanted, *(key for key in got if key not in wanted)]
        return [
            difference
            for key in keys
            for difference in differences(
                old.get(key, MISSING), wanted.get(key, MISSING), got.get(key, MISSING), (*location, key)
            )
        ]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        olds = before if isinstance(before, list) and len(before) == len(wanted) else [MISSING] * len(wanted)
        return [
            difference
            for index, (old, one, other) in enumerate(zip(olds, wanted, got, strict=True))
            for difference in differences(old, one, other, (*location, index))
        ]
    return [] if wanted == got else [Difference(location, before, wanted, got)]


def compare_data(case: Case, data: list[Any], wanted: Expected, new: list[Any]) -> list[Finding]:
    """Compare the data of the output with the model. Earlier results of a ResourceList must come first."""
    findings = []
    if case.is_list and new:
        earlier, now = results_of(wanted.documents[0]), results_of(new[0])
        if now[: len(earlier)] != earlier:
            findings.append(Finding("results: earlier results are lost", f"{earlier} became {now}"))
    expected, got = same_parts(case, wanted.documents, new)
    for difference in differences(data, expected, got)[:3]:
        findings.append(Finding(f"data: {name_of(difference, wanted.changes)}", str(difference)[:600]))
    return findings


def same_parts(case: Case, expected: list[Any], got: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the data to compare: everything except the results of a ResourceList."""
    if case.is_list and len(got) == 1 and isinstance(got[0], dict):
        return [without_results(expected[0])], [without_results(got[0])]
    return expected, got


def results_of(document: Any) -> list[Any]:
    """Return the results of a ResourceList. They are a list, or the `items` of a mapping."""
    results = document.get("results") if isinstance(document, dict) else None
    if isinstance(results, dict):
        results = results.get("items")
    return results if isinstance(results, list) else []


def without_results(document: dict[str, Any]) -> dict[str, Any]:
    """Return a ResourceList without its results. If `results` is a mapping, only its `items` are removed."""
    rest = {key: value for key, value in document.items() if key != "results"}
    results = document.get("results")
    if isinstance(results, dict) and results.keys() - {"items"}:
        rest["results"] = {key: value for key, value in results.items() if key != "items"}
    return rest


def name_of(difference: Difference, changes: Sequence[Change]) -> str:
    """Return the kind of a difference, with the rule that should have changed the value."""
    inside = " in an embedded document" if "(embedded)" in difference.location else ""
    wanted, got = difference.wanted, difference.got
    if isinstance(wanted, (list, dict)) or isinstance(got, (list, dict)):
        return f"other shape{inside}"
    if wanted == difference.before:
        return f"changed, but must not be{inside}" + (
            " (added key)" if wanted == MISSING else " (lost key)" if got == MISSING else ""
        )
    rules = sorted({change.rule for change in changes if change.new == wanted or change.new in str(wanted)}) or [
        "?"
    ]
    what = "not changed" if got == difference.before else "changed to another value"
    return f"{what}{inside}: {rules[0]}"


# --- bytes -----------------------------------------------------------------------------------------------------


def check_bytes(source: Source, output: Source, *, is_list: bool) -> list[Finding]:
    """Compare the bytes outside the changed scalars. They must be the same in the input and the output.

    If the program adds nodes or expands aliases, all other lines and all comments must still be there. If
    `results` of an earlier run is not a list, it is written again.
    """
    if source.text == output.text:
        return []
    findings = []
    old = [node for document in source.documents for node in document.walk()]
    new = [node for document in output.documents for node in document.walk()]
    comments, kept = comments_of(source.text, results_span(source) if is_list else None), comments_of(output.text)
    if not is_subsequence(comments, kept):
        lost = Counter(comments) - Counter(kept)
        findings.append(Finding("comments: lost" if lost else "comments: in another order", str(list(lost))[:300]))
    if (
        len(old) == len(new)
        and not is_list
        and all(one.kind == other.kind for one, other in zip(old, new, strict=True))
    ):
        pairs = list(zip(old, new, strict=True))
        changed = [(one, other) for one, other in pairs if one.kind == "scalar" and one.value != other.value]
        findings += compare_segments(source.text, output.text, changed)
        return findings
    touched = touched_lines(source, output, is_list=is_list)
    lines = lines_of(source.text)
    rest = [line for number, line in enumerate(lines) if number not in touched]
    remaining = lines_of(output.text)
    lost_line = first_missing(
        [line.rstrip("\n\r\x85\u2028\u2029") for line in rest],
        [line.rstrip("\n\r\x85\u2028\u2029") for line in remaining],
    )
    if lost_line is not None:
        findings.append(Finding("bytes: a line is lost", repr(lost_line)[:300]))
    return findings


def results_span(source: Source) -> tuple[int, int] | None:
    """Return the span of `results` in a ResourceList, including the key; None if `results` is a list."""
    root = source.documents[0]
    for key, value in root.value if root.kind == "mapping" else ():
        if key_of(key) == "results" and value.kind != "sequence":
            return key.start, value.end
    return None


def embedded_texts(wanted: Any, got: Any) -> Iterator[tuple[str, str]]:
    """Return the old and new texts of all embedded documents that change."""
    if isinstance(wanted, Embedded):
        yield wanted.text, got
    elif isinstance(wanted, dict):
        for key, value in wanted.items():
            if got[key] != value:
                yield from embedded_texts(value, got[key])
    elif isinstance(wanted, list):
        for one, other in zip(wanted, got, strict=True):
            yield from embedded_texts(one, other)


def replaced_span(one: Node, other: Node, text: str) -> tuple[int, int]:
    """Return the start and end of the content of `one`, which `other` replaces.

    A block scalar includes the line breaks at its end. An empty text in quotes does not replace them.
    """
    start, end = content_span(one, text)
    if one.style in ("|", ">") and not other.value:
        end = start + len(text[start:end].rstrip("\r\n\x85\u2028\u2029"))
    return start, end


def compare_segments(before: str, after: str, changed: Sequence[tuple[Node, Node]]) -> list[Finding]:
    """Compare the text between the changed scalars, and the style of each changed scalar."""
    findings = []
    position_before = position_after = 0
    blank = ""  # the characters that can be added next to a value that was empty: `a:` becomes `a: b`
    ends = [(replaced_span(one, other, before), content_span(other, after)) for one, other in changed]
    for number, ((start, end), (new_start, new_end)) in enumerate(
        [*ends, ((len(before),) * 2, (len(after),) * 2)]
    ):
        old, new = before[position_before:start], after[position_after:new_start]
        blank_before, blank = blank, ": \t" if start == end and number < len(changed) else ""
        if old.lstrip(blank_before).rstrip(blank) != new.lstrip(blank_before).rstrip(blank):
            findings.append(Finding("bytes: changed outside scalars", f"{old!r} became {new!r}"[-600:]))
        position_before, position_after = end, new_end
    for one, other in changed:
        # An empty text cannot be in a block scalar without a line break after the header.
        if one.style != other.style and other.value and (one.style or other.style in ("|", ">")):
            text = after[slice(*content_span(other, after))]
            findings.append(
                Finding(f"bytes: style {one.style or 'plain'} became {other.style or 'plain'}", text[:200])
            )
    return findings


def lines_of(text: str) -> list[str]:
    """Split a text into lines at all line ends of YAML 1.1. Each line keeps its line end."""
    lines, position = [], 0
    for match in BREAK.finditer(text):
        lines.append(text[position : match.end()])
        position = match.end()
    return [*lines, text[position:]] if position < len(text) else lines


def touched_lines(source: Source, output: Source, *, is_list: bool) -> set[int]:
    """Return the indexes of the lines that the program can change.

    They contain scalars that change, aliases and merge keys that are expanded, and flow mappings that get a
    key. In a ResourceList, they also contain `results` and its end.
    """
    starts = [0, *(match.end() for match in BREAK.finditer(source.text))]
    touched: set[int] = set()

    def touch(start: int, end: int) -> None:
        for number, line_start in enumerate(starts):
            line_end = starts[number + 1] if number + 1 < len(starts) else len(source.text) + 1
            if line_start < max(end, start + 1) and line_end > start:
                touched.add(number)

    def compare(one: Node, other: Node | None) -> None:
        if (
            other is None
            or one.kind != other.kind
            or (one.kind == "scalar" and (one.value != other.value or one.style != other.style))
            or (one.kind == "alias" and one.anchor != other.anchor)
        ):
            touch(one.start, one.end)
        elif one.kind == "sequence" and len(one.value) == len(other.value):
            for child, counterpart in zip(one.value, other.value, strict=True):
                compare(child, counterpart)
        elif one.kind == "mapping":
            others = {key_of(key): (key, value) for key, value in other.value}
            if one.style and len(other.value) > len(one.value):
                touch(one.start, one.end)
            for key, value in one.value:
                counterpart_key, counterpart_value = others.get(key_of(key), (None, None))
                compare(key, counterpart_key)
                compare(value, counterpart_value)

    root = source.documents[0]
    if is_list and root.kind == "mapping":
        touch(root.end - 1, root.end)
        for key, value in root.value:
            if key.value == "results" or root.style:
                touch(key.start if key.value == "results" else value.end - 1, value.end)
    for one, other in zip(source.documents, output.documents, strict=False):
        compare(one, other)
    return touched


def key_of(key: Node) -> Any:
    """Return a value that identifies a key. An alias and its target have the same value."""
    key = key.value if key.kind == "alias" else key
    return key.value if key.kind == "scalar" else id(key)


def is_subsequence(wanted: Sequence[Any], given: Sequence[Any]) -> bool:
    return first_missing(wanted, given) is None


def first_missing(wanted: Sequence[Any], given: Sequence[Any]) -> Any:
    """Return the first item of `wanted` that `given` lacks or has in another order; None if there is none."""
    rest = iter(given)
    for item in wanted:
        if not any(item == other for other in rest):
            return item
    return None


# --- a second run, warnings and results ------------------------------------------------------------------------


def check_second_run(case: Case, ran: Ran, new: list[Any], program: Program) -> list[Finding]:
    """Check that a second run changes only the fields that the model changes.

    The model changes fields in a second run if rules match their own results, such as `a` to `b` and `b` to `a`.
    """
    again = Case(ran.output, case.config, case.config_text, case.mode if case.is_list else "library", case.is_list)
    if again.mode == "library":
        again.text = again.text.removeprefix("\ufeff")
    try:
        wanted = expect(again, new)
    except (Unspecified, Refused):
        return []
    second = program(again)
    if second.crash or second.status != 0:
        return [Finding(f"second run: {second.crash or pattern(second.message)}", second.message)]
    if not case.is_list and wanted.documents == new:
        return (
            [] if second.output == again.text else [Finding("second run: changes something", second.output[:500])]
        )
    try:
        third = read(second.output).data()
    except UnreadableError as error:
        return [Finding("second run: PyYAML refuses the output", str(error))]
    return [
        Finding(f"second run: {finding.kind}", finding.detail)
        for finding in compare_data(again, new, wanted, third)
    ]


def check_warnings(case: Case, wanted: Sequence[Warned], given: Sequence[str]) -> list[Finding]:
    """Check that each required warning is printed, and that each warning has a known cause."""
    findings = []
    for warned in wanted:
        if warned.required and not any(names_all(message, warned) for message in given):
            findings.append(
                Finding(f"warning missing: {warned.cause}", f"{warned.contains} in {list(given)}"[:500])
            )
    for message in given:
        known = any(names_all(message, warned) for warned in wanted)
        # Issue 17, point 6: a warning is allowed if an anchor changes and an alias of it keeps the old text.
        alias = "*" in case.text and ("alias" in message or "anchor" in message)
        note = "./functions.yaml" in message or "deprecated" in message
        if not known and not alias and not note:
            findings.append(Finding(f"warning without a cause: {pattern(message)}", message[:500]))
    return findings


def names_all(message: str, warned: Warned) -> bool:
    """Return whether a message contains all texts of a warning. The middle of a long text can be missing.

    SECURITY.md: "A message quotes at most about 200 characters of one text of the input".
    """
    return all(
        text in message or (len(text) > 100 and text[:20] in message and "…" in message)
        for text in warned.contains
    )


def check_infos(changes: Sequence[Change], infos: Sequence[tuple[str, str]]) -> list[Finding]:
    """Compare the results about changes, except for changes of split references and of parts of a reference.

    README.md: "The program reports each change as a KRM result with the resource, the field, the old value and the
    new value." The documentation does not specify whether a split reference has one result or several.
    """
    wanted = Counter(
        (change.old, change.new) for change in changes if not change.rule.startswith(("fields", "part"))
    )
    given = Counter(infos)
    if any(change.rule.startswith(("fields", "part")) for change in changes):
        return []
    if wanted == given:
        return []
    return [
        Finding(
            "results: not those of the changes",
            f"missing {list(wanted - given)}, too many {list(given - wanted)}"[:500],
        )
    ]


# --- other parsers ---------------------------------------------------------------------------------------------


def agrees(data: Any, other: Any, before: Any = None) -> bool:
    """Return whether another parser reads the same data. Strings must be equal.

    If `before` is given, it is the data that the other parser read before the run. Scalars that are not
    strings must be equal to those in `before`.
    """
    if isinstance(data, dict):
        if not isinstance(other, dict) or len(data) != len(other):
            return False
        others = {key.text if isinstance(key, NonString) else key: value for key, value in other.items()}
        olds = before if isinstance(before, dict) else {}
        for key, value in data.items():
            name = key.text if isinstance(key, NonString) else key
            if isinstance(key, str) and key.startswith("complex key"):
                continue
            if name not in others:
                if isinstance(key, NonString):
                    continue
                return False
            if not agrees(value, others[name], olds.get(name)):
                return False
        return True
    if isinstance(data, list):
        olds_ = before if isinstance(before, list) and len(before) == len(data) else [None] * len(data)
        return (
            isinstance(other, list)
            and len(data) == len(other)
            and all(agrees(one, two, old) for one, two, old in zip(data, other, olds_, strict=True))
        )
    if isinstance(data, NonString):
        return isinstance(other, (str, NonString)) and (
            before is None or isinstance(before, (dict, list)) or before == other
        )
    return bool(data == other)


def as_go_reads(documents: list[Any]) -> list[Any]:
    """Return documents as kubectl does: without empty documents, and with the items of a List as documents."""
    flat = []
    for document in documents:
        if (
            isinstance(document, dict)
            and str(document.get("kind")).endswith("List")
            and isinstance(document.get("items"), list)
        ):
            flat += as_go_reads(document["items"])
        elif document != NULL:
            flat.append(without_empty_annotations(document))
    return flat


def identity(resource: Any) -> tuple[Any, Any]:
    """Return the apiVersion and kind of a resource."""
    return (resource.get("apiVersion"), resource.get("kind")) if isinstance(resource, dict) else (None, None)


def without_empty_annotations(document: Any) -> Any:
    """Return a resource as kubectl writes it: always with annotations, even if they are empty."""
    if not isinstance(document, dict):
        return document
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return document
    annotations = metadata.get("annotations")
    return {
        **document,
        "metadata": {**metadata, "annotations": annotations if isinstance(annotations, dict) else {}},
    }


def check_reader(name: str, case: Case, ran: Ran, before: Reading, after: Reading) -> tuple[bool, list[Finding]]:
    """Return whether a parser and PyYAML read the same input data. Also return differences in the output."""
    if name not in ("PyYAML", "go-yaml") and re.search("[\x85\u2028\u2029]", ran.output):
        return False, []  # YAML 1.2 does not read these characters as line ends
    adapt = as_go_reads if name == "go-yaml" else lambda documents: documents
    old, new = adapt(read(case.text).data()), adapt(read(ran.output).data())
    if before.documents is None or not agrees(old, adapt(before.documents)):
        return False, []
    if name == "go-yaml" and list(map(identity, old)) != list(map(identity, new)):
        return False, []  # the case sets an image in apiVersion or kind, which kubectl rejects
    if after.documents is None:
        return True, [Finding(f"{name}: refuses the output", after.refused)]
    if not agrees(new, adapt(after.documents), adapt(before.documents)):
        return True, [Finding(f"{name}: reads the output otherwise", f"{after.documents}"[:600])]
    return True, []
