"""Paths with `$` match the same locations as in jsonpath-ng, each once. Operators that can take very long are errors."""

from __future__ import annotations

import warnings
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_ng.ext import parser

from krm_image_setter.paths import PathError, parse_path

DATA: Final[dict[str, Any]] = {
    "a": [{"b": "c", "image": "x:1", "k": [1, 2]}, {"b": "d", "image": "x:2", "k": []}],
    "x": {"image": "x:3", "y": {"image": "x:4", "x": {"image": "x:5"}}},
    "m": "c",
    "a-b": {"image": "x:6"},
    "s/t": "x:7",
}
FOUND: Final = [
    pytest.param("$..image", ["x:1", "x:2", "x:3", "x:4", "x:5", "x:6"], id="descendants"),
    pytest.param("$..x..image", ["x:3", "x:4", "x:5"], id="descendants of nested descendants"),
    pytest.param("$..*..*..image", ["x:1", "x:2", "x:4", "x:5"], id="three levels of descendants"),
    pytest.param("$.a[-1].image", ["x:2"], id="index from the end"),
    pytest.param("$.a[0,-1,0,1].image", ["x:1", "x:2"], id="union of equal indexes"),
    pytest.param("$['x','x','a-b'].image", ["x:3", "x:6"], id="union of equal keys"),
    pytest.param("$.a[0:1].image", ["x:1"], id="slice"),
    pytest.param("$.(a|x)..image", ["x:1", "x:2", "x:3", "x:4", "x:5"], id="union of paths"),
    pytest.param("$.(x|x|(x|x)).image", ["x:3"], id="union of equal paths"),
    pytest.param("$.a[*].`parent`[*].`parent`[*].image", ["x:1", "x:2"], id="parents"),
    pytest.param("$.a[*].$.a[*].image", ["x:1", "x:2"], id="root after a wildcard"),
    pytest.param("$.* where image", [DATA["x"], DATA["a-b"]], id="where"),
    pytest.param("$.a[*].k wherenot b", [[1, 2], []], id="wherenot"),
    pytest.param("$.a[?(@.b == 'c')].image", ["x:1"], id="filter"),
    pytest.param("$.a[?(@.k.`len` > 1)].image", ["x:1"], id="filter with len"),
    pytest.param("$.a[?(@.k[*] == 2)].image", ["x:1"], id="filter with a wildcard"),
    pytest.param("$.a[?(@.b == 'a * b + c / d - e')].image", [], id="operators in quotes"),
    pytest.param("$.a-b.image", ["x:6"], id="hyphen in a key"),
    pytest.param("$['s/t']", ["x:7"], id="slash in a quoted key"),
    pytest.param("$.a.`len`", [], id="value that is not a field"),
    pytest.param("$" + ".a" * 4_000, [], id="4,000 steps"),
]


@pytest.mark.parametrize(("path", "values"), FOUND)
def test_path_matches_each_field_once(path: str, values: list[Any]) -> None:
    matches = parse_path(path).find(DATA)
    assert [match.value for match in matches] == values
    assert len({match.location for match in matches}) == len(matches)
    for location, value in matches:
        at: Any = DATA
        for step in location:
            at = at[step]
        assert at is value


REFUSED: Final = [
    pytest.param("$.a[*] * 1000000000", 8, "arithmetic", id="string times a number"),
    pytest.param("$.m * 3", 5, "arithmetic", id="field times a number"),
    pytest.param("$.a.* * 2", 7, "arithmetic", id="wildcard times a number"),
    pytest.param("$.m + 'x'", 5, "arithmetic", id="sum"),
    pytest.param("$.a[0].k[0] - 1", 13, "arithmetic", id="difference"),
    pytest.param("$.m / 2", 5, "arithmetic", id="quotient"),
    pytest.param("$.a[?(@.m * 2 == 'cc')].image", 11, "arithmetic", id="product in a filter"),
    pytest.param("$.s/t", 4, "quote a key that contains an operator: ['a/b']", id="slash in a key"),
    pytest.param("$.a.`sorted`", 5, "cannot sort", id="sorted"),
    pytest.param("$.a[/b].image", 5, "cannot sort", id="sorted by a field"),
    pytest.param("$.a[\\b, /image]", 5, "cannot sort", id="sorted by two fields"),
    pytest.param("$.m.`split(c, *, -1)`", 5, "cannot sort, split", id="split"),
    pytest.param("$.a.`str()`", 5, "cannot sort, split or convert", id="str"),
    pytest.param("$.m.`sub(/(c+)+$/, d)`", 5, "regular expression", id="sub"),
    pytest.param("$.a[?(@.b =~ '(c+)+$')].image", 11, "cannot use a regular expression", id="=~"),
    pytest.param("$.a[?(@..b)]", None, "name one field", id="descendants in a filter"),
    pytest.param("$.a[?(@.`parent`)]", None, "name one field", id="parent in a filter"),
    pytest.param("$.a[?(@['b','k'])]", None, "name one field", id="union in a filter"),
    pytest.param("$.a[?(@.k[0,-1])]", None, "name one field", id="union of indexes in a filter"),
    pytest.param("$.a[?($.a[*].b)]", None, "in a filter that uses $", id="root and a wildcard in a filter"),
    pytest.param("$.a[?($.a[?(@.b)])]", None, "in a filter that uses $", id="root and a filter in a filter"),
    pytest.param("$.a where ($..b)", None, "name one field", id="descendants in where"),
    pytest.param("$" + ".a" * 5_000, None, "the limit of a path with $ is 10,000", id="10,001 characters"),
    pytest.param("$.a[", None, "invalid JSONPath", id="bracket that is not closed"),
]


@pytest.mark.parametrize(("path", "column", "said"), REFUSED)
def test_path_of_unbounded_cost_is_refused_with_column(path: str, column: int | None, said: str) -> None:
    with pytest.raises(PathError) as caught:
        parse_path(path)
    assert said in caught.value.message
    assert caught.value.column == column


KEYS: Final = st.sampled_from(["a", "b", "image"])
DATA_OF_ANY_SHAPE: Final = st.recursive(
    st.sampled_from(["x:1", "x:2", 1, 2, True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
STEPS: Final = st.sampled_from(
    [
        ".a", "..b", "..image", ".*", "[*]", "[0]", "[-1]", "[0,1]", "['a','b']", "[0:2]", ".(a|b)", "[?(@.a)]",
        "[?(@.b == 1)]",
    ]
)  # fmt: skip


@given(st.lists(STEPS, min_size=1, max_size=4), DATA_OF_ANY_SHAPE)
def test_path_matches_the_fields_that_jsonpath_ng_finds(steps: list[str], data: Any) -> None:
    path = "$" + "".join(steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jsonpath-ng warns that it will remove the operator |
        found = parser.parse(path).find(data)
    expected = {
        tuple(int(step.strip("[]")) if step.startswith("[") else step for step in str(datum.full_path).split("."))
        for datum in found
        if datum.context is not None
    }
    matched = {match.location for match in parse_path(path).find(data)}
    assert {_from_start(data, location) for location in expected} == matched - {()}


def _from_start(data: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a location without indexes that count from the end."""
    steps: list[str | int] = []
    for step in location:
        steps.append(step + len(data) if isinstance(step, int) and step < 0 else step)
        data = data[step]
    return tuple(steps)
