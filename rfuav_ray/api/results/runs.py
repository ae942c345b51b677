"""What the results of all kinds of tasks have in common."""

from typing import NotRequired

# Before Python 3.12 pydantic reads only this TypedDict.
from typing_extensions import TypedDict


class RunPlace(TypedDict):
    """Where and when a run worked."""

    #: 1 for the first run of the task
    attempt: int
    #: the slot's device: cpu or cuda:N
    device: str
    #: host name
    node: str
    #: Ray's id of the node
    node_id: str
    #: the ids of the run's GPUs on its node
    gpu_ids: list[str]
    #: ISO 8601
    started_at: str
    #: missing while the run works, as in report.json
    ended_at: NotRequired[str]


class RunResult(TypedDict):
    #: the run that completed the task; missing without a service (`rfuav train --local`)
    run: NotRequired[RunPlace]
    #: WARNING events in the task's log, over all its runs; missing without a service
    warnings: NotRequired[int]


class FailedFile(TypedDict):
    """A file that could not be used."""

    file: str
    reason: str
