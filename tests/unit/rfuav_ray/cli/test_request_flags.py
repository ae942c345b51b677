"""Options made from a request model."""

from typing import Any, Literal

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from rfuav_ray.cli.request_flags import given, with_fields, with_nulls


class Model(BaseModel):
    input_path: str = Field(description="what is read")
    size: int | None = Field(640, description="pixels a side")
    ratio: float = Field(0.5, ge=0, le=1)
    names: list[Literal["a", "b"]] | None = None
    range_db: tuple[float, float] | None = None
    window: Literal["hann", "boxcar"] = "hann"
    fast: bool = False
    note: str | None = None


class Wider(Model):
    added: int = Field(3, description="a field that is new")


def command_of(model):
    app, seen = typer.Typer(rich_markup_mode=None), {}

    @app.command()
    @with_fields(model, arguments={"input_path": "INPUT"}, flags={"names": "--name"}, helps={"note": "Mine."})
    def start(context: typer.Context, quiet: bool = False, **_fields: Any) -> None:
        seen.update(with_nulls(model, given(model, context.params)), quiet=quiet)

    return app, seen


def call(model, *words):
    app, seen = command_of(model)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return seen


def test_request_flags_what_is_not_given_is_left_to_the_service():
    assert call(Model) == {"quiet": False}


def test_request_flags_every_type_of_field():
    words = ["in", "--size", "32", "--ratio", "0.25", "--name", "a", "--name", "b", "--range-db", "-80", "-20"]
    assert call(Model, *words, "--window", "boxcar", "--fast", "--note", "x", "--quiet") == {
        "input_path": "in",
        "size": "32",  # pydantic reads it: it may be `none`, too
        "ratio": 0.25,
        "names": ["a", "b"],
        "range_db": (-80.0, -20.0),
        "window": "boxcar",
        "fast": True,
        "note": "x",
        "quiet": True,
    }


def test_request_flags_null_is_a_word_where_the_default_is_something_else():
    assert call(Model, "--size", "none", "--note", "none") == {"size": None, "note": "none", "quiet": False}


@pytest.mark.parametrize("text", ["INPUT", "What is read.", "Pixels a side; default 640.", "Mine.", "hann|boxcar"])
def test_request_flags_the_help_is_the_fields_description_and_default(text):
    output = CliRunner().invoke(command_of(Model)[0], ["--help"]).output
    assert text in output
    assert "--added" not in output


def test_request_flags_a_new_field_is_an_option_by_itself():
    assert call(Wider, "--added", "5") == {"added": 5, "quiet": False}
    assert "A field that is new; default 3." in CliRunner().invoke(command_of(Wider)[0], ["--help"]).output
