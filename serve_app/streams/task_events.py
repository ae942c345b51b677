"""One event stream of all tasks: first how they are, then what changes."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence

from actors.tasks.row import TaskRow
from serve_app.view.task_view import TaskCopy, TaskView

#: changes travel together for so long
GATHER_S = 0.25
#: a comment line after so much silence keeps proxies awake
HEARTBEAT_S = 15.0
#: a reader that is so many changes behind is told all tasks again
MOST_CHANGES = 5000
#: a long event is made in parts of so many tasks, some hundred kilobytes, and others are served between them
TASKS_A_PART = 250


class _Reader:
    def __init__(self) -> None:
        #: ids of tasks that changed since the last event
        self.changed: set[str] = set()
        #: all of them are told again
        self.begins_anew = True
        self.news = asyncio.Event()

    def show(self, task_ids: Iterable[str]) -> None:
        self.changed.update(task_ids)
        if len(self.changed) > MOST_CHANGES:
            self.changed.clear()
            self.begins_anew = True
        self.news.set()


class TaskEvents:
    def __init__(self, view: TaskView) -> None:
        self._view = view
        self._readers: set[_Reader] = set()
        self._is_over = False
        view.on_change = self.show
        view.on_new_copy = self.begin_anew

    def show(self, task_ids: Iterable[str]) -> None:
        """These tasks changed or went."""
        for reader in self._readers:
            reader.show(task_ids)

    def begin_anew(self) -> None:
        """The whole table came again, as after a restart of the TaskManager."""
        for reader in self._readers:
            reader.begins_anew = True
            reader.news.set()

    def end(self) -> None:
        """The service is stopping."""
        self._is_over = True
        self.show(())

    async def stream(self, limit: int) -> AsyncGenerator[bytes, None]:
        """Events `tasks` (the newest `limit`, and all that wait or run) and then `changes`, in parts.

        Each has `tasks`, their `numbers` of submission, and the ids of those that were `deleted`.
        """
        reader = _Reader()
        self._readers.add(reader)
        try:
            while not self._is_over:
                copy = self._view.copy
                if reader.begins_anew:
                    reader.begins_anew = False
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
                if changed and not reader.begins_anew:
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
    """What changes while it is sent comes with the next one."""
    beginning = f'{{"numbers":{json.dumps([row.number for row in rows])},"deleted":{json.dumps(deleted)},"tasks":['
    part = b"event: %b\ndata: %b" % (name, beginning.encode())
    for first in range(0, len(rows), TASKS_A_PART):
        if first:
            yield part + b","
            part = b""
            await asyncio.sleep(0)
        part += b",".join(copy.encode(row).body for row in rows[first : first + TASKS_A_PART])
    yield part + b"]}\n\n"
