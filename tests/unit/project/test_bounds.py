"""Every number of a request has two bounds, and every text and list a largest length."""

from collections.abc import Iterator
from typing import Any

import pytest

from rfuav_ray.settings import Settings
from serve_app.api import create_app

#: Their bounds are not those of one number: pattern (a text), enum and const (one of some values).
_BOUNDED_OTHERWISE = {"pattern", "enum", "const"}
#: the length of what HAProxy takes as the head of a request bounds it
_IN_THE_HEAD = {"header", "path"}


@pytest.fixture(scope="module")
def api():
    return create_app(Settings(_env_file=None)).openapi()


def unbounded(schema, api, where) -> Iterator[str]:
    """The parts of a schema that are not bounded, by their place."""
    if "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for kind in ("anyOf", "allOf", "oneOf"):
        for one in schema.get(kind, ()):
            yield from unbounded(one, api, where)
    for name, one in schema.get("properties", {}).items():
        yield from unbounded(one, api, f"{where}.{name}")
    for one in (*schema.get("prefixItems", ()), *([schema["items"]] if "items" in schema else [])):
        yield from unbounded(one, api, f"{where}[]")
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from unbounded(values, api, f"{where}{{}}")
        if "maxProperties" not in schema:
            yield f"{where}: maxProperties"
    if _BOUNDED_OTHERWISE & schema.keys():
        return
    needs: dict[str, list[tuple[str, ...]]] = {
        "integer": [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")],
        "number": [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")],
        "string": [("maxLength",)],
        "array": [("maxItems",)],
    }
    for names in needs.get(schema.get("type", ""), ()):
        if not schema.keys() & set(names):
            yield f"{where}: {names[0]}"


def test_bounds_every_field_of_a_request_has_them(api):
    found = []
    for path, methods in api["paths"].items():
        for method, route in methods.items():
            where = f"{method.upper()} {path}"
            for parameter in route.get("parameters", ()):
                if parameter["in"] not in _IN_THE_HEAD:
                    found += unbounded(parameter["schema"], api, f"{where}?{parameter['name']}")
            for content in route.get("requestBody", {}).get("content", {}).values():
                found += unbounded(content["schema"], api, where)
    assert found == []


def test_bounds_the_walk_finds_what_has_none():
    integer: dict[str, Any] = {"type": "integer", "minimum": 1}
    api = {"components": {"schemas": {"A": {"type": "object", "properties": {"n": integer}}}}}
    fields: dict[str, Any] = {
        "deep": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
        "text": {"type": "string"},
        "list": {"type": "array", "items": {"type": "number"}},
        "map": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
        "good": {"type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["a"]}},
    }
    assert list(unbounded({"properties": fields}, api, "x")) == [
        "x.deep.n: maximum",
        "x.text: maxLength",
        "x.list[]: minimum",
        "x.list[]: maximum",
        "x.list: maxItems",
        "x.map: maxProperties",
    ]
