import pytest

from rfuav_ray.signals.metadata.encodings import decode

TEXT = "<p>无人机 20 兆赫</p>"


def head(encoding):
    return f'<?xml version="1.0" encoding="{encoding}"?>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_unicode_needs_no_statement(encoding):
    assert decode(TEXT.encode(encoding)) == (TEXT, None)


@pytest.mark.parametrize("encoding", ["GB2312", "gbk", "GB18030"])
def test_encodings_the_stated_encoding_of_china_is_used(encoding):
    text = head(encoding) + TEXT
    assert decode(text.encode(encoding)) == (text, None)


def test_encodings_other_stated_encodings_are_used():
    for encoding, content in (
        ("Big5", "<p>無人機</p>"),
        ("iso-8859-1", "<p>dröne</p>"),
        ("Shift_JIS", "<p>ドローン</p>"),
    ):
        text = head(encoding) + content
        assert decode(text.encode(encoding)) == (text, None)


def test_encodings_gb2312_may_hold_characters_of_gbk():
    text = head("gb2312") + "<p>無人機</p>"
    assert decode(text.encode("gbk")) == (text, None)


@pytest.mark.parametrize("stated", ["gb2312", "iso-8859-1", "utf-16"])
def test_encodings_utf_8_wins_over_a_head_that_was_left(stated):
    text = head(stated) + TEXT
    assert decode(text.encode()) == (text, None)


@pytest.mark.parametrize(("start", "said"), [("", "UTF-8"), (head("utf-8"), "utf-8")])
def test_encodings_without_a_true_statement_gb18030_is_guessed(start, said):
    text, remark = decode((start + TEXT).encode("gbk"))
    assert text == start + TEXT
    assert remark == f"its bytes are not {said} and are read as GB18030"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_encodings_a_cut_last_character_is_left_out(encoding):
    assert decode("<p>无人机".encode(encoding)[:-1])[0] == "<p>无人"


@pytest.mark.parametrize("content", [b"\xff\xff\xff", head("none").encode(), head("cp037").encode() + b"\xff"])
def test_encodings_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match=r"neither UTF-8 nor GB18030|is not supported; save it as UTF-8"):
        decode(content)
