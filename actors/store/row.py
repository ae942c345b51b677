"""A task as the store and the feed hold it: the fields to sort and select by, and the whole record as text.

A hundred thousand rows load in a second, because a record is parsed only when somebody reads it.
"""

from functools import lru_cache
from typing import NamedTuple

from rfuav_ray.tasks import TaskRecord

PARSED_RECORDS_KEPT = 4096


class TaskRow(NamedTuple):
    # A tuple is fast to pickle. Dataclasses with slots are pickled field by field in Python code.
    id: str
    #: order of submission
    number: int
    kind: str
    status: str
    version: int
    #: seconds since 1970; None until the task has ended
    ended_at_s: float | None
    #: number of events in the task's log. The row and these events are stored in one transaction
    last_sequence: int
    #: the TaskRecord as JSON
    record: str


def row_of(task: TaskRecord, last_sequence: int = 0) -> TaskRow:
    return TaskRow(
        id=task.id,
        number=task.number,
        kind=task.kind,
        status=task.status.value,
        version=task.version,
        ended_at_s=None if task.ended_at is None else task.ended_at.timestamp(),
        last_sequence=last_sequence,
        record=task.model_dump_json(),
    )


def record_of(row: TaskRow) -> TaskRecord:
    return _parsed(row.record)


@lru_cache(PARSED_RECORDS_KEPT)
def _parsed(record: str) -> TaskRecord:
    return TaskRecord.model_validate_json(record)
