"""Calls whose keywords are the fields of a request model: a new field of the model is a new keyword."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

CallT = TypeVar("CallT", bound=Callable[..., Any])


def with_fields(model: type[BaseModel]) -> Callable[[CallT], CallT]:
    """Show a call's optional fields, with their meanings, in its signature and docstring.

    `help()`, notebooks and editors that run the code read them. The call itself passes every keyword on, so a
    client can send a field that is newer than itself.
    """

    def decorate(call: CallT) -> CallT:
        signature = inspect.signature(call)
        written = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        known = {one.name for one in written}
        made = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation
            )
            for name, field in model.model_fields.items()
            if name not in known
        ]
        call.__signature__ = signature.replace(parameters=[*written, *made])  # type: ignore[attr-defined]
        fields = "\n".join(_line(name, field) for name, field in model.model_fields.items())
        call.__doc__ = f"{inspect.getdoc(call) or model.__doc__}\n\nArgs:\n{fields}\n"
        return call

    return decorate


def _line(name: str, field: FieldInfo) -> str:
    default = "" if field.is_required() else f" Default: {field.default!r}."
    meaning = f" {field.description}." if field.description else ""
    return f"    {name}:{meaning}{default}".rstrip(":")
