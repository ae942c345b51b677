import pytest

from rfuav_ray.signals.metadata.xml_fields import Field, read


@pytest.fixture
def fields(tmp_path):
    """Reads an .xml of the given content."""

    def fields_of(content):
        path = tmp_path / "a.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path)

    return fields_of


def test_xml_fields_at_any_depth_in_any_case_and_namespace(fields):
    found = fields(
        '<a xmlns="urn:x"><B/><Sample_Rate Unit="MHz"> 10 </Sample_Rate><c><d>\n<E-f>x</E-f></d></c></a>'
    )
    assert found.of == {"samplerate": Field("10", "MHz"), "ef": Field("x")}
    assert not found.remarks


def test_xml_fields_of_several_the_first_counts_and_that_is_said(fields):
    found = fields("<p><r>10</r><r>20</r><s>1</s><s>1</s></p>")
    assert found.of["r"].text == "10"
    assert found.remarks == ("it has several r, of which the first is used",)


@pytest.mark.parametrize(
    "content",
    [
        "<p><r>20 MHz</r>",
        "<p><r>20 MHz</r><s>int",
        "<p><n>A & B</n><r>20 MHz</r></p>",
        "<p><r>20 MHz</r></P>",
        "<p><!-- <r>10 MHz</r> --><r>20&nbsp;MHz</r></p>",
        "<r>20 MHz</r><r>20 MHz</r>",
    ],
)
def test_xml_fields_of_a_broken_xml_the_complete_ones_count(fields, content):
    found = fields(content)
    assert found.of["r"].text.replace("\u00a0", " ") == "20 MHz"
    assert "s" not in found.of
    assert "broken or cut off" in found.remarks[0]


def test_xml_fields_of_a_broken_xml_that_contradict_each_other_do_not_count(fields):
    found = fields("<p><r>20 MHz</r><r>10 MHz</r><s unit='kHz'>1</s>")
    assert found.of == {"s": Field("1", "kHz")}
    assert "several r, of which none is used" in found.remarks[1]


BOMB = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><p><r>10 MHz</r></p>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no XML"),
        (b"no xml", "no XML"),
        (b"<p>\xff\xfe</p>", "neither"),
        (b'<?xml version="1.0" encoding="none"?><p/>', "not supported"),
        (b"<p>" + b" " * 1_000_000 + b"</p>", "larger than 1 MB"),
        (b"<a>" * 100_000, "no XML"),
        (BOMB.encode(), "DOCTYPE"),
        (BOMB[:-3].encode(), "DOCTYPE"),
        (BOMB.encode("utf-16"), "DOCTYPE"),
        (b"& " + BOMB.encode(), "DOCTYPE"),
        # The head in ASCII, and what follows in EBCDIC, so that no search of the bytes finds it.
        (b'<?xml version="1.0" encoding="cp037"?>' + BOMB.encode("cp037"), "not supported"),
        (b'<!DOCTYPE p SYSTEM "file:///etc/hostname"><p><r>10 MHz</r></p>', "DOCTYPE"),
    ],
)
def test_xml_fields_an_unreadable_or_dangerous_xml_is_refused(fields, content, reason):
    with pytest.raises((OSError, ValueError), match=reason):
        fields(content)


def test_xml_fields_nested_elements_cost_no_stack(fields):
    assert fields(b"<a>" * 100_000 + b"<r>1</r>" + b"</a>" * 100_000).of["r"].text == "1"
