"""What was found in a recording, as SigMF annotations that other tools open with the samples."""

import numpy as np
import pytest
import sigmf
from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.signals.formats.sigmf.annotations import Annotation, write_annotations
from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import interleaved
from tests.support.sigmf_annotations import annotate
from tests.support.sigmf_files import RATE_HZ, SAMPLES, write, write_metadata
from tests.support.small_disk import FULL, fill, mounting
from tests.unit.rfuav_ray.signals.formats.sigmf.test_archive import pack, pair

IQ = np.tile(SAMPLES, 100)


def raw(folder, name, values, **asked):
    path = folder / name
    path.write_bytes(values.tobytes())
    return open_recording(path, sample_rate_hz=RATE_HZ, **asked)


def wav(folder, values):
    wavfile.write(folder / "a.wav", 1_000_000, values)
    return open_recording(folder / "a.wav")


def npy(folder, values):
    np.save(folder / "a.npy", values)
    return open_recording(folder / "a.npy")


def non_conforming(folder):
    path = write_metadata(
        folder, dataset="a.raw", trailing_bytes=5, captures=[{"core:sample_start": 0, "core:header_bytes": 7}]
    )
    (folder / "a.raw").write_bytes(b"h" * 7 + interleaved(IQ).tobytes() + b"t" * 5)
    return open_recording(path)


def int16(samples):
    return (interleaved(samples, "f8") * 32768).astype("<i2")


LINKED = {
    "iq": (lambda folder: raw(folder, "a.iq", IQ), "cf32_le", "x.sigmf-data"),
    "cs16": (lambda folder: raw(folder, "a.cs16", int16(IQ)), "ci16_le", "x.sigmf-data"),
    "cu8": (lambda folder: raw(folder, "a.cu8", np.arange(200, dtype=np.uint8)), "cu8", "x.sigmf-data"),
    "cf64": (lambda folder: raw(folder, "a.cf64", IQ.astype("<c16")), "cf64_le", "x.sigmf-data"),
    "real": (lambda folder: raw(folder, "a.s16", int16(IQ)[:, 0]), "ri16_le", "x.sigmf-data"),
    "cut off": (lambda folder: raw(folder, "a.cs16", np.arange(201, dtype="<i2")), "ci16_le", "x.cs16"),
    "no suffix": (lambda folder: raw(folder, "a", np.arange(1001, dtype="<f4")), "cf32_le", "x.bin"),
    "WAV": (lambda folder: wav(folder, int16(IQ)), "ci16_le", "x.wav"),
    "WAV of 8 bits": (lambda folder: wav(folder, np.arange(200, dtype=np.uint8)), "ru8", "x.wav"),
    "npy": (lambda folder: npy(folder, IQ), "cf32_le", "x.npy"),
    "npy, big-endian": (lambda folder: npy(folder, IQ.astype(">c8")), "cf32_be", "x.npy"),
    "pair": (lambda folder: open_recording(write(folder, interleaved(IQ), "cf32_le")), "cf32_le", "x.sigmf-data"),
    "pair, big-endian": (
        lambda folder: open_recording(write(folder, int16(IQ).astype(">i2"), "CI16_BE")),
        "ci16_be",
        "x.sigmf-data",
    ),
    "pair, two channels": (
        lambda folder: open_recording(write(folder, int16(IQ), "ri16_le", num_channels=2)),
        "ci16_le",
        "x.sigmf-data",
    ),
    "pair with a header": (
        lambda folder: open_recording(
            write(folder, interleaved(IQ), "cf32_le", captures=[{"core:header_bytes": 8}])
        ),
        "cf32_le",
        "x.bin",
    ),
    "non-conforming": (non_conforming, "cf32_le", "x.raw"),
    "archive": (
        lambda folder: open_recording(pack(folder / "a.sigmf", pair("in/a", data=IQ.tobytes()))),
        "cf32_le",
        "x.sigmf",
    ),
}


@pytest.mark.parametrize("kind", LINKED)
@pytest.mark.filterwarnings("error")
def test_annotations_open_in_the_sigmf_package_with_the_same_samples(tmp_path, kind):
    make, datatype, link = LINKED[kind]
    (tmp_path / "in").mkdir()
    recording = make(tmp_path / "in")
    path = tmp_path / "results/x.sigmf-meta"
    content, reason = annotate(recording, path)
    assert reason is None
    assert {one.name for one in path.parent.iterdir()} == {path.name, link}
    assert (path.parent / link).readlink() == recording.samples.path.resolve()
    assert content["global"]["core:datatype"] == datatype

    opened = sigmf.fromfile(path)
    assert opened.sample_count == recording.sample_count
    assert opened.get_global_field("core:sample_rate") == recording.sample_rate_hz
    assert [one["core:label"] for one in opened.get_annotations()] == ["no drone", "DJI AVATA2"]
    values = recording.read(0, recording.sample_count)
    # The package takes 128 for the silence of all uint8.
    tolerance = 0.012 if datatype.endswith("u8") else 1e-7
    expected = values if recording.is_complex else values.real
    np.testing.assert_allclose(opened.read_samples(), expected, rtol=0, atol=tolerance)

    again = open_recording(path)
    np.testing.assert_array_equal(again.read(0, again.sample_count), values)
    assert (again.sample_rate_hz, again.captures) == (recording.sample_rate_hz, recording.captures)


def iq(folder, name="a.iq", **asked):
    (folder / "in").mkdir(exist_ok=True)
    IQ.tofile(folder / "in" / name)
    return open_recording(folder / "in" / name, **asked)


def test_annotations_say_what_was_found_in_the_order_of_its_samples(tmp_path):
    recording = iq(tmp_path, sample_rate_hz=20e6, center_frequency_hz=2.44e9)
    content, _ = annotate(recording, tmp_path / "x.sigmf-meta")
    assert content == {
        "global": {
            "core:datatype": "cf32_le",
            "core:recorder": "rfuav-ray 0.2.0",
            "core:sample_rate": 20e6,
            "core:version": sigmf.__specification__,
        },
        "captures": [{"core:sample_start": 0, "core:frequency": 2.44e9}],
        "annotations": [
            {
                "core:sample_start": 0,
                "core:sample_count": 2,
                "core:label": "no drone",
                "core:comment": "probability 0.5",
                "core:generator": "rfuav-ray 0.2.0",
            },
            {
                "core:sample_start": 2,
                "core:sample_count": 2,
                "core:label": "DJI AVATA2",
                "core:comment": "probability 0.97",
                "core:generator": "rfuav-ray 0.2.0",
                "core:freq_lower_edge": 2.43e9,
                "core:freq_upper_edge": 2.45e9,
            },
        ],
    }


def test_annotations_of_a_recording_without_rate_and_frequency(tmp_path):
    content, _ = annotate(iq(tmp_path), tmp_path / "x.sigmf-meta", found=[])
    assert "core:sample_rate" not in content["global"]
    assert content["captures"] == [{"core:sample_start": 0}]
    assert content["annotations"] == []


@pytest.mark.parametrize("edges", [(2.4e9, None), (None, 2.4e9), (2.4e9, 2e12), (float("nan"), 2.4e9)])
def test_annotations_have_both_edges_of_a_band_or_none(tmp_path, edges):
    content, _ = annotate(
        iq(tmp_path), tmp_path / "x.sigmf-meta", found=[Annotation(0, 4, "drone", "probability 1.0", *edges)]
    )
    assert content["annotations"][0].keys().isdisjoint({"core:freq_lower_edge", "core:freq_upper_edge"})


def test_annotations_keep_every_digit_and_every_name(tmp_path):
    names = ["无人机", "Fernsteuerung für „Öl“", "a" * 300, ""]
    found = [Annotation(2**53 + 1, 2**60 + 1, name, "", 2_400_000_000.125, 2.45e9) for name in names]
    content, _ = annotate(iq(tmp_path), tmp_path / "x.sigmf-meta", found=found)
    assert [one["core:label"] for one in content["annotations"]] == names
    first = content["annotations"][0]
    assert (first["core:sample_start"], first["core:sample_count"]) == (2**53 + 1, 2**60 + 1)
    assert first["core:freq_lower_edge"] == 2_400_000_000.125


@pytest.mark.parametrize(
    "name",
    [
        "x.iq",
        "two..dots",
        "a b",
        "Größe 1",
        "433.92MHz",
        "2020-01-01T12:00:00",
        "x.sigmf",
        b"\xff".decode("utf-8", "surrogateescape"),
    ],
)
@pytest.mark.parametrize("suffix", [".iq", ".npy"])
def test_annotations_under_strange_names(tmp_path, name, suffix):
    recording = iq(tmp_path)
    if suffix == ".npy":
        np.save(tmp_path / "in/a.npy", IQ)
        recording = open_recording(tmp_path / "in/a.npy")
    path = tmp_path / "results" / f"{name}.sigmf-meta"
    _, reason = annotate(recording, path)
    assert reason is None
    np.testing.assert_array_equal(sigmf.fromfile(path).read_samples(), IQ)


def test_annotations_of_an_earlier_run_are_replaced(tmp_path):
    path = tmp_path / "x.sigmf-meta"
    annotate(iq(tmp_path), path)
    content, reason = annotate(iq(tmp_path, "b.iq"), path, found=[])
    assert (content["annotations"], reason) == ([], None)
    assert (tmp_path / "x.sigmf-data").readlink() == tmp_path / "in/b.iq"


def test_annotations_are_not_written_over_the_recording(tmp_path):
    metadata = write(tmp_path, interleaved(SAMPLES), "cf32_le")
    before = metadata.read_bytes()
    with pytest.raises(RunError, match=r"a\.sigmf-meta: this is the recording itself"):
        write_annotations(metadata, open_recording(metadata), [], generator="rfuav-ray")
    assert metadata.read_bytes() == before


def test_annotations_on_a_full_disk_leave_the_earlier_ones(tmp_path):
    recording = iq(tmp_path)
    with mounting(tmp_path / "disk") as mount:
        path = mount(1) / "x.sigmf-meta"
        write_annotations(path, recording, [], generator="rfuav-ray")
        before = path.read_bytes()
        fill(path.parent)
        found = (Annotation(number, 1, "drone", "", None, None) for number in range(1000))
        with pytest.raises(OSError, match=FULL):
            write_annotations(path, recording, found, generator="rfuav-ray")
        assert path.read_bytes() == before
        assert {one.name for one in path.parent.iterdir()} == {"x.sigmf-meta", "x.sigmf-data", "filler"}
