"""One event stream of all tasks: first how they are, then what changes."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from serve_app.encoded import joined
from serve_app.task_view import TaskView

#: changes travel together for so long
GATHER_S = 0.25
#: a comment line after so much silence keeps proxies awake
HEARTBEAT_S = 15.0


class _Reader:
    def __init__(self) -> None:
        #: ids of tasks that changed since the last event
        self.changed: set[str] = set()
        #: all of them are told again
        self.begins_anew = True
        self.news = asyncio.Event()


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
            reader.changed.update(task_ids)
            reader.news.set()

    def begin_anew(self) -> None:
        """The whole table came again, as after a restart of the TaskManager."""
        for reader in self._readers:
            reader.begins_anew = True
            reader.news.set()

    def end(self) -> None:
        """The service is stopping."""
        self._is_over = True
        self.show(())

    async def stream(self, limit: int) -> AsyncIterator[bytes]:
        """Events `tasks` (the newest `limit`) and then `changes`, each with the ids of those that were deleted."""
        reader = _Reader()
        self._readers.add(reader)
        try:
            while not self._is_over:
                if reader.begins_anew:
                    reader.begins_anew = False
                    page = self._view.copy.newest(None, None, offset=0, limit=limit)
                    yield _event(b"tasks", joined(answer for _, answer in page), b"[]")
                try:
                    await asyncio.wait_for(reader.news.wait(), HEARTBEAT_S)
                except asyncio.TimeoutError:
                    yield b": still here\n\n"
                    continue
                await asyncio.sleep(GATHER_S)
                changed, reader.changed = reader.changed, set()
                reader.news.clear()
                if changed and not reader.begins_anew:
                    yield self._changes(changed)
        finally:
            self._readers.discard(reader)

    def _changes(self, task_ids: Iterable[str]) -> bytes:
        answers = {task_id: self._view.copy.encoded(task_id) for task_id in task_ids}
        there = joined(answer for answer in answers.values() if answer is not None)
        gone = b",".join(b'"%b"' % task_id.encode() for task_id, answer in answers.items() if answer is None)
        return _event(b"changes", there, b"[%b]" % gone)


def _event(name: bytes, tasks: bytes, deleted: bytes) -> bytes:
    return b'event: %b\ndata: {"tasks":%b,"deleted":%b}\n\n' % (name, tasks, deleted)
