"""What the pipeline uses of Ray Data's inside, for speed. Where this Ray lacks a part, its usual way is taken."""

import logging
import os
from itertools import cycle

import ray
from ray.data import DataContext, Dataset

#: Ray Data reads this before its first run. By default a thread fetches the metadata of blocks and is polled every
#: 0.1 s, and a worker waits that long for its next block. Our blocks have almost no metadata.
PREFETCH, OFF = "RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0"
OPTIONS = {
    "enable_progress_bars": False,
    "enable_operator_progress_bars": False,
    "print_on_execution_start": False,
    # With reservation Ray Data runs a single task until its autoscaler reports the resources, a second later.
    # It is not needed: the pipeline sets the number of tasks, and their results take almost no memory.
    "op_resource_reservation_enabled": False,
    # Answers of a worker arrive one by one. By default they arrive at the end of its block.
    "target_max_block_size": 1,
}
#: suffixes of data set ids: a cancelled data set may still be ending in this process when the next one starts
_suffixes = cycle(range(4))

logger = logging.getLogger(__name__)


def prepare() -> None:
    """Set the options of this process. Call it before a data set is made."""
    os.environ.setdefault(PREFETCH, OFF)
    context = DataContext.get_current()
    for name, value in OPTIONS.items():
        if hasattr(context, name):  # It takes unknown names, too.
            setattr(context, name, value)
        else:
            logger.warning("Ray Data %s has no option '%s'. The pipeline may be slower.", ray.__version__, name)


def reuse_metrics(dataset: Dataset) -> None:
    """Give a data set an id that earlier ones had. Ray's metrics keep an entry for each id for ever.

    Ids by worker process are fewer than by run.
    """
    try:
        dataset._set_uuid(f"{ray.get_runtime_context().get_worker_id()}-{next(_suffixes)}")  # noqa: SLF001
    except AttributeError:
        logger.warning("Ray Data %s has no ids to set. Each run takes some memory for ever.", ray.__version__)
