"""The cases of client-go's util/jsonpath tests with our own data, and the cases of paths to fields."""

from __future__ import annotations

from typing import Any

import pytest

from krm_image_setter.paths import PathError, format_location, parse_path

TYPES = {
    "bools": [True, False, True, False],
    "ints": [1, 2, 3, 4],
    "floats": [1.0, 2.2, 3.3, 4.0],
    "mixed": [True, "one", 1, 1.1],
    "maps": [{"name": "one", "value": 1}, {"name": "two", "value": 2.02}, {"name": "three"}, {"name": "four"}],
}
STORE = {
    "Name": "jsonpath",
    "Book": [
        {"Category": "reference", "Author": "Rees", "Price": 8.95},
        {"Category": "fiction", "Author": "Waugh", "Price": 12.99},
        {"Category": "fiction", "Author": "Melville", "Price": 8.99},
    ],
    "Bicycle": [
        {"Color": "red", "Price": 19.95, "IsNew": True},
        {"Color": "green", "Price": 20.01, "IsNew": False},
    ],
    "Labels": {"engineer": 10, "web/html": 15, "k8s-app": 20},
    "Employees": {"jason": "manager", "dan": "clerk"},
}
POINTS = [
    {"id": "i1", "x": 4, "y": -5},
    {"id": "i2", "x": -2, "y": -5, "z": 1},
    {"id": "i5", "x": 0, "y": 2, "z": 1},
    {"id": "i7", "x": None, "y": 4},
]
NODES = {
    "kind": "List",
    "items": [
        {
            "kind": "None",
            "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}},
            "status": {"capacity": {"cpu": "4"}, "ready": True, "addresses": [{"type": "L", "address": "a1"}]},
        },
        {
            "kind": "None",
            "metadata": {"name": "n2", "labels": {"kubernetes.io/hostname": "n2"}},
            "status": {
                "capacity": {"cpu": "8"},
                "ready": False,
                "addresses": [{"type": "L", "address": "a2"}, {"type": "other", "address": "a3"}],
            },
        },
    ],
    "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"password": "secret"}}],
}
PODS = {
    "items": [
        {"metadata": {"name": "p1", "annotations": {"color": "blue"}}, "status": {"phase": "Running"}},
        {"metadata": {"name": "p2"}, "status": {"phase": "Running"}},
        {"metadata": {"name": "p3", "annotations": {"color": "green"}}},
        {"resourceVersion": ""},
    ]
}
SIX = {"c": [{"name": f"f{n}"} for n in range(6)]}
NESTED = {
    "items": [
        {"name": "p1", "cs": [{"name": "a", "more": [{"name": "v1"}, {"name": "v2"}]}, {"name": "b"}]},
        {"name": "p2", "cs": [{"name": "c", "more": [{"name": "v3"}]}]},
    ]
}

CASES: list[tuple[str, Any, list[Any]]] = [
    # Paths that match nothing: client-go reports an error, or returns an empty result.
    ("{.hello}", STORE, []),
    ("{.Labels[0]}", STORE, []),
    ("{.Name.x}", STORE, []),
    ("{.Name[*]}", STORE, []),
    ("{.Labels[?(@.a)]}", STORE, []),
    ("{.c[0:0].name}", SIX, []),
    ("{.c[-1:0].name}", SIX, []),
    ("{.c[-7].name}", SIX, []),
    ("{.c[6].name}", SIX, []),
    ("{.c[9:9].name}", SIX, []),
    ("{.c[3:1].name}", SIX, []),
    ("{.c[-1:-2].name}", SIX, []),
    ("{.c[0:7].name}", SIX, []),
    ("{range .items[*]}{.name}{end}", {"items": []}, []),
    ("{.mixed[?(@>true)]}", TYPES, []),
    ('{.mixed[?(@=="x")]}', TYPES, []),
    ("{.a}", None, []),
    # Values.
    ("{ .bools[0] }", TYPES, [True]),
    ("{ .bools[-1] }", TYPES, [False]),
    ("{ .ints }", TYPES, [[1, 2, 3, 4]]),
    ("{ .ints[-2] }", TYPES, [3]),
    ("{ .ints[0:2] }", TYPES, [1, 2]),
    ("{ .ints[:2] }", TYPES, [1, 2]),
    ("{ .ints[:4:2] }", TYPES, [1, 3]),
    ("{ .floats[:4:2] }", TYPES, [1.0, 3.3]),
    ("{ .mixed[0:2] }", TYPES, [True, "one"]),
    ("{ .maps[::2].name }", TYPES, ["one", "three"]),
    ("{ .maps[1::2].name }", TYPES, ["two", "four"]),
    ("{ .maps[-2].name }", TYPES, ["three"]),
    ("{..}", [1, 2, 3], [[1, 2, 3]]),
    ("{[?(@<5)]}", [2, 6, 3, 7], [2, 3]),
    ('{"{"}', None, []),
    ("{[1,3,4]}", [0, 1, 2, 3, 4], [1, 3, 4]),
    ("{[0:2]}", ["Monday", "Tuesday"], ["Monday", "Tuesday"]),
    ("hello {.Name}", STORE, ["jsonpath"]),
    ("{$.Labels.web/html}", STORE, [15]),
    ("{$.Employees.dan}", STORE, ["clerk"]),
    ("{.Labels.k8s-app}", STORE, [20]),
    ("{.Bicycle[*].Color}", STORE, ["red", "green"]),
    ('{range .Bicycle[*]}{ "{" }{ @.* }{ "} " }{end}', STORE, ["red", 19.95, True, "green", 20.01, False]),
    ("{..Price}", STORE, [8.95, 12.99, 8.99, 19.95, 20.01]),
    ("{...Price}", STORE, [8.95, 12.99, 8.99, 19.95, 20.01]),
    ("{.Book[-1:].Author}", STORE, ["Melville"]),
    ("{..Book[2].Author}", STORE, ["Melville"]),
    ("{.Bicycle[?(@.IsNew==true)].Color}", STORE, ["red"]),
    ("{.Book[?(@.Price>=8.99)].Author}", STORE, ["Waugh", "Melville"]),
    ("{.Book[?(@.Price!=8.99)].Author}", STORE, ["Rees", "Waugh"]),
    ("{[?(@.z)].id}", POINTS, ["i2", "i5"]),
    ("{[0]['id']}", POINTS, ["i1"]),
    ("{[-1]['x']}", POINTS, [None]),
    ("{[?(@.x<=-2)].id}", POINTS, ["i2"]),
    ("{range .items[*]}{.metadata.name}, {end}{.kind}", NODES, ["n1", "n2", "List"]),
    ('{range .items[*]}{.metadata.name}{"\\t"}{end}', NODES, ["n1", "n2"]),
    ("{ range .items[*]}{.metadata.name}{  end }", NODES, ["n1", "n2"]),
    ("{.items[*].status.addresses[*].address}", NODES, ["a1", "a2", "a3"]),
    ("{range .items[*]}{range .status.addresses[*]}{.address}, {end}{end}", NODES, ["a1", "a2", "a3"]),
    ("{.items[*]['metadata.name', 'status.capacity']}", NODES, ["n1", "n2", {"cpu": "4"}, {"cpu": "8"}]),
    (
        "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
        NODES,
        ["n1", {"cpu": "4"}, "n2", {"cpu": "8"}],
    ),
    ('{.users[?(@.name=="e2e")].user.password}', NODES, ["secret"]),
    ("{.users[?(@.name=='e2e')].user.password}", NODES, ["secret"]),
    (r"{.items[0].metadata.labels.kubernetes\.io/hostname}", NODES, ["n1"]),
    (r'{.items[?(@.metadata.labels.kubernetes\.io/hostname=="n1")].kind}', NODES, ["None"]),
    ("{.items[?(@..ready==true)].metadata.name}", NODES, ["n1"]),
    ("{.._name}", {"a": {"_name": 1}}, [1]),
    ("{..name}", NODES, ["n1", "n2", "myself", "e2e"]),
    (
        '{range .items[*]}{.name}{"~"}{range @.cs[*]}{.name}{":"}{range '
        '@.more[*]}{.name}{","}{end}{"+"}{end}{"#"}{end}',
        NESTED,
        ["p1", "a", "v1", "v2", "b", "p2", "c", "v3"],
    ),
    ('{.items[?(@.metadata.annotations.color=="blue")].metadata.name}', PODS, ["p1"]),
    ('{range .items[?(.status.phase=="Running")]}{.metadata.name}{" is Running\\n"}{end}', PODS, ["p1", "p2"]),
    ("{.c[0:-1].name}", SIX, ["f0", "f1", "f2", "f3", "f4"]),
    ("{.c[-2:].name}", SIX, ["f4", "f5"]),
    ("{.c[-6].name}", SIX, ["f0"]),
    ("{.c[0:].name}", SIX, ["f0", "f1", "f2", "f3", "f4", "f5"]),
    ("{.c[0:6:].name}", SIX, ["f0", "f1", "f2", "f3", "f4", "f5"]),
    ("{.c[1:4:2].name}", SIX, ["f1", "f3"]),
    ("{.c[1:4:4].name}", SIX, ["f1"]),
    ("{.c[0:6:5].name}", SIX, ["f0", "f5"]),
    # Filters whose texts have brackets, quotes and braces.
    ('{[?(@.os == "()")].id}', [{"os": "()", "id": 1}], [1]),
    ('{[?(@.os == "(\\"\\")")].id}', [{"os": '("")', "id": 1}], [1]),
    ('{[?(@.os == "())(")].id}', [{"os": "())(", "id": 1}], [1]),
    ("{[?(@.os == 'Linux')].id}", [{"os": "Linux", "id": 1}], [1]),
    ('{[?(@.os == "{[()]}")].id}', [{"os": "{[()]}", "id": 1}], [1]),
    ("{[?(@.os == \"''\")].id}", [{"os": "''", "id": 1}], [1]),
    ("{[?(@.os == '\"\"')].id}", [{"os": '""', "id": 1}], [1]),
    ("{[?(@.os == '\\\\\\'')].id}", [{"os": "\\'", "id": 1}], [1]),
    # kubectl's relaxed form, and keys with dots.
    ("Name", STORE, ["jsonpath"]),
    (".Name", STORE, ["jsonpath"]),
    ("{Name}", STORE, ["jsonpath"]),
    (" {.Name} ", STORE, ["jsonpath"]),
    ("[0].id", POINTS, ["i1"]),
    ("{['a.b']}", {"a.b": 1, "a": {"b": 2}}, [1]),
    ("{['a.b']}", {"a": {"b": 2}}, [2]),
    ("{['a b']}", {"a b": 1}, [1]),
    ("{['x.io/image']}", {"x.io/image": 1}, [1]),
    ("{.a.*.i}", {"a": {"x": {"i": 1}, "y": {"i": 2}}}, [1, 2]),
    ("{.a}{.a}", {"a": 1}, [1]),
]


@pytest.mark.parametrize("path, data, values", CASES, ids=[case[0] for case in CASES])
def test_values(path: str, data: Any, values: list[Any]) -> None:
    matches = parse_path(path).find(data)
    assert [match.value for match in matches] == values
    for location, value in matches:
        found = data
        for step in location:
            found = found[step]
        assert found is value


@pytest.mark.parametrize(
    "path, column, message",
    [
        ("{.hello", 8, "missing closing }"),
        ("{*}", 2, 'unexpected "*"'),
        ("{\\\\\\}", 6, "missing closing }"),
        ("hello jsonpath", 7, 'unexpected "jsonpath"'),
        ("{+12.3.0}", 2, 'invalid number "+12.3.0"'),
        ("{[1}", 2, "missing closing ]"),
        ("{[?(.price]}", 2, "missing closing )] of the filter"),
        ("{[?(.price)}", 2, "missing ] after the ) of the filter"),
        ("{........}", 4, "two consecutive `..`"),
        ("{.a[?(@.Price<>10)]}", 14, 'unknown operator "<>"'),
        ("{range .a[*]}{@}{end}{end}", 22, "{end} without {range}"),
        ("{range .a[*]}{@}", 1, "{range} without {end}"),
        ("{.a[0:6:0]}", 4, "the step of a slice must be positive"),
        ("{.a[0:6:-1]}", 4, "the step of a slice must be positive"),
        ("{.a[x]}", 4, 'invalid index "[x]"'),
        ("{.a[]}", 4, 'invalid index "[]"'),
        ("{.a[-]}", 4, 'invalid index "[-]"'),
        ("{.a[1:-]}", 4, "invalid slice"),
        ('{.a "x}', 5, 'missing closing "'),
        (".a[", 3, "missing closing ]"),
        ("", 1, "path is empty"),
        ("a//b", 3, "empty key in the path"),
        ("$.a[", None, "invalid JSONPath"),
    ],
)
def test_error_path(path: str, column: int | None, message: str) -> None:
    with pytest.raises(PathError) as caught:
        parse_path(path)
    assert message in caught.value.message
    if column is not None:
        assert caught.value.column == column


@pytest.mark.parametrize(
    "path, data, values",
    [
        ("$.len", {"a": 1}, []),
        ("$.a.`len`", {"a": [1]}, []),
        ("$.spec.image", {"spec": {"image": "x"}}, ["x"]),
        ("$.a[*].b", {"a": [{"b": 1}, {"c": 2}, {"b": 3}]}, [1, 3]),
        ("$..b", {"a": [{"b": 1}], "b": 2}, [1, 2]),
        ("$.a[?(@.n == 'x')].b", {"a": [{"n": "x", "b": 1}, {"n": "y", "b": 2}]}, [1]),
        ("spec/image", {"spec": {"image": "x"}}, ["x"]),
        ("spec/list[]/image", {"spec": {"list": [{"image": 1}, {}, 3, {"image": 2}]}}, [1, 2]),
        ("spec/list/image", {"spec": {"list": [{"image": 1}, [{"image": 2}]]}}, [1, 2]),
        ("spec/list[]", {"spec": {"list": "x"}}, []),
        ("metadata/annotations/x.io\\/image", {"metadata": {"annotations": {"x.io/image": 1}}}, [1]),
        ("/spec/image", {"spec": {"image": "x"}}, ["x"]),
    ],
)
def test_other_notations(path: str, data: Any, values: list[Any]) -> None:
    assert sorted(match.value for match in parse_path(path).find(data)) == values


def test_format_location() -> None:
    assert format_location(("spec", "a-b", 0, "x.io/image", "it's")) == "spec.a-b[0]['x.io/image']['it\\'s']"
    assert format_location(("x.y", "a")) == "['x.y'].a"
