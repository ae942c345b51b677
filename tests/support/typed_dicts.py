"""Whether what the project makes has the type that it says."""

from typing import Any

from pydantic import ConfigDict, TypeAdapter


def assert_is(kind: Any, *values: object) -> None:
    """Refuse a missing or extra field, a value of another type and a number that is not finite, at any depth."""
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    # A list, because pydantic takes no config for a TypedDict itself; one within has that of the list.
    TypeAdapter(list[kind], config=config).validate_python(list(values))
