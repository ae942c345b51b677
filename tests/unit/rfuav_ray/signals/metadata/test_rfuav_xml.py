import numpy as np
import pytest
from scipy.io import wavfile

from rfuav_ray.errors import InvalidInput
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


def warnings_of(recording):
    return [note.message for note in recording.notes if note.level == "WARNING"]


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
    assert warnings_of(recording) == [
        "sample_rate_hz 1000000 of the request is used; pack1.xml says 100000000",
        "center_frequency_hz 0 of the request is used; pack1.xml says 5.765e+09",
        "data_type int16 of the request is used; pack1.xml says float32",
    ]


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


@pytest.mark.parametrize("xml_name", ["pack1.xml", "PACK1.XML", "pack1_3-4s.iq.xml"])
def test_rfuav_xml_its_name_begins_that_of_the_recording(opened, tmp_path, xml_name):
    (tmp_path / "._pack1.xml").write_bytes(b"\0\5\26\7")
    (tmp_path / "pack1_3.xml").mkdir()
    assert opened(PACK, name="pack1_3-4s.iq", xml_name=xml_name).sample_rate_hz == 100e6


def test_rfuav_xml_an_umlaut_may_be_one_character_or_two(opened):
    recording = opened(PACK, name="dro\u0308ne_0-1s.iq", xml_name="dr\u00f6ne.xml")
    assert recording.sample_rate_hz == 100e6


def test_rfuav_xml_of_another_recording_never_applies(opened, tmp_path):
    opened(PACK.replace("Complex Float", "int16"), name="pack1_0-1s.iq")
    other = opened(None, name="hackrf_other.iq", sample_rate_hz=20e6)
    assert (other.sample_rate_hz, other.data_type, other.captures, other.notes) == (20e6, "float32", (), ())


def test_rfuav_xml_of_no_recording_is_named(opened, tmp_path):
    recording = opened(PACK, name="pack1_0-1s.iq", xml_name="description.xml")
    assert (recording.sample_rate_hz, recording.data_type) == (None, "float32")
    assert warnings_of(recording) == ["description.xml is not applied: its name does not begin this one's"]
    (tmp_path / "pack1.xml").write_text(PACK)
    assert opened(None, name="pack1_0-1s.iq").notes == ()


def test_rfuav_xml_of_no_recording_is_no_warning_where_there_is_a_header(tmp_path):
    (tmp_path / "description.xml").write_text(PACK)
    wavfile.write(tmp_path / "a.wav", 48_000, np.zeros((4, 2), np.int16))
    (note,) = open_recording(tmp_path / "a.wav").notes
    assert (note.level, note.message[:15]) == ("INFO", "description.xml")


def test_rfuav_xml_states_what_a_header_does_not(opened, tmp_path):
    (tmp_path / "a.xml").write_text(PACK)
    np.save(tmp_path / "a.npy", np.zeros(4, np.complex64))
    recording = open_recording(tmp_path / "a.npy")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (100e6, 5.765e9)
    assert recording.notes == ()


@pytest.mark.parametrize("attribute", ['unit="MHz"', "units='MHz'", 'Unit="mhz"', 'other="1" UNITS=" MS/s "'])
def test_rfuav_xml_the_unit_may_be_an_attribute(opened, attribute):
    assert opened(f"<p><SampleRate {attribute}>200000</SampleRate></p>").sample_rate_hz == 200e9


def test_rfuav_xml_a_unit_in_the_text_wins_over_the_attribute(opened):
    assert opened('<p><SampleRate unit="MHz">500 kHz</SampleRate></p>').sample_rate_hz == 500e3


@pytest.mark.parametrize("text", ["fast", "-100 MHz", "0", "1e999", "100 parsec", "10 20", "2e13"])
def test_rfuav_xml_a_rate_that_is_none_is_ignored_with_a_warning(opened, text):
    recording = opened(f"<p><SampleRate>{text}</SampleRate><CenterFrequency>2.4 GHz</CenterFrequency></p>")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (None, 2.4e9)
    (warning,) = warnings_of(recording)
    assert warning.startswith(f"pack1.xml: SampleRate '{text}' is not understood")
    assert warning.endswith("no sample rate is known")


def test_rfuav_xml_an_ambiguous_number_is_told_of_with_what_is_assumed(opened):
    recording = opened("<p><SampleRate>20,000 kHz</SampleRate><CenterFrequency>2,437 GHz</CenterFrequency></p>")
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (20e6, 2.437e9)
    assert [text.rpartition("; ")[2] for text in warnings_of(recording)] == [
        "20 MS/s is assumed",
        "2.437 GHz is assumed",
    ]


@pytest.mark.parametrize(
    ("text", "frequency_hz"), [("2440", 2.44e9), ("0", 0.0), ("5.8 GHz", 5.8e9), ("-1", None)]
)
def test_rfuav_xml_frequencies(opened, text, frequency_hz):
    assert opened(f"<p><CenterFrequency>{text}</CenterFrequency></p>").center_frequency_hz == frequency_hz


@pytest.mark.parametrize(
    ("text", "data_type"),
    [("Complex Float", "float32"), ("短整型", "int16"), ("signed byte", "int8"), ("u8", "uint8")],
)
def test_rfuav_xml_data_types(opened, text, data_type):
    recording = opened(f"<p><DataType>{text}</DataType></p>", name="pack1.bin")
    assert (recording.data_type, recording.notes) == (data_type, ())


@pytest.mark.parametrize("text", ["IQ", "Complex Float 64", "32 bit"])
def test_rfuav_xml_an_unknown_data_type_is_ignored_with_a_warning(opened, text):
    recording = opened(f"<p><DataType>{text}</DataType></p>")
    assert recording.data_type == "float32"
    assert warnings_of(recording) == [
        f"pack1.xml: DataType '{text}' is not understood; it is ignored, and float32 is assumed"
    ]


@pytest.mark.parametrize("text", ["float16", "uint32", "int16 big-endian"])
def test_rfuav_xml_a_type_that_cannot_be_read_is_refused(opened, text):
    xml = f"<p><DataType>{text}</DataType></p>"
    with pytest.raises(InvalidInput, match=rf"pack1\.iq: pack1\.xml says {text}, which cannot be read"):
        opened(xml)
    assert opened(xml, data_type="int8").data_type == "int8"


def test_rfuav_xml_another_type_of_the_caller_wins_with_a_warning(opened):
    recording = opened("<p><DataType>int16</DataType></p>", data_type="int8")
    assert warnings_of(recording) == ["data_type int8 of the request is used; pack1.xml says int16"]


def test_rfuav_xml_elements_at_any_depth_in_any_case_and_namespace(opened):
    recording = opened(
        '<a xmlns="urn:x"><b><SAMPLERATE/><samplerate> 10 MHz </samplerate></b><c><d><e>'
        "<centerFREQUENCY>2.4 GHz</centerFREQUENCY></e></d></c><SampleRate>20 MHz</SampleRate></a>"
    )
    assert (recording.sample_rate_hz, recording.center_frequency_hz) == (10e6, 2.4e9)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb2312", "gbk", "gb18030", "big5", "latin-1"])
def test_rfuav_xml_encodings(opened, encoding):
    drone = {"latin-1": "é", "big5": "無人機"}.get(encoding, "无人机")
    rate = "10 MHz" if encoding == "latin-1" else "10 兆赫"
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    text = f"{head}<p><Drone>{drone}</Drone>{rate_only(rate)}</p>"
    recording = opened(text.encode(encoding, "replace"))
    assert recording.sample_rate_hz == 10e6
    assert recording.notes == ()


def test_rfuav_xml_bytes_that_are_not_utf_8_are_read_as_gb18030_with_a_warning(opened):
    recording = opened(f"<p><Drone>无人机</Drone>{rate_only('10 兆赫')}</p>".encode("gbk"))
    assert recording.sample_rate_hz == 10e6
    assert warnings_of(recording) == ["pack1.xml: its bytes are not UTF-8 and are read as GB18030"]


def test_rfuav_xml_what_is_left_of_a_cut_one_is_used_with_a_warning(opened):
    recording = opened("<p><SampleRate>20 MHz</SampleRate><DataType>int16</DataType>")
    assert (recording.sample_rate_hz, recording.data_type) == (20e6, "int16")
    (warning,) = warnings_of(recording)
    assert "pack1.xml: it is broken or cut off" in warning


def test_rfuav_xml_of_other_contents_is_told_of_if_it_has_the_recordings_name(opened):
    other = "<annotation><filename>a.jpg</filename></annotation>"
    assert opened(other, xml_name="annotation.xml").notes == ()
    recording = opened(other)
    assert recording.sample_rate_hz is None
    assert warnings_of(recording) == ["pack1.xml: it states no SampleRate, CenterFrequency or DataType"]


@pytest.mark.parametrize("content", [b"", b"no xml", b'<!DOCTYPE p SYSTEM "file:///etc/hostname"><p/>'])
def test_rfuav_xml_an_unusable_one_is_ignored_with_a_warning_that_says_what_is_assumed(opened, content):
    recording = opened(content, sample_rate_hz=1e6)
    assert (recording.sample_rate_hz, recording.data_type) == (1e6, "float32")
    (warning,) = warnings_of(recording)
    assert warning.startswith("pack1.xml: it cannot be used: it ")
    assert warning.endswith("it is ignored, and float32 is assumed, and 1 MS/s is used")


def test_rfuav_xml_is_read_anew_when_it_is_written_anew(opened):
    assert opened(rate_only("10 MHz")).sample_rate_hz == 10e6
    assert opened(rate_only("20 MHz")).sample_rate_hz == 20e6


def test_rfuav_xml_bytes_that_do_not_fit_its_type_are_named(tmp_path):
    (tmp_path / "odd.iq").write_bytes(bytes(6))
    (tmp_path / "odd.xml").write_text("<p><DataType>short</DataType></p>")
    recording = open_recording(tmp_path / "odd.iq")
    assert recording.data_type == "int16"
    assert "the last 2 bytes are no whole sample" in recording.notes[0].message
