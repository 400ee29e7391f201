"""Sets the images in a directory on a Dask cluster: python set_images.py FOLDER CONFIG [SCHEDULER].

Each job of the cluster processes one shard, a part of the files. The result is the same as in one process: `from`
finds its reference in any file, an entry is unused only if no file uses it, and the files keep their order.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dask.distributed import Client, LocalCluster

from krm_image_setter import Outcomes, read_config, set_images_in


def set_in_folder(folder: Path, config: Path, client: Client, shard: int = 100) -> Outcomes:
    """Set the images in the YAML files of a directory. If there is an error, change no file."""

    def for_each(job: Callable[[Any], Any], items: Iterable[Any]) -> Any:
        return client.gather(client.map(job, list(items), batch_size=shard, pure=False))

    texts = {str(path): path.read_bytes().decode() for path in sorted(folder.rglob("*.yaml"))}
    outcomes = set_images_in(texts, read_config(config.read_text()), for_each)
    for name, outcome in outcomes.of.items():
        if outcome.text != texts[name]:
            Path(name).write_bytes(outcome.text.encode())
    return outcomes


def main(folder: str, config: str, scheduler: str | None = None) -> int:
    """Set the images on the cluster of a scheduler, otherwise on this machine, and print the results."""
    cluster = scheduler or LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with Client(cluster) as client:
        outcomes = set_in_folder(Path(folder), Path(config), client)
    for name, outcome in outcomes.of.items():
        for result in outcome.results:
            print(result.format(name))
    for result in outcomes.results:
        print(result)
    return int(outcomes.failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
