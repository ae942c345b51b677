"""Repairs a damaged SQLite file, which must not stop the service: its readable rows move into a new file."""

import json
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects import sqlite

from actors.store.database import connect
from actors.store.migrations import upgrade
from actors.store.sqlite_files import count_rows, find_damage, replace
from actors.store.sqlite_pages import SqlitePages, Value
from actors.store.store import EventRow
from actors.store.tables import events, settings, tasks
from actors.tasks.row import TaskRow, row_of
from rfuav_ray.tasks import TaskRecord

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000

T = TypeVar("T")


def repair_if_damaged(file: Path) -> str | None:
    """Replace a damaged file by a new one with its readable rows. The damaged file is kept under another name.

    Returns:
        A message for the operator; None if the file was undamaged or does not exist yet.

    Raises:
        RfuavError: The file cannot be opened.
    """
    repaired = file.with_name(f"{file.name}.repaired")
    if repaired.exists():  # the service was killed between `_save` and `replace`
        replace(file, repaired)
    damage = find_damage(file)
    if damage is None:
        return None
    logger.error("the task store '%s' is damaged: %s; saving the readable rows", file, damage)
    if not file.exists():  # only its write-ahead log exists
        file.touch()
    # Do not open an empty file: SQLite would delete its write-ahead log.
    there = count_rows(file) if file.stat().st_size else {}
    saved = _save(file, repaired)
    old = replace(file, repaired)
    message = (
        f"The task store '{file}' was damaged ({damage}). Saved: {_report(saved, there)}. "
        f"The damaged file is kept as '{old}'."
    )
    logger.error(message)
    return message


def _save(damaged: Path, target: Path) -> dict[str, int]:
    """Write the readable rows into a new database. It gets its name when it is complete. Returns rows by table."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    for suffix in ("", "-wal", "-shm"):
        unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
    engine = connect(sa.URL.create("sqlite", database=str(unfinished)))
    pages = SqlitePages(damaged)
    try:
        with engine.begin() as connection:
            upgrade(connection)
            _fill(connection, pages.rows())
            saved = {
                table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in (tasks, events, settings)
            }
    finally:
        pages.close()
        engine.dispose()
    unfinished.rename(target)
    return saved


def _fill(connection: sa.Connection, rows: Iterable[list[Value]]) -> None:
    newest: dict[str, TaskRow] = {}
    for batch in _batches(rows):
        event_rows = [event_values(event) for row in batch if (event := _event(row))]
        setting_rows = [{"name": row[0], "value": row[1]} for row in batch if _is_setting(row)]
        for table, values in ((events, event_rows), (settings, setting_rows)):
            if values:
                connection.execute(sqlite.insert(table).on_conflict_do_nothing(), values)
        for task in filter(None, map(_task, batch)):
            if task.id not in newest or newest[task.id].version < task.version:
                newest[task.id] = task
    # Without the header, deleted tasks may be among them. A newer task may have the number of a deleted one.
    by_number = {task.number: task for task in sorted(newest.values(), key=lambda task: task.version)}
    for tasks_together in _batches(by_number.values()):
        connection.execute(tasks.insert(), [task_values(task) for task in tasks_together])


def _task(row: list[Value]) -> TaskRow | None:
    if len(row) < 3 or not isinstance(row[2], str) or not row[2].startswith("{"):
        return None
    try:
        task = row_of(TaskRecord.model_validate_json(row[2]))
    except ValidationError:
        return None
    return task if [task.id, task.number] == row[:2] else None


def _event(row: list[Value]) -> EventRow | None:
    if [type(value) for value in row[:6]] != [str, int, str, int, str, int]:
        return None
    return EventRow(*cast("list[Any]", row[:5])) if _is_json(row[4]) else None


def _is_setting(row: list[Value]) -> bool:
    return [type(value) for value in row] == [str, str] and _is_json(row[1])


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _report(saved: dict[str, int], there: dict[str, int]) -> str:
    """The saved rows of each table, and the number of lost rows where it is known."""
    parts = []
    for table, count in saved.items():
        lost = f"{max(there[table] - count, 0)} lost" if table in there else "number of lost rows unknown"
        parts.append(f"{count} {table} ({lost})")
    return ", ".join(parts)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while batch := list(islice(waiting, ROWS_AT_ONCE)):
        yield batch
