"""What must hold for any input: each oracle raises AssertionError where it does not.

They read YAML by themselves: the events of PyYAML, and go-yaml in kubectl. None of it is our tree.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import yaml
from properties.laws import check_a_second_run_changes_nothing, unsplit
from properties.reader import Location, NonString, construct, documents

from krm_image_setter import ImageSetterError, set_images
from krm_image_setter.config import ImageSetter, configurations_in, decode, require_images
from krm_image_setter.documents import Stream
from krm_image_setter.edits import apply_edits
from krm_image_setter.filter import Options
from krm_image_setter.function import plan_function, read_resource_list
from krm_image_setter.line_breaks import count_breaks
from krm_image_setter.paths import format_location
from krm_image_setter.results import INFO, Result
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in
from krm_image_setter.transform import Outcome

#: What reads YAML here: it is faster in C, where there is C.
LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# --- time, and words ---------------------------------------------------------------------------------------------


class TooSlowError(BaseException):
    """An input took longer than it may. (No Exception: nobody is to catch it on its way.)"""


class Watch:
    """Raises TooSlowError where the processor works at one input for longer than `seconds`, or twice that.

    One timer for all inputs: one for each takes longer than some of them.
    """

    def __init__(self, seconds: float) -> None:
        self.inputs = 0
        self.seen = -1
        signal.signal(signal.SIGVTALRM, self._look)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)  # it counts the time of this process alone

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _look(self, *_: object) -> None:
        if self.seen == self.inputs:
            raise TooSlowError("it takes longer than it may")
        self.seen = self.inputs


def check_told(error: ImageSetterError) -> None:
    """An error is told in one sentence on one line, or several errors in one each."""
    for sentence in error.sentences:
        check_sentence(sentence)


def check_sentence(sentence: str) -> None:
    assert sentence.strip(), "an error says nothing"
    assert len(sentence.splitlines()) == 1, f"more than one line: {sentence!r}"
    assert "Traceback" not in sentence, f"a traceback: {sentence!r}"
    assert not re.search(r"object at 0x|<class '", sentence), f"it speaks Python: {sentence!r}"


# --- a run -------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A scalar that is another one after a run: where it is, and its values."""

    location: Location
    old: str
    new: str


def check_run(text: str, config: ImageSetter) -> tuple[str, list[Difference]] | None:
    """Hold a run to all that holds for any text; return the new text and what differs, None where it is refused.

    For configurations that change scalars, and add none.
    """
    outcome = outcome_of(text, config, split=True)
    check_splitting(outcome, outcome_of(text, config, split=False))
    if outcome is None:
        return None
    differences = check_outcome(text, outcome)
    check_a_second_run_changes_nothing(outcome.text, config)
    if len(text) % 4 == 0:
        check_sightings(text, config)
    return outcome.text, differences


def check_sightings(text: str, config: ImageSetter) -> None:
    """Each image that a list tells of has a line of the text."""
    for image in images_in(Stream(text), rules_for(config, {})):
        assert image.image
        assert 1 <= image.line <= count_breaks(text, 0, len(text)) + 1, (
            f"{image.path} is said to be in line {image.line}"
        )


def outcome_of(text: str, config: ImageSetter, *, split: bool) -> Outcome | None:
    """Return what a run gives, None where it refuses the text."""
    try:
        with nullcontext() if split else unsplit():
            return set_images(text, config)
    except ImageSetterError as error:
        check_told(error)
        return None


def check_splitting(split: Outcome | None, whole: Outcome | None) -> None:
    """What is read as a whole gives the same in slices; in slices, what is skipped may be no YAML."""
    if whole is None:
        return
    assert split is not None, "in slices it is refused"
    assert split.text == whole.text
    # Of a string that is no YAML, what reads it says so otherwise in slices.
    why = "not changed: .*"
    messages = [
        [result._replace(message=re.sub(why, "", result.message)) for result in outcome.results]
        for outcome in (split, whole)
    ]
    assert messages[0] == messages[1], "in slices it says something else"


def check_outcome(before: str, outcome: Outcome) -> list[Difference]:
    """What differs is what the results say, and nothing else does."""
    check_written(before, outcome.text)
    for result in outcome.results:
        check_sentence(str(result))
    differences = differing(before, outcome.text)
    if differences is not None:
        check_reported(differences, [result for result in outcome.results if result.severity == INFO])
    return differences or []


def check_written(before: str, after: str) -> None:
    """What comes out can be written where what came in could be read."""
    if not re.search(r"[\ud800-\udfff]", before):
        after.encode()


def differing(before: str, after: str) -> list[Difference] | None:
    """Return the scalars that differ; None where PyYAML does not read the text before.

    Without aliases the two texts must have the same events, and the same characters but for these scalars; with
    them, the same data but for these.
    """
    before, after = before.removeprefix("\ufeff"), after.removeprefix("\ufeff")
    if before == after:
        return []
    old = events_of(before)
    if old is None:
        return None
    new = events_of(after)
    assert new is not None, "what comes out is no YAML"
    if any(isinstance(event, yaml.AliasEvent) for event in old):
        leaves = [scalars(data_of(text)) for text in (before, after)]
        assert leaves[0].keys() == leaves[1].keys(), "the data have another shape"
        return [
            Difference(location, value, leaves[1][location])
            for location, value in leaves[0].items()
            if value != leaves[1][location]
        ]
    assert len(old) == len(new), "there are more or fewer nodes"
    pairs = list(zip(old, new, strict=True))
    for one, other in pairs:
        assert what_it_is(one) == what_it_is(other), f"another node: {one} became {other}"
    changed = [(one, other) for one, other in pairs if getattr(one, "value", "") != getattr(other, "value", "")]
    assert rest(before, [one for one, _ in changed]) == rest(after, [other for _, other in changed]), (
        "characters differ outside of the scalars"
    )
    places = locations(old)
    return [Difference(places[id(one)], one.value, other.value) for one, other in changed]


def events_of(text: str) -> list[Any] | None:
    """Return what PyYAML reads, None where it reads nothing."""
    try:
        events = list(yaml.parse(text, Loader=LOADER))
    except (yaml.YAMLError, UnicodeError):
        return None
    aliased = any(isinstance(event, yaml.AliasEvent) for event in events)
    return None if aliased and data_of(text) is None else events


def data_of(text: str) -> list[Any] | None:
    """Return the data of the documents, None where an alias has no anchor, or stands in its own."""
    try:
        return [construct(next(events), events, {}) for events in documents(text, LOADER)]
    except KeyError:
        return None


def what_it_is(event: Any) -> Any:
    return (
        type(event),
        getattr(event, "anchor", None),
        getattr(event, "tag", None),
        getattr(event, "flow_style", None),
    )


def rest(text: str, events: list[Any]) -> list[str]:
    """Return the text before, between and behind scalars.

    A block scalar ends where the next token begins: blanks are left out, for a quoted one may take its place.
    """
    edges = [0, *(mark.index for event in events for mark in (event.start_mark, event.end_mark)), len(text)]
    return [text[start:end].strip(" \r\n") for start, end in [*pairwise(edges)][::2]]


def locations(events: list[Any]) -> dict[int, Location]:
    """Return where each value is, by the id of its event: the number of its document, then keys and indexes."""
    found: dict[int, Location] = {}
    stack: list[list[Any]] = []  # of each open collection its location, its next index or None, its pending key
    number = -1
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            number += 1
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        if not isinstance(event, yaml.NodeEvent):
            continue
        here: Location = (number,)
        if stack:
            location, index, key = stack[-1]
            if index is not None:
                stack[-1][1] += 1
                here = (*location, index)
            elif key is None:
                stack[-1][2] = getattr(event, "value", "")
                here = (*location, "")
            else:
                stack[-1][2] = None
                here = (*location, key)
        found[id(event)] = here
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append([here, 0 if isinstance(event, yaml.SequenceStartEvent) else None, None])
    return found


def scalars(data: Any, here: Location = ()) -> dict[Location, str]:
    if not isinstance(data, dict | list):
        return {here: data.text if isinstance(data, NonString) else data}
    found: dict[Location, str] = {}
    for key, child in data.items() if isinstance(data, dict) else enumerate(data):
        found |= scalars(child, (*here, key if isinstance(key, str | int) else str(key)))
    return found


def check_reported(differences: Iterable[Difference], results: Iterable[Result]) -> None:
    """Each difference is what the results for its field say, and each result is seen in a difference."""
    by_field: dict[str, list[Result]] = {}
    inside: dict[str, list[Result]] = {}  # those of a document in a string, by the field of the string
    for result in results:
        assert result.field is not None
        by_field.setdefault(result.field, []).append(result)
        for match in re.finditer(": ", result.field):
            inner = result._replace(field=result.field[match.end() :])
            inside.setdefault(result.field[: match.start()], []).append(inner)
    seen: set[str] = set()
    for location, old, new in differences:
        # The location of a resource in its document is not told.
        fields = [format_location(location[start:]) for start in range(1, len(location))]
        told = [result for field in fields for result in by_field.get(field, ())]
        embedded = [result for field in fields for result in inside.get(field, ())]
        assert told or embedded, f"no result tells of {location}: {old!r} became {new!r}"
        seen.update(fields)
        if told:
            changes = [(str(result.current_value), str(result.proposed_value)) for result in told]
            assert is_rewritten(old, new, changes), (
                f"{location}: {old!r} became {new!r}, the results say {changes}"
            )
        else:
            check_embedded(old, new, embedded)
    for field in by_field:
        assert field in seen or any(field.startswith(f"{outer}: ") for outer in seen), f"{field} does not differ"


def check_embedded(old: str, new: str, results: list[Result]) -> None:
    differences = differing(old, new)
    if differences is not None:
        check_reported(differences, results)


def is_rewritten(old: str, new: str, changes: list[tuple[str, str]]) -> bool:
    """Say whether `new` is `old` with some of these replacements made, and nothing else."""
    ways = {(0, 0)}
    seen = set(ways)
    while ways:
        a, b = ways.pop()
        if (a, b) == (len(old), len(new)):
            return True
        steps = [(a + len(was), b + len(is_)) for was, is_ in changes
                 if was and old.startswith(was, a) and new.startswith(is_, b)]  # fmt: skip
        if old[a : a + 1] == new[b : b + 1] != "":
            steps.append((a + 1, b + 1))
        ways |= set(steps) - seen
        seen.update(steps)
    return False


# --- a function --------------------------------------------------------------------------------------------------


def check_function(text: str) -> None:
    """What comes back is the ResourceList with the images set, and results behind those that were there."""
    resource_list = read_resource_list(Stream(text))
    if resource_list is None:
        check_configured_stream(text)
        return
    configured: list[ImageSetter] = []

    def configure(value: Any) -> ImageSetter:
        configured.append(Options().configure_function(value))
        return configured[-1]

    plan = plan_function(resource_list, configure)
    for result in plan.results:
        check_sentence(str(result))
    after = apply_edits(text, plan.edits)
    check_written(text, after)
    if not plan.results:
        assert after == text
        return
    if events_of(text.removeprefix("\ufeff")) is None:
        return
    loaded = [read_data(one) for one in (text, after)]
    told = [document.pop("results", None) for document in loaded]
    before = told[0] if isinstance(told[0], list) else []
    assert told[1][: len(before)] == before, "the results of another function differ"
    assert told[1][len(before) :] == [as_read(result.to_data()) for result in plan.results], (
        "results read otherwise"
    )
    assert read_resource_list(Stream(after)) is not None
    expected = loaded[0]
    if not plan.failed:
        # Images in the results of others are not ours, nor can they be set.
        expected = read_data(set_images(text, configured[0]).text)
        expected.pop("results", None)
    assert loaded[1] == expected, "something else than images and results differs"


def check_configured_stream(text: str) -> None:
    """In a pipe an ImageSetter may be among the resources."""
    try:
        found = configurations_in(Stream(text))
        config = require_images(decode(found), found)
    except ImageSetterError as error:
        check_told(error)
        return
    outcome = outcome_of(text, config, split=True)
    check_splitting(outcome, outcome_of(text, config, split=False))
    if outcome is not None:
        check_written(text, outcome.text)


def read_data(text: str) -> Any:
    """Return the one document of a text that is not empty."""
    (document,) = [data for data in data_of(text.removeprefix("\ufeff")) or () if data != NonString("")]
    return document


def as_read(data: Any) -> Any:
    """Return plain data as the reader gives them."""
    if isinstance(data, dict):
        return {key: as_read(value) for key, value in data.items()}
    return data if isinstance(data, str) else NonString(json.dumps(data))


# --- go-yaml -----------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """A text before and after a run, what differs, and the input that it came of."""

    before: str
    after: str
    differences: list[Difference]
    data: bytes


def go_yaml_is_there() -> bool:
    return shutil.which("kubectl") is not None


def check_go_yaml(pairs: list[Pair]) -> list[tuple[bytes, str]]:
    """Return the inputs whose text differs otherwise for kubectl, which reads with go-yaml, and how.

    One process reads them all. What it refuses before, it may refuse after; a resource that it does not take is
    left out on both sides.
    """
    with TemporaryDirectory() as folder:
        for number, pair in enumerate(pairs):
            for side, text in enumerate((pair.before, pair.after)):
                name = f"{number:05}-{side}"
                Path(folder, f"{name}-a.yaml").write_bytes(text.encode(errors="replace"))
                mark = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "end-of-text"}}
                Path(folder, f"{name}-b.yaml").write_text(json.dumps(mark), encoding="utf-8")
        command = ["kubectl", "annotate", "--local", "-o", "json", "-f", folder, "read-by=go-yaml"]
        # Outside of this folder it finds no cluster, and asks none.
        ran = subprocess.run(command, capture_output=True, check=False, timeout=600, env={"PATH": "/usr/bin:/bin:/usr/local/bin", "KUBECONFIG": "/dev/null"})  # fmt: skip
    texts: list[list[Any]] = [[]]
    decoder = json.JSONDecoder()
    output = ran.stdout.decode().lstrip()
    while output:
        resource, end = decoder.raw_decode(output)
        if (resource.get("metadata") or {}).get("name") == "end-of-text":
            texts.append([])
        else:
            texts[-1].append(resource)
        output = output[end:].lstrip()
    assert len(texts) == 2 * len(pairs) + 1, f"kubectl has not read all: {ran.stderr.decode()[:500]}"
    wrong = [(pair.data, how_go_differs(texts[2 * i], texts[2 * i + 1], pair.differences))
             for i, pair in enumerate(pairs)]  # fmt: skip
    return [(data, said) for data, said in wrong if said]


def how_go_differs(before: list[Any], after: list[Any], differences: list[Difference]) -> str:
    """Return what go-yaml reads that is not among `differences`; nothing where all is well.

    It may read more than before: it refuses the JSON escape of a slash, which a new image has no more.
    """
    if len(after) < len(before):
        return "go-yaml refuses what it read before"
    old, new = (scalars(as_text(resources)) for resources in (before, after[: len(before)]))
    if old.keys() != new.keys():
        return f"go-yaml reads another shape: {sorted(map(str, old.keys() ^ new.keys()))[:4]}"
    expected = {(difference.old, difference.new) for difference in differences}
    for location, value in old.items():
        if value != new[location] and (value, new[location]) not in expected:
            return f"go-yaml reads at {location}: {value!r} became {new[location]!r}"
    return ""


def as_text(data: Any) -> Any:
    """Return data with every number and boolean as text."""
    if isinstance(data, dict):
        return {key: as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_text(value) for value in data]
    return data if isinstance(data, str) else json.dumps(data)
