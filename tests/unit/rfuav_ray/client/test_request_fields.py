"""Calls whose keywords are the fields of a request model."""

import inspect

from pydantic import BaseModel, Field

from rfuav_ray.client.request_fields import with_fields


class Model(BaseModel):
    source: str = Field(description="what is read")
    size: int = 640


class Wider(Model):
    added: int = Field(3, description="a field that is new")


def call_of(model):
    class Client:
        @with_fields(model)
        def start(self, source, **options):
            """Start it."""
            return {"source": source, **options}

    return Client().start


def test_request_fields_with_fields_a_new_field_is_in_the_signature_and_the_docstring():
    assert list(inspect.signature(call_of(Model)).parameters) == ["source", "size"]
    wider = call_of(Wider)
    assert inspect.signature(wider).parameters["added"].default == 3
    assert inspect.getdoc(wider) == (
        "Start it.\n\nArgs:\n    source: what is read.\n    size: Default: 640.\n"
        "    added: a field that is new. Default: 3.\n"
    ).rstrip("\n")


def test_request_fields_with_fields_a_call_passes_on_what_it_does_not_know():
    assert call_of(Model)("a", size=1, newer=2) == {"source": "a", "size": 1, "newer": 2}
