"""The changed copies of recordings: what is added to them, what is told, and their spectrograms."""

import cv2
import numpy as np
import pytest
import yaml

from preprocessing.dataset_file import dataset_file
from preprocessing.folders import stft_settings_of
from preprocessing.found_recordings import look_at
from preprocessing.iq_copies import prepare_copies
from preprocessing.pipeline.worker import Item
from preprocessing.spectrogram import draw, samples_digest
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.images.recording_names import by_recording
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.writers import write_sigmf

RATE_HZ = 20e6


def write(path, emitter="ofdm_5mhz_video", *, snr_db=40.0, rate_hz=RATE_HZ, duration_s=0.004, seed=1):
    samples = simulate(
        emitter, duration_s=duration_s, sample_rate_hz=RATE_HZ, snr_db=snr_db, seed=seed, interference=False
    )
    write_sigmf(path, samples, sample_rate_hz=rate_hz, center_frequency_hz=2.4e9)


class Run:
    """A request for the copies of the recordings in <folder>/in."""

    def __init__(self, folder, **fields):
        self.folder = folder
        self.request = SpectrogramRequest(
            **{
                "input_path": str(folder / "in"),
                "output_path": str(folder / "out"),
                "duration_s": 0.002,
                "stft_points": 256,
                "image_size": 64,
                **fields,
            }
        )
        self.settings, self.asked = stft_settings_of(self.request), asked_of(self.request)
        self.events = []
        paths = recordings_in(folder / "in")
        self.found, _ = look_at(paths, folder / "in", self.settings, self.asked, self.events.append)
        self.copies = prepare_copies(self.request, self.found, self.events.append)

    @property
    def warnings(self):
        return [event.message for event in self.events if event.message and event.level == "WARNING"]

    @property
    def how(self):
        return {
            "source": self.folder / "in",
            "settings": self.settings,
            "asked": self.asked,
            "copies": self.copies,
        }

    def draw(self, name="a.sigmf-meta", first=0, count=2, copy=0):
        item = Item(name, name.partition(".")[0], first, count, copy)
        draw(item, self.folder / "out", **self.how)
        return item


def test_iq_copies_none_are_prepared_unless_they_are_asked_for(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    assert Run(tmp_path).copies is None


def test_iq_copies_are_drawn_beside_the_unchanged_recording(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    run = Run(tmp_path, iq_copies=2, iq_snr_db=(0, 0))
    for copy in range(3):
        run.draw(copy=copy)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    ends = ("", "_iq1", "_iq2")
    assert names == [f"a_{number:05}{end}.png" for number in range(2) for end in ends]
    assert len(by_recording([*names, "b_00001_iq1.png"])) == 2
    alone = Run(tmp_path, output_path=str(tmp_path / "alone"))
    draw(Item("a.sigmf-meta", "a", 0, 2), tmp_path / "alone", **alone.how)
    assert (tmp_path / "alone" / "a_00001.png").read_bytes() == (tmp_path / "out" / "a_00001.png").read_bytes()
    first, second, third = (cv2.imread(str(tmp_path / "out" / f"a_00000{end}.png")) for end in ends)
    assert np.abs(first.astype(int) - second).mean() > 5
    assert np.abs(second.astype(int) - third).mean() > 1
    assert run.warnings == []


def test_iq_copies_a_spectrogram_is_the_same_in_whatever_item_it_is_drawn(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta", duration_s=0.008)
    run = Run(tmp_path, iq_copies=1, iq_snr_db=(0, 20), iq_time_shift=1, iq_frequency_shift_hz=2e6, iq_gain_db=6)
    run.draw(count=4, copy=1)
    together = (tmp_path / "out" / "a_00003_iq1.png").read_bytes()
    run.draw(first=3, count=1, copy=1)
    assert (tmp_path / "out" / "a_00003_iq1.png").read_bytes() == together


def test_iq_copies_the_digest_tells_copies_and_settings_apart(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    items = [Item("a.sigmf-meta", "a", 0, 1, copy) for copy in range(3)]
    runs = [Run(tmp_path, iq_copies=2, iq_snr_db=(0, 20), iq_seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([samples_digest(item, **run.how) for item in items] for run in runs)
    assert first == again
    assert first[0] == other[0]
    assert len({*first, *other}) == 5


def test_iq_copies_what_they_lack_is_told_once_for_all(tmp_path):
    for number in range(3):
        write(tmp_path / "in" / f"{number}.sigmf-meta", snr_db=10, seed=number)
    run = Run(tmp_path, iq_copies=1, iq_snr_db=(0, 20))
    (warning,) = run.warnings
    assert warning.startswith("'0.sigmf-meta', '1.sigmf-meta', '2.sigmf-meta': its own SNR is below")


def test_iq_copies_interferers_with_another_rate_are_named_and_left_out(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    write(tmp_path / "others" / "b.sigmf-meta", "gfsk_slow_sweep")
    write(tmp_path / "others" / "deep" / "c.sigmf-meta", rate_hz=10e6)
    (tmp_path / "others" / "d.sigmf-meta").write_text("{}")
    run = Run(tmp_path, iq_copies=1, interferers_path=str(tmp_path / "others"))
    assert [one.recording.path.name for one in run.copies.interferers] == ["b.sigmf-meta"]
    other_rate, unreadable = sorted(run.warnings, key=lambda warning: "d.sigmf-meta" in warning)
    assert "'others/deep/c.sigmf-meta': no recording has its 10 MS/s" in other_rate
    assert unreadable.startswith("'others/d.sigmf-meta': it is not added to any recording: ")
    run.draw()
    run.draw(copy=1)
    unchanged, mixed = (cv2.imread(str(tmp_path / "out" / f"a_00000{end}.png")) for end in ("", "_iq1"))
    assert np.abs(unchanged.astype(int) - mixed).mean() > 1


def test_iq_copies_without_a_usable_interferer_are_refused(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    write(tmp_path / "others" / "c.sigmf-meta", rate_hz=10e6)
    with pytest.raises(InvalidInput, match="none of the recordings"):
        Run(tmp_path, iq_copies=1, interferers_path=str(tmp_path / "others"))


def test_iq_copies_a_cancel_is_heard_between_recordings(tmp_path):
    class Cancelled(Exception):
        pass

    def cancel(_event):
        raise Cancelled

    write(tmp_path / "in" / "a.sigmf-meta")
    run = Run(tmp_path, iq_copies=1, iq_gain_db=3)
    with pytest.raises(Cancelled):
        prepare_copies(run.request, run.found, cancel)


def test_iq_copies_the_card_states_them(tmp_path):
    write(tmp_path / "in" / "a.sigmf-meta")
    run = Run(tmp_path, iq_copies=2, iq_snr_db=(0, 20), iq_time_shift=0.5)
    card = yaml.safe_load(dataset_file("in", run.settings, run.found, run.copies))
    assert card["iq_augmentation"] == {
        "iq_copies": 2,
        "iq_snr_db": [0, 20],
        "iq_time_shift": 0.5,
        "iq_frequency_shift_hz": 0,
        "iq_gain_db": 0,
        "interferers_path": None,
        "interferer_db": [-20, 0],
        "iq_seed": 42,
    }
    assert "iq_copies" not in card["stft"]
    assert "iq_augmentation" not in yaml.safe_load(dataset_file("in", run.settings, run.found))
