"""What a client reads about an invalid field: plain words, without names of classes and links to libraries."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

#: pydantic's texts for these types name a class of ours, or say how pydantic reads objects
_MUST_BE_OBJECT = "must be a JSON object, that is a dictionary of fields"
_OURS = {"model_type": _MUST_BE_OBJECT, "model_attributes_type": _MUST_BE_OBJECT, "dict_type": _MUST_BE_OBJECT}
#: pydantic puts them before the message of a ValueError and of an AssertionError
_PREFIXES = ("Value error, ", "Assertion failed, ")
#: pydantic appends it to the location of a dictionary's key
_KEY = "[key]"
MAX_GIVEN_CHARS = 100


def explained(error: ValidationError) -> str:
    """Return all problems on one line: `batch_size: must be …; device: must be …`."""
    problems = error.errors(include_url=False)
    return "; ".join(f"{field_of(problem) or 'request'}: {message_of(problem)}" for problem in problems)


def field_of(problem: Mapping[str, Any], *, skip: int = 0) -> str:
    """Return the field as a client writes it: `source_paths.3`. Empty if the problem concerns several fields.

    Args:
        problem: One entry of `ValidationError.errors()`.
        skip: How many parts at the start of the location to leave out.
    """
    return ".".join(str(part) for part in problem["loc"][skip:] if part != _KEY)


def message_of(problem: Mapping[str, Any]) -> str:
    """Return what is wrong, and what is allowed."""
    message = _OURS.get(problem["type"]) or str(problem["msg"])
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    return message


def given_text(problem: Mapping[str, Any]) -> str | None:
    """Return the wrong value for the message, on one line; None if it is not a single value."""
    # For a missing field, the input is the object around it, with all its other fields.
    if not isinstance(problem["input"], (str, int, float)):
        return None
    return repr(problem["input"])[:MAX_GIVEN_CHARS]
