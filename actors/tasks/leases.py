"""Leases: which task may write which output folder. One task at a time, from its first run to its end. No I/O."""

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.tasks import TaskRecord


def leased_folder(task: TaskRecord) -> str | None:
    """The folder that the task writes, and needs a lease for; None for a request without a folder."""
    # The same as Kind.output_folder, as text: a Path takes ten times as long, and each task is asked.
    if not KINDS[task.kind].shares_folder:
        return task.request.get("output_path")
    path, name = task.request.get("save_path"), task.request.get("name")
    return f"{path}/{name}" if path and name else path


class FolderLeases:
    def __init__(self) -> None:
        self._holders: dict[str, str] = {}

    def other_holder(self, folder: str | None, task_id: str) -> str | None:
        """The other task that holds the folder; None if the folder is free or this task holds it."""
        holder = None if folder is None else self._holders.get(folder)
        return None if holder == task_id else holder

    def take(self, folder: str | None, task_id: str) -> None:
        """Give the folder to a task that starts, or that started before a restart. An existing holder keeps it."""
        if folder is not None:
            self._holders.setdefault(folder, task_id)

    def release(self, folder: str, task_id: str) -> bool:
        """Free the folder of a task that has ended. Returns whether the task held it."""
        is_holder = self._holders.get(folder) == task_id
        if is_holder:
            del self._holders[folder]
        return is_holder
