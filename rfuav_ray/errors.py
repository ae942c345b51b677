"""Every error the domain raises on purpose. The message says what was wrong and what to do.

The arguments are kept as given so that the errors survive pickling between processes.
"""

#: a restart takes about so long
RESTART_RETRY_S = 30


class RfuavError(Exception):
    """Base of all errors raised on purpose."""


class InvalidInput(RfuavError):
    """A field of a request cannot be accepted: `InvalidInput(field, reason)`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class PathNotAllowed(InvalidInput):
    """A path of a request lies outside the folders the service may touch."""


class TaskNotFound(RfuavError):
    """There is no task with this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id)
        self.task_id = task_id

    def __str__(self) -> str:
        return f"There is no task '{self.task_id}'."


class FileNotThere(RfuavError):
    """A task has no such file, or not yet."""


class TaskConflict(RfuavError):
    """The task's state forbids what was asked, or its id is in use."""


class ServiceBusy(RfuavError):
    """The queue is full or the service is stopping: `ServiceBusy(message, retry_after_s)`."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return str(self.args[0])


def service_stops() -> ServiceBusy:
    """The refusal of a service that is being stopped."""
    return ServiceBusy("The service is stopping. Try again when it is back.", RESTART_RETRY_S)


class RunError(RfuavError):
    """A run cannot go on; the message names the file or the setting and what to do. Trying again won't help."""


class RunCancelled(RfuavError):
    """Raised by the report callback: somebody asked this run to stop."""


class RunInterrupted(RfuavError):
    """Raised by the report callback: the service is stopping. Keep what is done: a later run goes on with it."""


class RunLost(RfuavError):
    """The run's helpers died: its own work is sound, and another try goes on with what is there."""
