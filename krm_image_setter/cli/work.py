"""One job for many files: on all cores, with a bar on a terminal."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any, Final, TypeVar

from krm_image_setter.errors import ImageSetterError, internal_error

Item = TypeVar("Item")
Result = TypeVar("Result")

_BATCH: Final = 32
#: Fewer are done sooner than processes start.
_WORTH_IT: Final = 200
_PATIENCE: Final = 1.0  # seconds without a bar


def for_each(job: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield what `job` returns for each item, in order. A job must not rely on what another has done.

    Raises what the first job that fails raises. Raises ImageSetterError if a worker process is killed.
    """
    count = min(_cores(), len(items) // _WORTH_IT * 2)
    results = _spread(job, items, count) if count > 1 else map(job, items)
    return _with_bar(results, len(items)) if sys.stderr.isatty() else iter(results)


def _cores() -> int:
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spread(job: Callable[[Item], Result], items: Sequence[Item], count: int) -> Iterator[Result]:
    """Yield the results from `count` forked processes, each of which takes its turn with a batch.

    A child only ever writes, to a pipe of its own: so it ends when this process does, however that ends. (A pool's
    workers wait for more work for ever when their parent is killed.)
    """
    batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
    context = multiprocessing.get_context("fork")
    receivers: list[Connection] = []
    children: list[ForkProcess] = []
    try:
        for number in range(count):
            receiver, sender = context.Pipe(duplex=False)
            receivers.append(receiver)
            child = context.Process(
                target=_work, args=(job, batches[number::count], sender, tuple(receivers)), daemon=True
            )
            child.start()
            sender.close()
            children.append(child)
    except OSError:  # no more processes or open files are allowed: this one does it all
        for receiver in receivers:
            receiver.close()
        yield from map(job, items)
        return
    for number, batch in enumerate(batches):
        try:
            results: list[Result] | ImageSetterError = receivers[number % count].recv()
        except (EOFError, OSError):  # between two results, and within one
            raise _death_of(children[number % count], batch) from None
        if isinstance(results, ImageSetterError):
            raise results
        yield from results
    for child in children:
        child.join()


def _death_of(child: ForkProcess, batch: Sequence[Any]) -> ImageSetterError:
    """Return the error for a worker process that ended before it had sent the results of a batch."""
    child.join()
    signaled = f" by signal {-child.exitcode}" if child.exitcode and child.exitcode < 0 else ""
    return ImageSetterError(
        f"a worker process was killed{signaled} while it read {len(batch)} files, {batch[0]} to {batch[-1]}; "
        "nothing was written"
    )


def _work(
    job: Callable[[Item], Result],
    batches: Iterable[Sequence[Item]],
    sender: Connection,
    inherited: Iterable[Connection],
) -> None:
    for receiver in inherited:  # while one is open, a dead parent would go unnoticed
        receiver.close()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(BrokenPipeError, MemoryError):  # the parent has ended, and has said why; or it will
        try:
            for batch in batches:
                sender.send([job(item) for item in batch])
        except (BrokenPipeError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  (a traceback here would leave the parent without a reason)
            sender.send(error if isinstance(error, ImageSetterError) else internal_error(error))


def _with_bar(results: Iterable[Result], total: int) -> Iterator[Result]:
    started = time.monotonic()
    shown = iter(results)
    done = 0
    for result in shown:
        yield result
        done += 1
        if time.monotonic() - started > _PATIENCE:
            break
    else:
        return
    from rich.console import Console  # noqa: PLC0415  (35 ms, and most runs are over by now)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), "files", TimeRemainingColumn())
    # No thread of its own: this process may fork again.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)
        drawn = 0.0
        for result in shown:
            yield result
            bar.advance(task)
            if time.monotonic() - drawn > 0.1:
                drawn = time.monotonic()
                bar.refresh()
