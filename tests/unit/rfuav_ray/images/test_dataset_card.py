"""dataset.yaml: where it is found, and what differs between two."""

from pathlib import Path
from typing import Any

import pytest

from rfuav_ray.errors import RunError
from rfuav_ray.images.dataset_card import differences, mixed_rates, read_card, stft_settings


def test_dataset_card_stft_comes_from_the_folder_or_its_parent(tmp_path: Path) -> None:
    train = tmp_path / "train"
    train.mkdir()
    assert stft_settings(train) is None
    (tmp_path / "dataset.yaml").write_text("stft: {points: 1024}")
    assert stft_settings(train) == {"points": 1024}
    (train / "dataset.yaml").write_text("stft: {points: 2048}")
    assert stft_settings(train) == {"points": 2048}
    (train / "dataset.yaml").write_text("just text")
    assert stft_settings(train) is None


def test_dataset_card_further_parents_count_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text("stft: {points: 1024}")
    folder = tmp_path / "train" / "class"
    assert read_card(folder) is None
    card = read_card(folder, parents=2)
    assert card is not None and card.stft == {"points": 1024}


@pytest.mark.parametrize("content", [b"stft: [", b"\x00\xff", b"stft: !!python/object/apply:os.getcwd []"])
def test_dataset_card_a_damaged_one_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dataset.yaml").write_bytes(content)
    with pytest.raises(RunError, match=r"dataset\.yaml"):
        stft_settings(tmp_path)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ({"sample_rate_hz": 100e6}, {"sample_rate_hz": 20e6}, ["sample_rate_hz 1e+08 and 2e+07"]),
        ({"sample_rate_hz": 100e6}, {"sample_rate_hz": 100_000_000}, []),
        ({"sample_rate_hz": 100e6}, {"sample_rate_hz": "100e6"}, []),  # YAML takes 100e6 for text
        ({"colormap": "jet", "stft_points": 1024}, {"colormap": "gray"}, ["colormap jet and gray"]),
        ({"style": "rfuav"}, {"stft_points": 1}, ["style rfuav and peak"]),
        ({"stft_points": 1}, {"style": "peak"}, []),
        ({"db_range": [-10, 0]}, {"db_range": None}, ["db_range [-10, 0] and None"]),
        ({"db_range": [-10, 0]}, {"db_range": (-10.0, 0.0)}, []),
        ({"overlap": 0.5}, {"overlap": 0}, []),
        ({"sample_rate_hz": 1}, None, []),
        (None, {"sample_rate_hz": 1}, []),
    ],
)
def test_dataset_card_differences_name_the_field_and_both_values(
    ours: dict[str, Any] | None, theirs: dict[str, Any] | None, said: list[str]
) -> None:
    assert differences(ours, theirs) == said


@pytest.mark.parametrize(
    ("recordings", "said"),
    [
        ("[{sample_rate_hz: 50000000.0}, {sample_rate_hz: 20e6}, {sample_rate_hz: 20000000}]", "20, 50 MS/s"),
        ("[{sample_rate_hz: 20e6}, {sample_rate_hz: 20e6}, {count: 3}, 7, {sample_rate_hz: null}]", ""),
        ("7", ""),
        ("[]", ""),
    ],
)
def test_dataset_card_recordings_of_different_rates_are_told(tmp_path: Path, recordings: str, said: str) -> None:
    (tmp_path / "dataset.yaml").write_text(f"recordings: {recordings}")
    assert mixed_rates(read_card(tmp_path)) == said


def test_dataset_card_many_rates_are_shortened(tmp_path: Path) -> None:
    rates = ", ".join(f"{{sample_rate_hz: {number}000000}}" for number in range(1, 9))
    (tmp_path / "dataset.yaml").write_text(f"recordings: [{rates}]")
    assert mixed_rates(read_card(tmp_path)) == "1, 2, 3, 4, 5, … MS/s"
    assert mixed_rates(read_card(tmp_path / "nowhere" / "at" / "all")) == ""
