"""The event stream of all tasks: first their present state, then every change."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence

from actors.store.row import TaskRow
from actors.tasks.feed import Change
from serve_app.view.task_view import TaskCopy, TaskView

#: Changes within this time are sent together.
GATHER_S = 0.25
#: After this much silence, a comment line keeps proxies from closing the connection.
HEARTBEAT_S = 15.0
#: A reader with more unsent changes than this gets the tasks from the beginning.
MOST_CHANGES = 5000
#: A long event is built in parts of this many tasks, some hundred kilobytes. Other requests run between the parts.
TASKS_A_PART = 250


class _Reader:
    def __init__(self) -> None:
        #: ids of tasks that changed since the last event
        self.changed: set[str] = set()
        #: The next event has the tasks from the beginning, not only the changes.
        self.restarts = True
        self.news = asyncio.Event()

    def show(self, task_ids: Iterable[str]) -> None:
        self.changed.update(task_ids)
        if len(self.changed) > MOST_CHANGES:
            self.changed.clear()
            self.restarts = True
        self.news.set()


class TaskEvents:
    def __init__(self, view: TaskView) -> None:
        self._view = view
        self._readers: set[_Reader] = set()
        self._is_over = False
        view.on_change.append(self.show)
        view.on_new_copy.append(self.restart)
        view.on_end.append(self.end)

    @property
    def client_count(self) -> int:
        return len(self._readers)

    def show(self, changes: Sequence[Change]) -> None:
        """Report these tasks to all readers as changed or deleted."""
        task_ids = [change.task_id for change in changes]
        for reader in self._readers:
            reader.show(task_ids)

    def restart(self) -> None:
        """Send the tasks to all readers from the beginning, as after a restart of the TaskManager."""
        for reader in self._readers:
            reader.restarts = True
            reader.news.set()

    def end(self) -> None:
        """End all streams, because the service is stopping."""
        self._is_over = True
        self.show(())

    async def stream(self, limit: int) -> AsyncGenerator[bytes, None]:
        """Yield server-sent events in parts: `tasks` with the newest `limit` and all live tasks, then `changes`.

        Each event has `tasks`, their submission `numbers` in the same order, and the ids of `deleted` tasks.
        A live task is pending or running.
        """
        reader = _Reader()
        self._readers.add(reader)
        try:
            while not self._is_over:
                copy = self._view.copy
                if reader.restarts:
                    reader.restarts = False
                    async for part in _event(b"tasks", copy, copy.newest_and_live(limit), []):
                        yield part
                try:
                    await asyncio.wait_for(reader.news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                await asyncio.sleep(GATHER_S)
                changed, reader.changed = reader.changed, set()
                reader.news.clear()
                if changed and not reader.restarts:
                    async for part in _changes(self._view.copy, changed):
                        yield part
        finally:
            self._readers.discard(reader)


def _changes(copy: TaskCopy, task_ids: Iterable[str]) -> AsyncGenerator[bytes, None]:
    rows = {task_id: copy.row(task_id) for task_id in task_ids}
    there = [row for row in rows.values() if row is not None]
    return _event(b"changes", copy, there, [task_id for task_id, row in rows.items() if row is None])


async def _event(
    name: bytes, copy: TaskCopy, rows: Sequence[TaskRow], deleted: Sequence[str]
) -> AsyncGenerator[bytes, None]:
    """Yield one event in parts. Changes made while it is sent are part of the next event."""
    beginning = f'{{"numbers":{json.dumps([row.number for row in rows])},"deleted":{json.dumps(deleted)},"tasks":['
    part = b"event: %b\ndata: %b" % (name, beginning.encode())
    for first in range(0, len(rows), TASKS_A_PART):
        if first:
            yield part + b","
            part = b""
            await asyncio.sleep(0)
        part += b",".join(copy.encode(row).body for row in rows[first : first + TASKS_A_PART])
    yield part + b"]}\n\n"
