import pytest

from rfuav_ray.signals.formats.sigmf.captures import captures_of
from rfuav_ray.signals.recordings import open_recording
from tests.support.iq_samples import SAMPLES, interleaved
from tests.support.sigmf_files import write


def tuned(*captures, offset=None, sample_count=1000):
    """The captures as pairs, and the notes. A frequency of None is not stated."""
    stated = [
        {"core:sample_start": start} | ({} if frequency_hz is None else {"core:frequency": frequency_hz})
        for start, frequency_hz in captures
    ]
    found, notes = captures_of(stated, offset=offset, sample_count=sample_count)
    return [(one.first_sample, one.center_frequency_hz) for one in found], notes


def test_captures_each_has_its_frequency(tmp_path):
    captures = [{"core:sample_start": 2 * number, "core:frequency": 1e9 + 1e6 * number} for number in range(2)]
    recording = open_recording(write(tmp_path, interleaved(SAMPLES), "cf32_le", captures=captures))
    assert [recording.center_frequency_at(sample) for sample in range(4)] == [1e9, 1e9, 1.001e9, 1.001e9]
    assert recording.notes == ()


@pytest.mark.parametrize("captures", [[], [(0, None)], [(0, None), (5, None)]])
def test_captures_without_a_frequency_say_nothing(captures):
    assert tuned(*captures) == ([], ())


def test_captures_that_change_nothing_are_left_out():
    assert tuned((0, 1e9), (5, 1e9), (9, 2e9)) == ([(0, 1e9), (9, 2e9)], ())


def test_captures_count_from_the_offset_of_the_recording():
    assert tuned((1000, 1e9), (1500, 2e9), offset=1000) == ([(0, 1e9), (500, 2e9)], ())


def test_captures_before_the_first_one_no_frequency_is_known():
    found, (note,) = tuned((100, 1e9))
    assert found == [(100, 1e9)]
    assert (note.level, note.message) == ("INFO", "the frequency of its first 100 samples is not stated")


def test_captures_do_not_inherit_a_frequency():
    found, (note,) = tuned((0, 1e9), (5, None), (9, 1e9))
    assert found == [(0, 1e9), (5, None), (9, 1e9)]
    assert note.level == "INFO"


@pytest.mark.parametrize(
    ("captures", "offset", "expected", "warning"),
    [
        ([(500, 2e9), (0, 1e9)], None, [(0, 1e9), (500, 2e9)], "not in the order"),
        ([(0, 1e9), (0, 2e9)], None, [(0, 2e9)], "begin at one sample"),
        ([(0, 1e9), (1000, 2e9)], None, [(0, 1e9)], "behind the recording's 1000 samples"),
        ([(0, 1e9), (10, 2e9)], 1000, [(0, 2e9)], "before the recording"),
        ([(0, 1e9), (-5, 2e9)], None, [(0, 1e9)], "core:sample_start of capture 1 is -5"),
        ([(0, 1e9), ("7", 2e9)], None, [(0, 1e9)], "core:sample_start of capture 1 is '7'"),
        ([(0, 1e9), (1.5, 2e9)], None, [(0, 1e9)], "core:sample_start of capture 1 is 1.5"),
        ([(0, 1e9)], "many", [(0, 1e9)], "core:offset is 'many'"),
    ],
)
def test_captures_that_are_doubtful_are_told_of(captures, offset, expected, warning):
    found, (note,) = tuned(*captures, offset=offset)
    assert found == expected
    assert note.level == "WARNING"
    assert warning in note.message


@pytest.mark.parametrize("frequency", ["2.4 GHz", True, float("nan"), [1], 10**400, 2e12])
def test_captures_a_frequency_that_is_none_is_ignored_with_a_warning(frequency):
    found, (note,) = tuned((0, frequency))
    assert (found, note.level) == ([], "WARNING")
    assert "core:frequency of capture 0" in note.message


def test_captures_starts_may_be_written_with_decimals():
    assert tuned((0, 1e9), (5.0, 2e9))[0] == [(0, 1e9), (5, 2e9)]
