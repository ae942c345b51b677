"""A SQLite store with some content, and damage to its files."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from actors.store.row import TaskRow
from actors.store.setup import prepare_store
from actors.store.store import EventRow, Store
from tests.support.sample_tasks import a_row
from tests.support.store_samples import an_event

#: some of the records are longer than a page
TASKS = [a_row(number, description="long " * 2000 if number % 40 == 0 else None) for number in range(1, 401)]
EVENTS = [an_event(f"task-{number}", sequence) for number in range(1, 21) for sequence in range(1, 201)]
PAGE_BYTES = 4096

Contents = tuple[list[TaskRow], list[EventRow]]


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def make_store(file: Path) -> None:
    prepare_store(url_of(file))
    store = Store(url_of(file))
    store.commit(TASKS, EVENTS, [])
    store.close()


def add(file: Path, tasks: list[TaskRow]) -> None:
    store = Store(url_of(file))
    store.commit(tasks, [], [])
    store.close()


def restore(file: Path) -> str:
    """Start with a damaged file. Returns what the service says."""
    message = prepare_store(url_of(file))
    assert message is not None
    return message


def contents(file: Path) -> Contents:
    store = Store(url_of(file))
    tasks = store.load_tasks()
    store.close()
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT task_id, sequence, entry FROM events ORDER BY rowid"
        return tasks, [EventRow(*row) for row in connection.execute(query)]


def leave_log(file: Path, folder: Path) -> Path:
    """Copy the files as a killed service leaves them: ten more events are only in the write-ahead log."""
    left = folder / "rfuav.db"
    folder.mkdir()
    store = Store(url_of(file))
    for sequence in range(201, 211):
        store.commit([], [an_event("task-1", sequence)], [])
    for suffix in ("", "-wal"):
        shutil.copy(f"{file}{suffix}", f"{left}{suffix}")
    store.close()
    return left


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def overwrite(file: Path, page: int, size: int = PAGE_BYTES) -> None:
    """Replace the beginning of a page (1 is the first) by noise."""
    with file.open("r+b") as opened:
        opened.seek((page - 1) * PAGE_BYTES)
        opened.write(random.Random(page).randbytes(size))


def overwrite_middle(file: Path) -> None:
    middle = file.stat().st_size // PAGE_BYTES // 2
    for page in range(middle, middle + 8):
        overwrite(file, page)


def truncate(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2 + 100)
