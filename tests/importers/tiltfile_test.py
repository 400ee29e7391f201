from __future__ import annotations

from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from importers.acceptance import accepted, source

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Imported, Note
from krm_image_setter.importers.tiltfile import import_tiltfile

HEAD = """\
# Imported from Tiltfile; comments contain the line of the source.
apiVersion: krm-image-setter.dev/v1alpha1
kind: ImageSetter
metadata:
  name: set-images
"""
GIVE = """\
# A Tiltfile does not contain the new references. Pass each as an argument, or replace
# NEW-REFERENCE below and remove the first # of these lines.
# images:
"""
KINDS = """\
# Kinds here must match completely and case-sensitively; Tilt matches any part and ignores case.
kinds:
"""
NOTHING = (1, "no images or image paths found in this file")


def read_tiltfile(text: str) -> Imported:
    return accepted(import_tiltfile(source(text, "Tiltfile")))


def imported(body: str, *notes: tuple[int, str]) -> Imported:
    return Imported(HEAD + body, tuple(Note(*note) for note in notes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# k8s_kind('KafkaConnect', image_json_path='{.spec.image}')\n",
        "k8s_yaml('kafka.yaml')\nk8s_resource('connect', port_forwards=8083)\n",
        "k8s_kind('KafkaConnect')\n",
        "k8s_kind('KafkaConnect', pod_readiness='wait')\n",
        "k8s_kind('KafkaConnect', api_version=None, image_json_path=[])\n",
        "k8s_kind('KafkaConnect', image_json_path=['', None], image_object={})\n",
        "k8s_kind(kind, pod_readiness=mode)\n",
        "k8s_image_json_path([], kind='KafkaConnect')\n",
        "default_registry('')\n",
        "docker_compose('compose.yaml')\n",
        "load('ext://restart_process', 'docker_build_with_restart', custom='custom_build_with_restart')\n",
        "load('ext://namespace', 'namespace_create', 'namespace_inject')\nload('ext://uibutton', 'cmd_button')\n",
        "load('ext://helm_resource', 'helm_resource', 'helm_repo')\nhelm_resource('a', 'b/a', flags=['--version=1'])\n",
        "k8s_custom_deploy('x', 'make', 'make -n', [], image_deps=[])\n",
        "def k8s_kind(kind, image_json_path):\n  pass\nk8s_kind('A', '{.a}')\n",
    ],
)
def test_tiltfile_without_images(text: str) -> None:
    assert read_tiltfile(text) == imported("", NOTHING)


KIND_CASES = [
    # id, Tiltfile, the entries of `kinds`, notes
    (
        "one path",
        "k8s_kind('KafkaConnect', image_json_path='{.spec.image}')\n",
        """\
        # line 1
        - kind: KafkaConnect
          paths: "{.spec.image}"
        """,
    ),
    (
        "several paths",
        "k8s_kind('Foo', image_json_path=['{.spec.a}', '{.spec.b}', '{.spec.a}'])\n",
        """\
        # line 1
        - kind: Foo
          paths:
          - "{.spec.a}"
          - "{.spec.b}"
        """,
    ),
    (
        "calls for one kind add up",
        "k8s_kind('Foo', image_json_path='{.spec.a}')\nk8s_kind('Bar', image_json_path='{.spec.a}')\n"
        "k8s_kind('Foo', image_json_path=('{.spec.b}',))\nk8s_kind('Foo', image_json_path='{.spec.a}')\n",
        """\
        # line 1
        # line 3
        # line 4
        - kind: Foo
          paths:
          - "{.spec.a}"
          - "{.spec.b}"
        # line 2
        - kind: Bar
          paths: "{.spec.a}"
        """,
    ),
    (
        "an image in two fields",
        "k8s_kind('Foo', image_object={'json_path': '{.spec.image}', 'repo_field': 'repo', 'tag_field': 'tag'})\n"
        "k8s_kind('Foo', image_json_path='{.spec.sidecar}')\n",
        """\
        # line 1
        # line 2
        - kind: Foo
          paths:
          - path: "{.spec.image}"
            fields:
              repository: repo
              tag: tag
          - "{.spec.sidecar}"
        """,
    ),
    (
        "every selector",
        "k8s_image_json_path('{.a}', 'example.com/v1', 'Foo', 'bar', 'dev')\n"
        "k8s_image_json_path(paths=['{.b}'], namespace='dev', name='bar', kind='Foo', "
        "api_version='example.com/v1')\n",
        """\
        # line 1
        # line 2
        - kind: Foo
          apiVersion: example.com/v1
          name: bar
          namespace: dev
          paths:
          - "{.a}"
          - "{.b}"
        """,
    ),
    (
        "no kind",
        "k8s_image_json_path('{.a}', name='bar')\n",
        """\
        # line 1
        - name: bar
          paths: "{.a}"
        """,
    ),
    (
        "a loop over literals",
        "PATH = '{.spec.' + 'a}'\nfor kind in ['Foo', 'Bar']:\n    k8s_kind(kind, image_json_path=PATH)\n",
        """\
        # line 3
        - kind: Foo
          paths: "{.spec.a}"
        # line 3
        - kind: Bar
          paths: "{.spec.a}"
        """,
    ),
    (
        "a condition",
        "if os.getenv('CI'):\n    k8s_kind('Foo', image_json_path='{.a}')\n"
        "else:\n    k8s_kind('Foo', image_json_path='{.b}')\n",
        """\
        # line 2, if the condition at line 1 holds
        # line 4, if the condition at line 1 holds
        - kind: Foo
          paths:
          - "{.a}"
          - "{.b}"
        """,
    ),
    (
        "one of several kinds",
        "k8s_kind('^(Foo|Bar)$', image_json_path='{.a}')\nk8s_kind('Baz|Qux.*', image_json_path='{.b}')\n",
        """\
        # line 1
        - kind: Foo
          paths: "{.a}"
        # line 1
        - kind: Bar
          paths: "{.a}"
        # line 2
        - kind: Baz
          paths: "{.b}"
        # line 2
        - kind: Qux*
          paths: "{.b}"
        """,
    ),
    (
        "what has to be quoted",
        "k8s_image_json_path('{.a[\\'b: c # \"d\" é \U0001f600\\']}', name='007', namespace='no')\n",
        """\
        # line 1
        - name: "007"
          namespace: "no"
          paths: "{.a['b: c # \\"d\\" é \U0001f600']}"
        """,
    ),
]


@pytest.mark.parametrize("text, entries", [case[1:] for case in KIND_CASES], ids=[case[0] for case in KIND_CASES])
def test_kinds(text: str, entries: str) -> None:
    assert read_tiltfile(text) == imported(KINDS + dedent(entries))


PATTERNS = [
    # parameter, Tilt's regular expression, our pattern
    ("kind", "KafkaConnect", "KafkaConnect"),
    ("kind", "^KafkaConnect$", "KafkaConnect"),
    ("kind", "(?i)^KafkaConnect$", "KafkaConnect"),
    ("kind", "^Kafka", "Kafka*"),
    ("kind", "Connect$", "*Connect"),
    ("kind", "Kafka.*", "Kafka*"),
    ("kind", "^Kafka.*$", "Kafka*"),
    ("kind", "^Kafka.*", "Kafka*"),
    ("kind", "Kafka.+", "Kafka?*"),
    ("kind", "Kafka.onnect", "Kafka?onnect"),
    ("kind", ".*", "*"),
    ("kind", "(?:Foo)", "Foo"),
    ("api_version", "apps/v1", "apps/v1"),
    ("api_version", "kafka.strimzi.io/v1beta2", "kafka.strimzi.io/v1beta2"),
    ("api_version", r"kafka\.strimzi\.io/.*", "kafka.strimzi.io/*"),
    ("api_version", "kafka.strimzi.io", "kafka.strimzi.io/*"),
    ("api_version", "Kafka.Strimzi.io/", "kafka.strimzi.io/*"),
    ("api_version", "/v1beta2", "*/v1beta2"),
    ("api_version", "v1", "*v1"),
    ("api_version", "^v1$", "v1"),
    ("api_version", "^apps/", "apps/*"),
    ("api_version", "strimzi.*", "strimzi*"),
    ("name", "connect-1", "connect-1"),
    ("name", "My-Connect", "my-connect"),
    ("name", r"a\.b\-c", "a.b-c"),
    ("name", "^connect", "connect*"),
    ("namespace", ".*-dev", "*-dev"),
]


def _tiltfile(parameter: str, regexp: str) -> str:
    kind = "" if parameter == "kind" else "kind='K', "
    return f"k8s_image_json_path('{{.a}}', {kind}{parameter}={regexp!r})\n"


@pytest.mark.parametrize("parameter, regexp, pattern", PATTERNS)
def test_regular_expression_becomes_a_pattern(parameter: str, regexp: str, pattern: str) -> None:
    text, notes = read_tiltfile(_tiltfile(parameter, regexp))
    field = {"api_version": "apiVersion"}.get(parameter, parameter)
    entry = {"kind": "K"} | ({field: pattern} if pattern else {}) | {"paths": "{.a}"}
    assert (yaml.safe_load(text)["kinds"], notes) == ([entry], ())


@pytest.mark.parametrize("parameter", ["kind", "api_version", "name", "namespace"])
@pytest.mark.parametrize(
    "regexp",
    [
        "[Kk]afka",
        "Kafkas?",
        "Kafka+",
        "K*afka",
        "K.?afka",
        "K.*?afka",
        "Kafka{2}",
        "K.{2}",
        r"K\w+",
        r"K\d",
        r"K\$",
        "(A)(B)",
        "A(B|C)",
        "A|",
        "A||B",
        "(|A)",
        "^^A",
        "A$$",
        "A B",
        "(?s)A",
        r"\AK",
        "A$B",
        "^$",
        "(?i)",
    ],
)
def test_regular_expression_without_a_pattern_is_noted(parameter: str, regexp: str) -> None:
    reason = f'`{parameter}`: the regular expression "{regexp}" has no equivalent with * and ?'
    message = f"k8s_image_json_path: not imported: {reason}; add the entry by hand"
    assert read_tiltfile(_tiltfile(parameter, regexp)) == imported("", (1, message))


IMAGE_CASES = [
    # id, Tiltfile, what follows the head
    (
        "no default registry",
        "docker_build('api', '.')\ncustom_build(ref='ghcr.io/acme/web:dev', command='make', deps=['web'])\n",
        GIVE
        + """\
# # line 1
# # --image api=NEW-REFERENCE
# - name: api
#   newImage: NEW-REFERENCE
# # line 2
# # --image ghcr.io/acme/web:dev=NEW-REFERENCE
# - name: ghcr.io/acme/web:dev
#   newImage: NEW-REFERENCE
""",
    ),
    (
        "in environment variables",
        "docker_build('api', '.', match_in_env_vars=True)\ncustom_build('web', 'make', ['web'], "
        "match_in_env_vars=False)\n",
        GIVE
        + """\
# # line 1
# - name: api
#   newImage: NEW-REFERENCE
#   env: true
# # line 2
# # --image web=NEW-REFERENCE
# - name: web
#   newImage: NEW-REFERENCE
""",
    ),
    (
        "a default registry",
        "default_registry('ttl.sh/me')\ndocker_build('api', '.')\ndocker_build('web', '.', "
        "match_in_env_vars=True)\n",
        """\
images:
# line 2
- name: api
# line 3
- name: web
  env: true
# line 1
defaultRegistry:
  host: ttl.sh/me
""",
    ),
    (
        "a default registry with all its arguments",
        "default_registry('localhost:5005', host_from_cluster='registry:5000', single_name='dev')\n",
        """\
# line 1
# host as seen from the cluster; Tilt pushes to localhost:5005
defaultRegistry:
  host: registry:5000
  singleName: dev
""",
    ),
    (
        "one default registry, twice",
        "if ci:\n  default_registry('ttl.sh', None, '')\nelse:\n  default_registry('ttl.sh')\n",
        """\
# line 2, if the condition at line 1 holds
# line 4, if the condition at line 1 holds
defaultRegistry:
  host: ttl.sh
""",
    ),
    (
        "one image, twice",
        "default_registry('ttl.sh')\nif ci:\n  docker_build('api', '.')\nelse:\n  custom_build('api', 'make', "
        "['.'], match_in_env_vars=True)\n",
        """\
images:
# line 3, if the condition at line 2 holds
# line 5, if the condition at line 2 holds
- name: api
  env: true
# line 1
defaultRegistry:
  host: ttl.sh
""",
    ),
    (
        "extensions",
        "load('ext://restart_process', 'docker_build_with_restart', build='custom_build_with_restart')\n"
        "load('ext://ko', 'ko_build')\nload('ext://earthly', 'earthly_build')\ndefault_registry('ttl.sh')\n"
        "docker_build_with_restart('a', '.', '/a', live_update=[])\nbuild('b', 'make', ['.'], '/b', [])\n"
        "ko_build('c', './cmd/c')\nearthly_build('.', '+docker', 'd', '--image')\n",
        """\
images:
# line 5
- name: a
# line 6
- name: b
# line 7
- name: c
# line 8
- name: d
# line 4
defaultRegistry:
  host: ttl.sh
""",
    ),
]


@pytest.mark.parametrize("text, body", [case[1:] for case in IMAGE_CASES], ids=[case[0] for case in IMAGE_CASES])
def test_images(text: str, body: str) -> None:
    assert read_tiltfile(text) == imported(body)


DEPLOY = "Tilt passes the images in `image_deps` to the command; run krm-image-setter on the YAML it applies"
HOST = "expected HOST or HOST/PATH, such as localhost:5000 or docker.io/org"


def not_a_literal(line: int, call: str, parameter: str, shown: str) -> tuple[int, str]:
    return line, f'{call}: not imported: `{parameter}` is "{shown}", not a literal; add the entry by hand'


NOTES = [
    # Tiltfile, note; nothing is written
    ("\ndocker_build(ref(), '.')\n", not_a_literal(2, "docker_build", "ref", "ref()")),
    ("docker_build(context='.')\n", (1, "docker_build: not imported: missing argument `ref`")),
    ("docker_build('a\\nb', '.')\n", not_a_literal(1, "docker_build", "ref", "'a\\nb'".replace("\n", "\\n"))),
    (
        "docker_build('\\ud800', '.')\n",
        not_a_literal(1, "docker_build", "ref", "'\\ud800'".replace("\ud800", "\\ud800")),
    ),
    (
        "for i in images():\n  docker_build(i, '.')\n",
        not_a_literal(2, "docker_build, in the loop at line 1", "ref", "i"),
    ),
    (
        "def build(i):\n  docker_build(i, '.')\nbuild(x)\n",
        not_a_literal(3, "docker_build, in build(), called at line 3", "ref", "x"),
    ),
    (
        "default_registry(\n  read_json('x.json')['host'])\n",
        not_a_literal(2, "default_registry", "host", "read_json('x.json')['host']"),
    ),
    ("k8s_kind(kind, image_json_path='{.a}')\n", not_a_literal(1, "k8s_kind", "kind", "kind")),
    ("k8s_kind('', image_json_path='{.a}')\n", (1, "k8s_kind: not imported: missing argument `kind`")),
    ("k8s_kind('A', image_json_path=path)\n", not_a_literal(1, "k8s_kind", "image_json_path", "path")),
    ("k8s_kind('A', image_json_path=7)\n", not_a_literal(1, "k8s_kind", "image_json_path", "7")),
    ("k8s_kind('A', image_json_path='{.a}', api_version=v)\n", not_a_literal(1, "k8s_kind", "api_version", "v")),
    ("k8s_kind('A', image_object=o)\n", not_a_literal(1, "k8s_kind", "image_object", "o")),
    (
        "k8s_kind('A', image_object={'json_path': '{.a}'})\n",
        not_a_literal(1, "k8s_kind", "image_object", "{'json_path': '{.a}'}"),
    ),
    (
        "k8s_kind('A', image_object={'json_path': x, 'repo_field': 'r', 'tag_field': 't'})\n",
        not_a_literal(1, "k8s_kind", "image_object", "{'json_path': x, 'repo_field': 'r', 'tag_field': 't'}"),
    ),
    (
        "k8s_image_json_path('{.a}')\n",
        (
            1,
            "k8s_image_json_path: not imported: missing argument `kind`, `name` or `namespace`, which Tilt "
            "requires too",
        ),
    ),
    (
        "k8s_image_json_path('{.a}', api_version='v1')\n",
        (
            1,
            "k8s_image_json_path: not imported: missing argument `kind`, `name` or `namespace`, which Tilt "
            "requires too",
        ),
    ),
    (
        "docker_build(\n  'App', '.')\n",
        (2, 'docker_build: not imported: invalid image reference "App": the name must be lowercase'),
    ),
    (
        "k8s_kind('A', image_json_path=['{.a'])\n",
        (1, 'k8s_kind: not imported: image_json_path "{.a": missing closing } (column 4 of the path)'),
    ),
    (
        "k8s_kind('A', image_object={'json_path': '{', 'repo_field': 'r', 'tag_field': 't'})\n",
        (1, 'k8s_kind: not imported: image_object "{": missing closing } (column 2 of the path)'),
    ),
    (
        "k8s_image_json_path('{.b', 'v1', 'A')\n",
        (1, 'k8s_image_json_path: not imported: paths "{.b": missing closing } (column 4 of the path)'),
    ),
    (
        "default_registry('https://ttl.sh')\n",
        (1, f'default_registry: not imported: invalid registry "https://ttl.sh"; {HOST}'),
    ),
    (
        "default_registry('ttl.sh', host_from_cluster='registry:5000/')\n",
        (1, f'default_registry: not imported: invalid registry "registry:5000/"; {HOST}'),
    ),
    (
        "default_registry('ttl.sh', single_name='a:1')\n",
        (
            1,
            'default_registry: not imported: invalid repository name "a:1"; '
            "expected a name without a tag, such as my-team/dev",
        ),
    ),
    (
        "include('./api/Tiltfile')\n",
        (1, 'include: not imported: "./api/Tiltfile" was not read; import it separately'),
    ),
    (
        "load('./lib.star', 'docker_build_with_restart')\n",
        (
            1,
            'load: not imported: "./lib.star" was not read; import it separately, '
            "and copy the functions that this file calls into this file",
        ),
    ),
    (
        "load('ext://knative', 'knative_install')\n",
        (1, 'load: not imported: "ext://knative" was not read; add its entries by hand'),
    ),
    ("load('ext://ko', build=x)\n", (1, 'load: not imported: "ext://ko" was not read; add its entries by hand')),
    ("x = load_dynamic(path)\n", not_a_literal(1, "load_dynamic", "path", "path")),
    ("helm_resource('a', 'c', image_deps=['a'])\n", (1, f"helm_resource: not imported: {DEPLOY}")),
    ("k8s_custom_deploy('a', 'x', 'y', [], image_deps=x)\n", (1, f"k8s_custom_deploy: not imported: {DEPLOY}")),
]


@pytest.mark.parametrize("text, note", NOTES)
def test_call_that_cannot_be_imported_is_noted(text: str, note: tuple[int, str]) -> None:
    assert read_tiltfile(text) == imported("", note)


def test_image_without_a_name_in_the_default_registry_is_noted() -> None:
    found = read_tiltfile(
        "default_registry('ttl.sh')\ndocker_build('a', '.')\nif x:\n  docker_build('Y/b', '.')\n"
    )
    message = (
        'default_registry: not imported: cannot move "Y/b" to registry "ttl.sh": '
        'invalid image reference "ttl.sh/Y_b": the name must be lowercase; set `newName`'
    )
    assert found.notes == (Note(4, message),)
    assert [image["name"] for image in yaml.safe_load(found.text)["images"]] == ["a"]


def test_partly_known_calls_are_imported() -> None:
    text = (
        "k8s_kind('opennms', image_json_path=['{.a}', path, '{.b}'])\n"
        "default_registry('ttl.sh')\n"
        "default_registry('ghcr.io')\n"
        "docker_build('api', '.', match_in_env_vars=in_env)\n"
        "docker_build('web', '.', **options)\n"
    )
    assert read_tiltfile(text) == imported(
        """\
images:
# line 4
- name: api
# line 5
- name: web
# line 2
defaultRegistry:
  host: ttl.sh
"""
        + KINDS
        + """\
# line 1
- kind: opennms
  paths:
  - "{.a}"
  - "{.b}"
""",
        (1, 'k8s_kind: not imported: `image_json_path` is "path", not a literal; add the entry by hand'),
        (1, 'k8s_kind: imported, but "opennms" is case-sensitive here and not in Tilt; correct its case'),
        (3, 'default_registry: not imported: "ghcr.io" is a second default registry; the first is used'),
        (
            4,
            'docker_build: not imported: `match_in_env_vars` is "in_env", not a literal; add the entry by hand',
        ),
        (
            5,
            'docker_build: not imported: `match_in_env_vars` is "options", not a literal; add the entry by hand',
        ),
    )


KAFKA_CONNECT = """\
# -*- mode: Python -*-

load('ext://helm_remote', 'helm_remote')

allow_k8s_contexts('kind-kafka')

helm_remote('strimzi-kafka-operator', repo_url='https://strimzi.io/charts/')
k8s_yaml(['kafka.yaml', 'connect.yaml'])

k8s_kind('KafkaConnect', api_version='kafka.strimzi.io/v1beta2', image_json_path='{.spec.image}')

docker_build(
    'kafkaconnect',
    './connect',
    only=['plugins', 'Dockerfile'],
)
k8s_resource('my-connect', port_forwards=['8083:8083'], labels=['kafka'])
"""

TEAM = """\
load('ext://restart_process', 'docker_build_with_restart')
config.define_string('registry')
settings = config.parse()
default_registry(settings.get('registry', 'ttl.sh/team'), single_name='')
REPO = 'ghcr.io/acme'
SERVICES = {
    'orders': {'dir': 'services/orders', 'env': True},
    'billing': {'dir': 'services/billing', 'env': False},
}

def image(name):
    return '%s/%s' % (REPO, name)

def service(name, context, env = False):
    docker_build_with_restart(
        REPO + '/' + name, context,
        entrypoint = ['/app/' + name],
        live_update = [sync(context + '/bin', '/app')],
        match_in_env_vars = env,
    )
    k8s_resource(name, resource_deps = ['postgres'])

for name, options in SERVICES.items():
    service(name, options['dir'], options['env'])

docker_build(image('gateway'), 'services/gateway')

if str(local('uname -m')).strip() == 'arm64':
    custom_build('{}/ml:dev'.format(REPO), 'buildx.sh $EXPECTED_REF', deps = ['ml'])

for kind in ['SparkApplication', 'ScheduledSparkApplication']:
    k8s_kind(kind, api_version = 'sparkoperator.k8s.io', image_json_path = [
        '{.spec.image}',
        '{.spec.driver.image}',
    ])
k8s_kind('^HelmRelease$', image_object = {
    'json_path': '{.spec.values.image}',
    'repo_field': 'repository',
    'tag_field': 'tag',
})
"""


def test_tiltfile_of_a_tutorial() -> None:
    assert read_tiltfile(KAFKA_CONNECT) == imported(
        GIVE
        + """\
# # line 12
# # --image kafkaconnect=NEW-REFERENCE
# - name: kafkaconnect
#   newImage: NEW-REFERENCE
"""
        + KINDS
        + """\
# line 10
- kind: KafkaConnect
  apiVersion: kafka.strimzi.io/v1beta2
  paths: "{.spec.image}"
""",
    )


def test_tiltfile_of_a_team() -> None:
    assert read_tiltfile(TEAM) == imported(
        GIVE
        + """\
# # line 15, in service(), called at line 24
# - name: ghcr.io/acme/orders
#   newImage: NEW-REFERENCE
#   env: true
# # line 15, in service(), called at line 24
# # --image ghcr.io/acme/billing=NEW-REFERENCE
# - name: ghcr.io/acme/billing
#   newImage: NEW-REFERENCE
# # line 26
# # --image ghcr.io/acme/gateway=NEW-REFERENCE
# - name: ghcr.io/acme/gateway
#   newImage: NEW-REFERENCE
# # line 29, if the condition at line 28 holds
# # --image ghcr.io/acme/ml:dev=NEW-REFERENCE
# - name: ghcr.io/acme/ml:dev
#   newImage: NEW-REFERENCE
"""
        + KINDS
        + """\
# line 32
- kind: SparkApplication
  apiVersion: sparkoperator.k8s.io/*
  paths:
  - "{.spec.image}"
  - "{.spec.driver.image}"
# line 32
- kind: ScheduledSparkApplication
  apiVersion: sparkoperator.k8s.io/*
  paths:
  - "{.spec.image}"
  - "{.spec.driver.image}"
# line 36
- kind: HelmRelease
  paths:
  - path: "{.spec.values.image}"
    fields:
      repository: repository
      tag: tag
""",
        (
            4,
            "default_registry: not imported: `host` is \"settings.get('registry', 'ttl.sh/team')\", not a "
            "literal; "
            "add the entry by hand",
        ),
    )


def test_commented_images_are_yaml() -> None:
    text = read_tiltfile(KAFKA_CONNECT).text
    start = text.index("# images:")
    lines = text[start : text.index("# Kinds")].splitlines()
    assert yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines)) == {
        "images": [{"name": "kafkaconnect", "newImage": "NEW-REFERENCE"}]
    }


def test_line_breaks_in_the_file_name_are_replaced() -> None:
    assert import_tiltfile(source("", "a\nkind: b\x85")).text == HEAD.replace("Tiltfile", "a?kind: b?")


def test_error_not_starlark() -> None:
    with pytest.raises(InputError) as error:
        import_tiltfile(source("k8s_kind('A'\n\n", "dev/Tiltfile"))
    assert str(error.value).startswith("dev/Tiltfile:1: invalid Starlark: ")


@given(st.text(min_size=1))
def test_any_string_is_imported_or_noted(string: str) -> None:
    text, notes = read_tiltfile(
        f"default_registry('ttl.sh')\ndocker_build({string!a}, '.')\nk8s_kind('A', image_json_path={string!a})\n"
        f"k8s_kind('B', image_object={{'json_path': '{{.a}}', 'repo_field': {string!a}, 'tag_field': 'tag'}})\n"
        f"default_registry({string!a})\nk8s_image_json_path('{{.b}}', kind='C', name={string!a})\n"
    )
    document = yaml.safe_load(text)
    assert document["defaultRegistry"] == {"host": "ttl.sh"}
    assert document.get("images", [{"name": string}]) == [{"name": string}]
    kinds = {kind["kind"]: kind for kind in document.get("kinds", ())}
    assert kinds.get("A", {"paths": string})["paths"] == string
    if string.isprintable():
        assert kinds["B"]["paths"][0]["fields"]["repository"] == string
    told = {note.line for note in notes}
    assert [line in told for line in (2, 3, 4)] == ["images" not in document, "A" not in kinds, "B" not in kinds]
    assert 5 in told


@given(st.from_regex(r"[a-z0-9./:@_-]{1,12}", fullmatch=True))
def test_any_name_or_registry_is_accepted(text: str) -> None:
    read_tiltfile(f"docker_build('{text}', '.', match_in_env_vars=True)\ndefault_registry('{text}')\n")
    read_tiltfile(f"docker_build('{text}', '.')\ndefault_registry('ttl.sh', '{text}', '{text}')\n")


@given(st.lists(st.sampled_from(KAFKA_CONNECT.split(" ") + TEAM.split(" ")) | st.text(max_size=5)))
def test_any_tiltfile_is_imported_or_refused(pieces: list[str]) -> None:
    try:
        text, _ = read_tiltfile(" ".join(pieces))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert yaml.safe_load(text)["kind"] == "ImageSetter"
