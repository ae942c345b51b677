"""Command-line options made from a request model: a new field of the model is a new option."""

import inspect
import types
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

#: stands for null where the default is something else
NULL = "none"


def with_fields(
    model: type[BaseModel],
    *,
    arguments: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    helps: Mapping[str, str] | None = None,
    without: frozenset[str] = frozenset(),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a parameter for each field of a request model. The command takes them as `**fields`.

    Paths stay text. `Path("")` is the working folder, and an unset variable of a script must not select it.

    Args:
        model: The request model.
        arguments: Fields that are positional arguments, in this order, with their placeholders in the help.
        flags: Fields whose option does not have the field's name.
        helps: Fields whose help differs from the model's description.
        without: Fields that the command has parameters of its own for.
    """
    positional, names, helps = arguments or {}, flags or {}, helps or {}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        made = []
        for name in [*positional, *(name for name in model.model_fields if name not in positional)]:
            if name not in without:
                field = model.model_fields[name]
                text = helps.get(name) or _help(field)
                info = (
                    typer.Argument(metavar=positional[name], help=text)
                    if name in positional
                    else typer.Option(*filter(None, [names.get(name)]), help=text, metavar=_metavar(field))
                )
                made.append(_parameter(name, Annotated[_type(field) | None, info]))
        kept = [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]

        @wraps(command)
        def call(**values: Any) -> None:
            command(**values)

        parameters = [kept[0], *made, *kept[1:]]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return call

    return decorate


def given(model: type[BaseModel], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given, among the parameters of a command."""
    # Typer passes an empty sequence for a repeatable option that was not given.
    return {
        name: value
        for name, value in parameters.items()
        if name in model.model_fields and value is not None and value not in ([], ())
    }


def with_nulls(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with null for `none`. In files and flags, null itself means the default."""
    return {
        name: None if value == NULL and _takes_null(model.model_fields[name]) else value
        for name, value in fields.items()
    }


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)


def _takes_null(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation) and field.default is not None


def _plain(annotation: Any) -> Any:
    """Return the type without None and without the bounds of `Annotated`."""
    while True:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = inner[0]
        elif origin in (Union, types.UnionType):
            annotation = next(one for one in inner if one is not type(None))
        else:
            return annotation


def _type(field: FieldInfo) -> Any:
    plain = _plain(field.annotation)
    if _takes_null(field) or get_origin(plain) is Literal:
        return str
    if get_origin(plain) is list:
        return list[str]
    if get_origin(plain) is tuple:
        return tuple[tuple(_plain(one) for one in get_args(plain))]  # type: ignore[misc]
    return plain


def _metavar(field: FieldInfo) -> str | None:
    plain = _plain(field.annotation)
    if _takes_null(field):
        return f"<{plain.__name__}|{NULL}>"
    if get_origin(plain) is Literal:
        return f"<{'|'.join(get_args(plain))}>"
    return None


def _help(field: FieldInfo) -> str:
    text = field.description or ""
    if _takes_null(field):
        text = text.replace("null:", f"{NULL}:")
    if not field.is_required() and field.default not in (None, "") and not isinstance(field.default, bool):
        text = f"{text}; default {field.default}" if text else f"default {field.default}"
    return f"{text[:1].upper()}{text[1:]}." if text else ""
