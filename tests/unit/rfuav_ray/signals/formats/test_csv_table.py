"""Tables of text: what they hold, and what is refused with the number of the line."""

import numpy as np
import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.signals.recordings import is_recording, open_recording
from tests.support.iq_samples import SAMPLES


def table(path, separator=",", header="", decimal=".", rate_hz=None, end="\n"):
    rows = [[one.real, one.imag] for one in SAMPLES]
    if rate_hz:
        rows = [[at / rate_hz, *row] for at, row in enumerate(rows)]
    lines = [separator.join(f"{number:.9f}".replace(".", decimal) for number in row) for row in rows]
    path.write_text(header + end.join(lines) + end, newline="")
    return path


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"separator": ";"},
        {"separator": "\t"},
        {"separator": "  "},
        {"separator": ";", "decimal": ","},
        {"separator": "\t", "decimal": ","},
        {"separator": ", "},
        {"end": "\r\n"},
        {"end": "\n\n"},
    ],
)
def test_csv_of_every_form_gives_the_same_samples(tmp_path, form):
    recording = open_recording(table(tmp_path / "a.csv", **form))
    assert (recording.sample_count, recording.is_complex, recording.notes) == (4, True, ())
    np.testing.assert_allclose(recording.read(1, 3), SAMPLES[1:])
    assert is_recording(tmp_path / "a.csv")


@pytest.mark.parametrize("header", ["I,Q\n", "\ufeffI,Q\n", "device,X\nrate,1\nI,Q\n"])
def test_csv_header_is_left_out_and_told(tmp_path, header):
    table(tmp_path / "a.csv", header=header)
    recording = open_recording(tmp_path / "a.csv")
    assert recording.sample_count == 4
    assert [(note.level, "header" in note.message) for note in recording.notes] == [("INFO", True)]


@pytest.mark.parametrize(("header", "unit_s"), [("", 1), ("time_us,I,Q\n", 1e-6), ("t [ms],I,Q\n", 1e-3)])
def test_csv_time_gives_the_sample_rate(tmp_path, header, unit_s):
    recording = open_recording(table(tmp_path / "a.csv", header=header, rate_hz=1000))
    assert recording.sample_rate_hz == pytest.approx(1000 / unit_s)
    np.testing.assert_allclose(recording.read(0, 4), SAMPLES)


def test_csv_number_of_the_sample_is_no_time(tmp_path):
    recording = open_recording(table(tmp_path / "a.csv", rate_hz=1))
    assert recording.sample_rate_hz is None
    assert "counts the samples" in recording.notes[0].message


def test_csv_uneven_times_are_told(tmp_path):
    (tmp_path / "a.csv").write_text("0,1,1\n1,1,1\n2,1,1\n50,1,1\n")
    assert "not evenly spaced" in open_recording(tmp_path / "a.csv").notes[-1].message


def test_csv_of_a_real_signal_is_read_if_asked(tmp_path):
    (tmp_path / "a.csv").write_text("0.5\n-0.25\n0\n")
    recording = open_recording(tmp_path / "a.csv", is_real=True)
    np.testing.assert_array_equal(recording.read(0, 3), [0.5, -0.25, 0])
    with pytest.raises(RunError, match=r"line 1 has 1 columns.*set real to true"):
        open_recording(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("1,2\n3,4\n5,x\n", 3),
        ("1,2\n3,4\n\n5,6,7\n", 4),
        ("I,Q\n1,2\n3\n", 3),
        ("0.1,1,2\n0.2,1,2\n0.1,1,2\n", 3),
        ("1,2,3,4\n1,2,3,4\n", 1),
        ("name,class\na,b\n", 1),
    ],
)
def test_csv_that_is_no_table_of_i_and_q_is_refused_with_its_line(tmp_path, content, line):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(RunError, match=rf"a\.csv: line {line}\b"):
        open_recording(tmp_path / "a.csv")


def test_csv_of_samples_is_refused_and_lists_do_not_count(tmp_path):
    (tmp_path / "a.csv").write_bytes(np.random.default_rng(0).standard_normal(500).tobytes())
    with pytest.raises(RunError, match="no text"):
        open_recording(tmp_path / "a.csv")
    (tmp_path / "labels.csv").write_text("file,class\na.iq,drone\n")
    assert not is_recording(tmp_path / "labels.csv")
