"""Why a request is not let in, as errors with their HTTP status."""

from rfuav_ray.errors import RfuavError
from serve_app.access.caller import Caller
from serve_app.access.scopes import Scope


class Refusal(RfuavError):
    """`Refusal(message)`"""

    code = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


def key_required() -> Refusal:
    return Refusal("A key is required: send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'.")


def wrong_key() -> Refusal:
    return Refusal("This key is not valid. Ask the operator of the service for one.")


class TooManyGuesses(Refusal):
    """`TooManyGuesses(wait_s)`: this address has sent too many wrong keys."""

    code = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s

    def __str__(self) -> str:
        return f"Too many wrong keys came from this address. Try again in {self.wait_s} s."

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.wait_s)}


class NotAllowed(Refusal):
    """The key is valid and may not do this."""

    code = 403

    def headers(self) -> dict[str, str]:
        return {}


def scope_too_low(caller: Caller, needed: Scope) -> NotAllowed:
    assert caller.scope is not None
    return NotAllowed(
        f"The key '{caller.name}' has the scope '{caller.scope.word}'. This needs the scope '{needed.word}'."
    )


def task_of_another(caller: Caller, task_id: str, submitted_by: str | None) -> NotAllowed:
    assert caller.scope is not None
    return NotAllowed(
        f"Task '{task_id}' was submitted with the key '{submitted_by}'. The key '{caller.name}' has the scope "
        f"'{caller.scope.word}'. To change the tasks of other keys needs the scope 'admin'."
    )
