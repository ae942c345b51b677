"""The records on disk."""

from pathlib import Path

import numpy as np
import pytest

from rfuav_ray.audit.pixels.hashes import READ, RECORD
from rfuav_ray.audit.pixels.records import Records, work_digest
from rfuav_ray.errors import RunInterrupted


def write(folder: Path, run_id: str, count: int, work: str) -> None:
    with pytest.raises(RunInterrupted), Records(folder, run_id) as records:
        records.begin(work, resume=True)
        for number in range(records.count, count):
            record = np.zeros(1, RECORD)
            record["hash"], record["state"] = number, READ
            records.add(record)
        raise RunInterrupted


@pytest.fixture
def work(tmp_path: Path) -> str:
    (tmp_path / "image.png").write_bytes(b"x")
    return work_digest([tmp_path / "image.png", tmp_path / "gone.png"])


def test_records_an_interrupted_run_goes_on_after_the_last_whole_record(tmp_path: Path, work: str) -> None:
    write(tmp_path, "run", 5, work)
    (file,) = tmp_path.glob(".audit-*")
    file.write_bytes(file.read_bytes()[:-1])
    with Records(tmp_path, "run") as records:
        assert not records.begin(work, resume=True)
        assert records.count == 4
        assert records.column("hash").tolist() == [0, 1, 2, 3]
        assert records.rows([2, 0])["hash"].tolist() == [2, 0]
    assert not file.exists()


def test_records_of_zeros_are_none(tmp_path: Path, work: str) -> None:
    write(tmp_path, "run", 5, work)
    (file,) = tmp_path.glob(".audit-*")
    file.write_bytes(file.read_bytes()[: -2 * RECORD.itemsize] + bytes(2 * RECORD.itemsize))
    with Records(tmp_path, "run") as records:
        records.begin(work, resume=True)
        assert records.count == 3


@pytest.mark.parametrize(("run_id", "resume", "is_told"), [("run", False, False), ("other", True, False)])
def test_records_another_run_begins_anew(
    tmp_path: Path, work: str, run_id: str, resume: bool, is_told: bool
) -> None:
    write(tmp_path, "run", 5, work)
    with Records(tmp_path, run_id) as records:
        assert records.begin(work, resume=resume) == is_told
        assert records.count == 0


def test_records_images_that_have_changed_are_told(tmp_path: Path, work: str) -> None:
    write(tmp_path, "run", 5, work)
    (tmp_path / "image.png").write_bytes(b"another")
    changed = work_digest([tmp_path / "image.png", tmp_path / "gone.png"])
    with Records(tmp_path, "run") as records:
        assert records.begin(changed, resume=True)
        assert records.count == 0
