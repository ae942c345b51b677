"""The page says everything in both languages."""

import re
from pathlib import Path

import pytest

import serve_app
from rfuav_ray.api.kinds import KINDS

STATIC = Path(serve_app.__file__).parent / "static"
HINT = "hint."


def texts(module):
    text = (STATIC / module).read_text(encoding="utf-8")
    return dict(re.findall(r'^  "([^"]+)": "(.*)",$', text, re.MULTILINE))


ENGLISH, CHINESE, HINTS = texts("words_en.js"), texts("words_zh.js"), texts("hints_zh.js")


def test_words_both_languages_have_the_same_words_with_the_same_values_in_them():
    assert ENGLISH.keys() == CHINESE.keys() and len(ENGLISH) > 100
    for key, text in ENGLISH.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", CHINESE[key])), key


def test_words_every_word_that_the_page_asks_for_is_there():
    asked = {key for path in STATIC.rglob("*.js") for key in re.findall(r'\bt\("([^"]+)"', path.read_text())}
    assert len(asked) > 50 and asked <= ENGLISH.keys()


def test_words_each_kind_of_task_has_a_word():
    assert {key for key in ENGLISH if key.startswith("kind.")} == {f"kind.{kind}" for kind in KINDS}


def described_fields():
    for kind, record in KINDS.items():
        for name, field in record.request.model_json_schema()["properties"].items():
            if "description" in field:
                yield kind, name, field["description"]


@pytest.mark.parametrize(("kind", "name", "description"), list(described_fields()))
def test_words_every_described_field_of_a_request_has_a_hint_in_chinese(kind, name, description):
    own, shared = f"{HINT}{kind}.{name}", f"{HINT}{name}"
    assert re.search("[\u4e00-\u9fff]", HINTS[own if own in HINTS else shared])
    if own not in HINTS:  # then what it says in Chinese is said of the others, too
        said = {
            text
            for other, field, text in described_fields()
            if field == name and f"{HINT}{other}.{name}" not in HINTS
        }
        assert said == {description}


def test_words_no_hint_is_of_a_field_that_there_is_not():
    fields = {f"{HINT}{kind}.{name}" for kind, name, _ in described_fields()}
    fields |= {f"{HINT}{name}" for _, name, _ in described_fields()}
    assert HINTS.keys() <= fields
