from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.images import Reference, check_reference
from krm_image_setter.images.tokens import find_tokens

D = "sha256:" + "f" * 64

NONE = [
    "",
    " ",
    "nginx",
    "command: nginx -g 'daemon off;'",
    "app=nginx",
    "app.kubernetes.io/name=nginx",
    "annotation `status.sidecar.istio.io/port` `node.kubernetes.io/type:a`",
    "--kinds=messaging.knative.dev/v1:Channel,sources.knative.dev/v1beta2:PingSource",
    "repo/x=repo/y=",
    "nginx: enabled",
    '"nginx": "on"',
    "Nginx/X:1",
    "/usr/sbin/nginx",
    "./repo/x",
    "../repo/x:1",
    "repo/x/",
    "https://example.com/repo/x:1",
    "docker:///repo/x:1",
    "s3://repo/x:1",
    "user@host.com",
    "a:b:c",
    "12:30:45",
    # placeholders, and the text that touches them
    "repo/x:${TAG}",
    "repo/x:$TAG",
    "repo/x:$(TAG)",
    "$REG/repo/x:1",
    "${REG}/repo/x:1",
    "${REG}repo/x:1",
    "repo/x:1-${ARCH}",
    "repo/x:1${SUFFIX}",
    "$(inputs.params.I)/repo/x:1",
    "repo/x:{{ .tag }}",
    "{{ .reg }}/repo/x:1",
    "repo/x:{BUILD}",
    "repo/x:#{BUILD}",
    "repo/x:%BUILD%",
    "repo/x:@BUILD@",
    "repo/x:<tag>",
    "repo/x<tag>",
    "<code>repo/x:<tag></code>",
    "<code>repo/<name>:1</code>",
    "repo/x:1*",
    "repo/x:1~",
    # placeholders that contain a part of a reference
    '{{ .reg | default "gcr.io/a" }}/repo/x:1',
    '{{ .name | default "repo/x:1" }}-debug',
    '{{ .name | default "repo/x" }}:1',
    '{{ .name | default "repo/x" }}',
    '"repo/x:{{ .tag | default "1" }}"',
    '{{ .reg }}{{ .name | default "repo/x:1" }}',
    '{{ default "repo/x:1" .a }}{{ default "repo/y:1" .b }}',
    '{{ printf "%s/%s" .reg "repo/x:1" }}',
    '{{ printf "repo/x:%s" .tag }}',
    '{{ .img | default (print .reg "repo/x:1") }}',
    "{{ reg ~ 'repo/x:1' }}",
    "{{ 'repo/x:1' + suffix }}",
    "{{ ['repo/x', '1'] | join(':') }}",
    '{{ fail "use repo/x:1" }}',
    '{{ .img | default "repo/x:1 " }}',
    "{{ .img | default repo/x:1 }}",
    '{{ default "repo/x:1" .img }}=',
    '{{ if eq .img "repo/x:1" }}',
    "{{ if .reg }}{{ .reg }}/{{ end }}repo/x:1",
    "${REG:-gcr.io}/repo/x:1",
    "${IMG:-repo/x}:1",
    "${IMG:-repo/x}",
    "${IMG:-repo/x:${TAG}}",
    "${IMG:-${REG}/repo/x:1}",
    "${IMG:-repo/x:1}${SUFFIX:-}",
    "${IMG:-'repo/x:1}",
    "${IMG:-repo/x:1",
    "${IMG:repo/x:1}",
    "${IMG%repo/x:1}",
    "$(IMG:-repo/x:1)",
    "repo/x:é",
    "ärepo/x:1",
    "repo/x:1…",
    "[::1]",
    "[::1]:5000",
]

SOME = [
    # text, with each reference in « »
    "«repo/x:1»",
    "«registry.istio.io/release/pilot»",
    "«registry.k8s.io/pause:3»",
    " «repo/x:1» ",
    "«repo/x»",
    "«nginx:1»",
    f"«nginx@{D}»",
    f"«localhost:5000/a/nginx:1@{D}»",
    "--image=«repo/x:1»",
    "--image «repo/x:1» --other repo",
    "-i=«repo/x:1»,«repo/y:2»",
    "docker://«repo/x:1»",
    "docker://«nginx»",
    "oci://«repo/x:1»",
    f"docker-pullable://«repo/x@{D}»",
    "docker-image://«repo/x:1»",
    "3.9.0=«quay.io/strimzi/kafka:1-kafka-3.9.0»\n3.8.0=«quay.io/strimzi/kafka:1-kafka-3.8.0»\n",
    '{"image":"«repo/x:1»","args":["«nginx:1»","nginx"]}',
    r'"{\"image\":\"«repo/x:1»\"}"',
    "[«repo/x:1», «repo/y:1»]",
    "{image: «repo/x:1»}",
    "{a: «repo/x:1»}{}",
    "IMAGE='«repo/x:1»'; run \"«repo/x:1»\"",
    "(«repo/x:1»)",
    "`«repo/x:1»`",
    "<«repo/x:1»>",
    "<image>«repo/x:1»</image>",
    '<image name="a">«repo/x:1»</image> <b>«repo/y:1»</b>',
    "docker run «repo/x:1»|tee>log&",
    "$(docker pull «repo/x:1»)",
    "use «repo/x:1».",
    "is it «repo/x:1»?",
    "«repo/x:1»!",
    "«repo/x:1.2»... and so on",
    "«repo/x:1»;«repo/y:1»",
    "FROM «repo/x:1» AS build\r\nFROM «repo/y:1»\r\n",
    "[::1]:5000/: «[::1]:5000/nginx:1»",
    "docker://«[::1]:5000/nginx»",
    "é «repo/x:1» 😀 «repo/y:1»",
    "$ docker run «repo/x:1»",
    # placeholders that contain a reference
    '{{ default "«repo/x:1»" .img }}',
    '"{{ .Values.image | default "«repo/x:1»" }}"',
    'image: {{ annotation .ObjectMeta `x.io/Image` "«repo/x:1»" }}',
    "{{- .img | default `«repo/x:1»` | quote -}}",
    "{{ img | default('«repo/x:1»') }}",
    "{{ '«repo/x:1»' if dev else '«repo/y:2»' }}",
    '{{ ternary "«repo/x:1»" "«repo/y:2»" (eq .env "dev") }}',
    '{{ coalesce .a .b "docker://«repo/x:1»" }}',
    '{{ or .a\n   "«repo/x:1»" }}',
    '{{ if .img }}{{ default "«repo/x:1»" .img }}{{ end }}',
    '{{ default "«cat/join:1»" .img }}',
    f'{{{{ .img | default "«repo/x@{D}»" }}}}',
    f'{{{{ .img | default "«[::1]:5000/x@{D}»" }}}}',
    r'{"image": "{{ .img | default \"«repo/x:1»\" }}"}',
    "${{ inputs.image || '«repo/x:1»' }}",
    '[{{ default "«repo/x:1»" .a }}, {{ default "«repo/y:1»" .b }}]',
    "docker run ${IMG:-«repo/x:1»} ${IMG-«repo/y:1»}",
    "${IMG:=«repo/x:1»}",
    '"${IMG:+«repo/x:1»}"',
    '${IMG:-"«repo/x:1»"}',
    r"{\"a\": \"${IMG:-\"«repo/x:1»\"}\"}",
    "$(or $(IMG),«repo/x:1»)",
    "IMG ?= «repo/x:1»",
]


@pytest.mark.parametrize("text", NONE)
def test_no_token(text: str) -> None:
    assert list(find_tokens(text)) == []


@pytest.mark.parametrize("marked", SOME)
def test_tokens(marked: str) -> None:
    pieces = marked.replace("»", "«").split("«")
    text = "".join(pieces)
    expected, position = [], 0
    for index, piece in enumerate(pieces):
        if index % 2:
            expected.append((position, position + len(piece), check_reference(piece)))
        position += len(piece)
    assert list(find_tokens(text)) == expected


REFERENCE = st.builds(
    Reference,
    st.sampled_from(["repo/x", "nginx", "gcr.io/a/b", "localhost:5000/a", "[::1]:5000/a"]),
    st.sampled_from(["1", "1.2-x", "latest"]),
    st.sampled_from([None, D]),
)
SEPARATOR = st.sampled_from(
    [" ", "\n", '"', "'", ",", ";", "|", "(", ")", "&", "`", "\t", "{ ", " }", " --i=", " docker://"]
)
CHARACTERS = st.sampled_from(
    [
        *"ab1A:/@.-_ =,[]{}$()<>\"'\\\né",
        "{{",
        "}}",
        "${",
        "${A:-",
        '{{ "',
        '" }}',
        "[::1]",
        "docker://",
        "sha256:",
        "a/b:1",
    ]
)


@given(st.lists(st.tuples(SEPARATOR, REFERENCE), max_size=6), SEPARATOR.filter(lambda text: "=" not in text))
def test_all_are_found(pieces: list[tuple[str, Reference]], end: str) -> None:
    text = "".join(separator + str(reference) for separator, reference in pieces) + end
    assert [token.reference for token in find_tokens(text)] == [reference for _, reference in pieces]


@given(st.lists(CHARACTERS, max_size=40).map("".join))
def test_laws(text: str) -> None:
    position = 0
    for start, end, reference in find_tokens(text):
        assert position <= start < end
        assert text[start:end] == str(reference)
        position = end
        # A character of a reference touches a token only in a scheme before it, or at the end of a sentence.
        assert not (start and text[start - 1].isalnum())
        assert not text[end : end + 1].isalnum()


@pytest.mark.parametrize(
    "piece",
    [
        "a", "a/", "a:", "{", "{{", "{{a", "{a", "$", "${", "${a", "$(a", "<", "<a", "[", "[:", "[a:", "[::1]",
        "=", "docker://", "a/b:1.",
        '{{"a', '{{""}}', "{{'", '{{if}}{{"a"}}', '"', '\\"', '${a:-"', "${a:-", "{{%", "{{`a",
    ],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    # A search that reads to the end from each start would take minutes for these texts.
    assert len(list(find_tokens(piece * 50_000))) <= 1


@pytest.mark.parametrize("piece", ['"', "'\"`", '"a" ', '"a/b" ', "`a\\", "if ", "print "])
def test_hostile_expression_takes_linear_time(piece: str) -> None:
    assert list(find_tokens(f"{{{{ {piece * 50_000} }}}}")) == []
    assert list(find_tokens(f"${{a:-{piece.replace(' ', '.') * 50_000}}}")) == []
