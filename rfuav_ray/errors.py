"""The errors that this package raises on purpose. Each message names the problem and the remedy.

The constructors pass their arguments on unchanged, because errors are pickled between processes.
"""

#: seconds that a restart of the service takes, roughly
RESTART_RETRY_S = 30


class RfuavError(Exception):
    """Base class of all errors that this package raises on purpose."""


class InvalidInput(RfuavError):
    """A field of a request is invalid: `InvalidInput(field, reason)`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class PathNotAllowed(InvalidInput):
    """A path of a request lies outside the folders that the service may use."""


class TaskNotFound(RfuavError):
    """There is no task with this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id)
        self.task_id = task_id

    def __str__(self) -> str:
        return f"There is no task '{self.task_id}'."


class TaskFileNotFound(RfuavError):
    """The task has no file with this name, or has not written it yet."""


class TaskConflict(RfuavError):
    """The state of the task does not allow the operation, or its id is already in use."""


class ServiceBusy(RfuavError):
    """The service cannot handle the request now, but can later: `ServiceBusy(message, retry_after_s)`."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return str(self.args[0])


def service_stopping() -> ServiceBusy:
    """Return the error for requests that arrive while the service is stopping."""
    return ServiceBusy("The service is stopping. Try again when it is back.", RESTART_RETRY_S)


class RunError(RfuavError):
    """A run cannot continue, and a retry would fail too. The message names the file or setting and the remedy."""


class RunCancelled(RfuavError):
    """The report callback raises it when a user has cancelled the task or pressed ctrl-C."""


class RunInterrupted(RfuavError):
    """The report callback raises it when the service is stopping. Keep partial results for a later run."""


class RunLost(RfuavError):
    """Worker processes of the run died. The files written so far are valid, and a retry resumes from them."""


class WorkerMissed(RunLost):
    """Another worker of the same run has ended, so this one cannot go on."""
