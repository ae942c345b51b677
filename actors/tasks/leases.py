"""Which task may write which output folder: one at a time, from its first run to its end. Pure."""

from rfuav_ray.outputs.artifacts import RESULT_FILES
from rfuav_ray.tasks import TaskRecord


def leased_folder(task: TaskRecord) -> str | None:
    """The folder that the task shares with no other; None for kinds that only write into an empty one."""
    path, name = task.request.get("save_path"), task.request.get("name")
    if task.kind not in RESULT_FILES or path is None:
        return None
    return f"{path}/{name}" if name else str(path)  # not a Path, which costs ten times as much: each task is asked


class FolderLeases:
    def __init__(self) -> None:
        self._holders: dict[str, str] = {}

    def other_holder(self, folder: str | None, task_id: str) -> str | None:
        """The task that has the folder, unless it is this one."""
        holder = None if folder is None else self._holders.get(folder)
        return None if holder == task_id else holder

    def take(self, folder: str | None, task_id: str) -> None:
        """For a task that starts, or had started in an earlier life. Who has the folder keeps it."""
        if folder is not None:
            self._holders.setdefault(folder, task_id)

    def release(self, folder: str | None, task_id: str) -> None:
        """The task has ended; one that never had the folder changes nothing."""
        if folder is not None and self._holders.get(folder) == task_id:
            del self._holders[folder]
