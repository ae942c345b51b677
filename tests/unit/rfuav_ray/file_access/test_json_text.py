"""JSON that others wrote."""

import pytest

from rfuav_ray.file_access.json_text import MAX_PARTS, parse_json


def test_json_text_is_parsed():
    assert parse_json('{"a": [1, null]}') == parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, b"[" * 100_000, "9" * 10_000, "[" + "0," * (MAX_PARTS + 1) + "0]", b"\xff"]
)
def test_json_text_has_one_kind_of_error(text):
    with pytest.raises(ValueError):
        parse_json(text)
