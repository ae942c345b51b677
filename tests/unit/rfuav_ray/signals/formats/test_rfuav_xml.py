import logging

import numpy as np
import pytest

from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import spectrogram_count
from rfuav_ray.signals.stft_settings import StftSettings

#: as RFUAV writes it
PACK = """<?xml version="1.0" encoding="UTF-8"?>
<SignalHoundIQFile Version="1.0">
    <DeviceType>USRPX310</DeviceType>
    <Drone>DJI AVATA2</Drone>
    <SerialNumber>00004</SerialNumber>
    <DataType>Complex Float</DataType>
    <ReferenceSNRLevel>29</ReferenceSNRLevel>
    <CenterFrequency>5765000000.000</CenterFrequency>
    <SampleRate>100000000</SampleRate>
    <IFBandwidth>100000000</IFBandwidth>
    <ScaleFactor>60</ScaleFactor>
</SignalHoundIQFile>
"""
SIZE = 240


def rate_only(rate):
    return f"<pack><SampleRate>{rate}</SampleRate></pack>"


@pytest.fixture
def opened(tmp_path):
    """Opens a recording beside an .xml of the given text."""

    def open_beside(xml, *, name="pack1.iq", xml_name="pack1.xml", **arguments):
        (tmp_path / name).write_bytes(bytes(SIZE))
        if xml is not None:
            (tmp_path / xml_name).write_bytes(xml if isinstance(xml, bytes) else xml.encode())
        return open_recording(tmp_path / name, **arguments)

    return open_beside


@pytest.mark.parametrize("name", ["pack1.iq", "pack1.dat", "pack1.bin", "PACK1.IQ"])
def test_rfuav_xml_rate_frequency_and_type_come_from_the_xml(opened, name):
    recording = opened(PACK, name=name)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (100e6, 5.765e9)
    assert (recording.data_type, recording.sample_count) == ("float32", SIZE // 8)


def test_rfuav_xml_what_is_given_wins(opened):
    recording = opened(PACK, sample_rate_hz=1e6, center_frequency_hz=0.0, data_type="int16")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (1e6, 0.0)
    assert (recording.data_type, recording.sample_count) == ("int16", SIZE // 4)


def test_rfuav_xml_the_rate_in_the_xml_wins_over_the_settings(opened):
    recording = opened(rate_only("10 kHz"))
    settings = StftSettings(sample_rate_hz=1e6, stft_points=16, duration_s=0.002)
    assert settings.samples_per_spectrogram == 2000
    assert spectrogram_count(recording, settings) == 1


def test_rfuav_xml_without_an_xml_nothing_is_known(opened):
    recording = opened(None)
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (None, None)
    assert recording.data_type == "float32"


def test_rfuav_xml_of_several_the_xml_of_the_same_name_wins_then_the_name_it_begins_with(opened, tmp_path):
    for name, rate in [("pack1", 1e6), ("pack1_0-1s", 2e6), ("pack10", 3e6), ("pack", 4e6), ("other", 5e6)]:
        (tmp_path / f"{name}.xml").write_text(rate_only(rate))
    assert opened(None, name="pack1.iq").sample_rate_hz == 1e6
    assert opened(None, name="pack1_0-1s.iq").sample_rate_hz == 2e6
    assert opened(None, name="pack1_1-2s.iq").sample_rate_hz == 1e6
    assert opened(None, name="pack10_0-1s.iq").sample_rate_hz == 3e6
    assert opened(None, name="pack2.iq").sample_rate_hz is None


@pytest.mark.parametrize("xml_name", ["pack1.xml", "PACK1.XML", "description.xml"])
def test_rfuav_xml_the_only_xml_counts_whatever_its_name(opened, tmp_path, xml_name):
    (tmp_path / "._pack1.xml").write_bytes(b"\0\5\26\7")
    (tmp_path / "folder.xml").mkdir()
    assert opened(PACK, name="pack1_3-4s.iq", xml_name=xml_name).sample_rate_hz == 100e6


def test_rfuav_xml_the_xml_is_for_files_without_a_header(opened, tmp_path):
    (tmp_path / "a.xml").write_text(PACK)
    np.save(tmp_path / "a.npy", np.zeros(4, np.complex64))
    assert open_recording(tmp_path / "a.npy").sample_rate_hz is None


@pytest.mark.parametrize(
    ("text", "rate_hz"),
    [
        ("100000000", 100e6),
        ("100000000.000", 100e6),
        ("1e8", 100e6),
        ("1E+08 Hz", 100e6),
        ("100", 100e6),
        ("99999", 99999e6),
        ("100000", 100e3),
        ("61.44", 61.44e6),
        ("100 MHz", 100e6),
        ("100MHZ", 100e6),
        ("  100 mhz  ", 100e6),
        ("2400 kHz", 2.4e6),
        ("0.1 GHz", 100e6),
        ("48000 Hz", 48e3),
        ("100 MS/s", 100e6),
        ("100 M S/s", 100e6),
        ("100Msps", 100e6),
        ("250 ksps", 250e3),
        ("8000 sps", 8e3),
        ("8000 S/s", 8e3),
        ("20 MSa/s", 20e6),
        ("100M", 100e6),
        ("1e2 MHz", 100e6),
    ],
)
def test_rfuav_xml_rates_in_every_spelling(opened, text, rate_hz, caplog):
    assert opened(rate_only(text)).sample_rate_hz == pytest.approx(rate_hz, rel=1e-12)
    assert not caplog.records


@pytest.mark.parametrize("attribute", ['unit="MHz"', "units='MHz'", 'Unit="mhz"', 'other="1" UNITS=" MS/s "'])
def test_rfuav_xml_the_unit_may_be_an_attribute(opened, attribute):
    assert opened(f"<p><SampleRate {attribute}>200000</SampleRate></p>").sample_rate_hz == 200e9


def test_rfuav_xml_a_unit_in_the_text_wins_over_the_attribute(opened):
    assert opened('<p><SampleRate unit="MHz">500 kHz</SampleRate></p>').sample_rate_hz == 500e3


@pytest.mark.parametrize(
    "text",
    [
        "fast",
        "-100 MHz",
        "0",
        "nan",
        "inf",
        "1e999",
        "2 THz",
        "100 parsec",
        "1,000,000",
        "10 20",
        "2e13",
        "5 GHz/s",
    ],
)
def test_rfuav_xml_a_rate_that_is_none_is_ignored_with_a_warning(opened, text, caplog):
    with caplog.at_level(logging.WARNING):
        recording = opened(f"<p><SampleRate>{text}</SampleRate><CenterFrequency>2.4 GHz</CenterFrequency></p>")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (None, 2.4e9)
    assert f"pack1.xml: SampleRate is '{text}" in caplog.text


@pytest.mark.parametrize(
    ("text", "frequency_hz"), [("2440", 2.44e9), ("0", 0.0), ("5.8 GHz", 5.8e9), ("-1", None)]
)
def test_rfuav_xml_frequencies(opened, text, frequency_hz):
    assert opened(f"<p><CenterFrequency>{text}</CenterFrequency></p>").center_frequency_hz == frequency_hz


@pytest.mark.parametrize(
    ("text", "data_type"),
    [
        ("Complex Float", "float32"),
        ("float32", "float32"),
        ("Complex Float 32", "float32"),
        ("32-bit float", "float32"),
        ("complex64", "float32"),
        ("fc32", "float32"),
        ("Complex Short", "int16"),
        ("INT16", "int16"),
        ("int16 (2 bytes)", "int16"),
        ("sc16", "int16"),
        ("int8", "int8"),
        ("signed byte", "int8"),
        ("char", "int8"),
        ("UInt8", "uint8"),
        ("unsigned char", "uint8"),
    ],
)
def test_rfuav_xml_data_types_in_every_spelling(opened, text, data_type, caplog):
    assert opened(f"<p><DataType>{text}</DataType></p>", name="a.bin").data_type == data_type
    assert not caplog.records


@pytest.mark.parametrize(
    "text",
    [
        "Complex Double",
        "float64",
        "Complex Float 64",
        "64-bit float",
        "float16",
        "uint16",
        "unsigned short",
        "int32",
        "IQ",
    ],
)
def test_rfuav_xml_an_unknown_data_type_is_ignored_with_a_warning(opened, text, caplog):
    with caplog.at_level(logging.WARNING):
        assert opened(f"<p><DataType>{text}</DataType></p>").data_type == "float32"
    assert f"pack1.xml: DataType '{text}'" in caplog.text


def test_rfuav_xml_elements_at_any_depth_in_any_case_and_namespace(opened):
    recording = opened(
        '<a xmlns="urn:x"><b><SAMPLERATE/><samplerate> 10 MHz </samplerate></b><c><d><e>'
        "<centerFREQUENCY>2.4 GHz</centerFREQUENCY></e></d></c><SampleRate>20 MHz</SampleRate></a>"
    )
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (10e6, 2.4e9)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gbk", "latin-1"])
def test_rfuav_xml_encodings(opened, encoding, caplog):
    drone = "é" if encoding == "latin-1" else "无人机"
    text = f'<?xml version="1.0" encoding="{encoding}"?><p><Drone>{drone}</Drone>{rate_only("10 MHz")}</p>'
    recording = opened(text.replace("-sig", "").encode(encoding))
    if encoding == "gbk":  # the standard library's parser does not know it
        assert recording.sample_rate_hz is None
        assert "pack1.xml" in caplog.text
    else:
        assert recording.sample_rate_hz == 10e6


def test_rfuav_xml_an_xml_of_something_else_says_nothing(opened, caplog):
    recording = opened("<annotation><filename>a.jpg</filename></annotation>", xml_name="annotation.xml")
    assert recording.sample_rate_hz is None
    assert not caplog.records


BOMB = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + rate_only("10 MHz")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<p><SampleRate>100 MHz</SampleRate>",
        b"<p>\xff\xfe</p>",
        b'<?xml version="1.0" encoding="none such"?><p/>',
        b"<p>" + b" " * 1_000_000 + b"</p>",
        b"<a>" * 100_000,
        BOMB.encode(),
        BOMB.encode("utf-16"),
        # The declaration in ASCII, and what follows in EBCDIC, so that no search of the bytes finds it.
        b'<?xml version="1.0" encoding="cp037"?>' + BOMB.encode("cp037"),
        b'<!DOCTYPE p SYSTEM "file:///etc/hostname"><p><SampleRate>10 MHz</SampleRate></p>',
    ],
)
def test_rfuav_xml_a_broken_or_dangerous_xml_is_ignored_with_a_warning(opened, content, caplog):
    with caplog.at_level(logging.WARNING):
        recording = opened(content, sample_rate_hz=1e6)
    assert (recording.sample_rate_hz, recording.data_type) == (1e6, "float32")
    assert "pack1.xml: cannot be used and is ignored" in caplog.text


def test_rfuav_xml_nested_elements_cost_no_stack(opened):
    assert opened(b"<a>" * 100_000 + rate_only("10 MHz").encode() + b"</a>" * 100_000).sample_rate_hz == 10e6


def test_rfuav_xml_bytes_that_do_not_fit_its_type_are_named(tmp_path):
    (tmp_path / "odd.iq").write_bytes(bytes(6))
    (tmp_path / "odd.xml").write_text("<p><DataType>short</DataType></p>")
    recording = open_recording(tmp_path / "odd.iq")
    assert recording.data_type == "int16"
    assert "the last 2 bytes are no whole sample" in recording.notes[0].message
