"""Asks several registries for many images in parallel."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from queue import SimpleQueue
from types import TracebackType

from krm_image_setter.errors import ConfigError
from krm_image_setter.images.reference import HUB, HUB_NAMES, Reference, parse_reference
from krm_image_setter.registry.answers import Answer, Failed, RegistryError
from krm_image_setter.registry.authentication import Authentication
from krm_image_setter.registry.client import Client
from krm_image_setter.registry.connections import Limits
from krm_image_setter.registry.credentials import Credentials
from krm_image_setter.registry.platforms import Platform
from krm_image_setter.registry.repository import Repository, Wanted
from krm_image_setter.typed import Self

_Question = tuple[str, str | None, str | None]
_Queue = deque[tuple[_Question, Repository]]
_Answers = SimpleQueue[tuple[_Question, Answer | Exception]]


class Registries:
    """A context manager that asks registries for images. Leaving the context closes the connections.

    An image must have all of `platforms`. This check needs a GET request per image, which Docker Hub counts as a
    pull. If `single_platform` is true, `platforms` contains one platform, and the digest of its manifest is
    returned instead of the digest of the index.

    `mirrors` maps the start of image names, such as `docker.io`, to the start of the names that are looked up
    instead, such as `mirror.example.com/hub`. The hosts in `plain_http` are asked over plain HTTP.

    Raises ConfigError if an argument is not valid.
    """

    def __init__(
        self,
        *,
        platforms: Collection[Platform] = (),
        single_platform: bool = False,
        mirrors: Mapping[str, str] | None = None,
        plain_http: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        if single_platform and len(set(platforms)) != 1:
            raise ConfigError(f"`--single-platform` needs one `--platform`, got {len(set(platforms))}")
        self._wanted = Wanted(tuple(dict.fromkeys(platforms)), single_platform)
        self._mirrors = {
            HUB if source in HUB_NAMES else _checked_mirror(source): _checked_mirror(target)
            for source, target in (mirrors or {}).items()
        }
        self._limits = limits or Limits()
        self._client = Client(frozenset(map(_checked_host, plain_http)), self._limits)
        self._authentication = Authentication(self._client, Credentials())
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._client.close()

    def resolve(self, references: Iterable[Reference]) -> Iterator[tuple[Reference, Answer]]:
        """Ask for each distinct reference once, and yield the answers in the order in which they arrive.

        Two references are equal if they have the same normalized name, tag and digest. A reference without a tag
        and without a digest has the tag `latest`.
        """
        questions: dict[_Question, dict[Reference, None]] = {}
        for reference in references:
            tag = reference.tag if reference.tag or reference.digest else "latest"
            questions.setdefault((reference.normalized_name, tag, reference.digest), {})[reference] = None
        queues: dict[str, _Queue] = {}
        for question in questions:
            repository = Repository(self._client, self._authentication, self._located(question[0]))
            queues.setdefault(repository.host, deque()).append((question, repository))
        answers: _Answers = SimpleQueue()
        for queue in queues.values():
            self._start(1, queue, answers, alone=True)
        for _ in questions:
            question, answer = answers.get()
            if isinstance(answer, Exception):
                raise answer
            for reference in questions[question]:
                yield reference, answer

    def _start(self, number: int, queue: _Queue, answers: _Answers, *, alone: bool = False) -> None:
        for _ in range(number):
            # A daemon thread does not delay the end of the process after Ctrl-C.
            threading.Thread(target=self._work, args=(queue, answers, alone), daemon=True).start()

    def _work(self, queue: _Queue, answers: _Answers, alone: bool) -> None:
        while not self._closed:
            try:
                question, repository = queue.popleft()
            except IndexError:
                return
            try:
                answers.put((question, repository.resolve(question[1], question[2], self._wanted)))
            except RegistryError as error:
                answers.put((question, Failed(str(error), error.missing)))
            except Exception as error:  # noqa: BLE001  (it is raised again in the thread that reads the answers)
                answers.put((question, error))
            if alone:
                # The other threads start only after the first image: if the host does not accept the login, many
                # attempts with this login could lock the account.
                alone = False
                self._start(min(self._limits.connections - 1, len(queue)), queue, answers)

    def _located(self, name: str) -> str:
        """Return the name of an image in its mirror, or the name itself if there is no mirror."""
        sources = [source for source in self._mirrors if name.startswith(f"{source}/")]
        source = max(sources, key=len, default=None)
        return name if source is None else self._mirrors[source] + name[len(source) :]


def _checked_mirror(text: str) -> str:
    reference = parse_reference(f"{text}/name")
    if reference is None or not text.startswith(reference.domain):
        raise ConfigError(f'invalid mirror "{text}"; expected HOST[:PORT][/PATH], such as mirror.example.com/hub')
    return text


def _checked_host(text: str) -> str:
    reference = parse_reference(f"{text}/name")
    if reference is None or text != reference.domain:
        raise ConfigError(
            f'invalid host "{text}" for `--plain-http`; expected HOST[:PORT], such as localhost:5000'
        )
    return text
