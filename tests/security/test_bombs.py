"""Small files that would become huge in memory: refused with a reason, within the memory of small files."""

import json
import zipfile
import zlib
from pathlib import Path

import h5py
import httpx2
import numpy as np
import psutil
import pytest
from scipy import io

from tests.security.folders import draw, ended, images

#: bytes that no process of the service may grow by. Each bomb would take more
MOST_BYTES = 1_500_000_000

ALIASES = "\n".join(
    ["  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)
CONFIGS = {
    "aliases": f"stft:\n{ALIASES}",
    "self": "stft: &s {x: *s}",
    "merged self": "stft: &s\n  <<: *s",
    "merged": f"other:\n{ALIASES}\nstft:\n  <<: *a8",
    "sexagesimal": "stft: {x: " + ":".join(["1"] * 400_000) + "}",
    "hexadecimal": "stft: 0x" + "f" * 900_000,
    "digits": "image_size: " + "9" * 900_000,
    "values": "stft: [" + "[]," * 300_000 + "]",
    "levels": "stft: " + "[" * 5_000 + "]" * 5_000,
    "code": "stft: !!python/object/apply:os.system [touch /tmp/rfuav-was-here]",
}


@pytest.fixture
def bounded():
    """Nothing that the test does takes much memory in any process of the service."""
    peak = _largest_bytes()
    yield
    assert _largest_bytes() - peak < MOST_BYTES


def _largest_bytes() -> int:
    """The highest memory that any process below this one has ever had."""
    found = 0
    for process in psutil.Process().children(recursive=True):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        found = max([found, *(int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line)])
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_bombs_in_the_config_of_a_model_are_refused(service, client, inference, inside, bounded, name):
    text = Path(inference()["cfg_path"]).read_text()
    key = CONFIGS[name].partition(":")[0]
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    (inside / "model.yaml").write_text(f"{kept}{CONFIGS[name]}\n")
    answer = httpx2.post(
        f"{service}/api/v2/inference/start", json=inference(cfg_path=str(inside / "model.yaml")), timeout=60
    )
    assert answer.status_code == 422, answer.text
    assert "model.yaml" in answer.json()["message"] and len(answer.text) < 10_000
    assert client.health()["status"] == "healthy" and not Path("/tmp/rfuav-was-here").exists()


@pytest.mark.parametrize("name", ["aliases", "self", "sexagesimal", "levels"])
def test_bombs_in_a_card_end_the_task_with_a_reason(client, training, dataset, inside, bounded, name):
    source = images(inside / "set", dataset)
    (source / "dataset.yaml").write_text(f"{CONFIGS[name]}\n")
    task, _ = ended(client, client.start_training(**training(train_path=str(source)))["task_id"])
    assert task["status"] == "failed" and "dataset.yaml" in task["error"] and len(task["error"]) < 2000


METADATA = {
    "levels": b"[" * 5_000_000,
    "objects": b'{"global": {"core:datatype": "cf32_le"}, "captures": [' + b"{}," * 3_000_000 + b"{}]}",
    "digits": b'{"global": {"core:datatype": "cf32_le", "core:sample_rate": ' + b"9" * 5_000_000 + b"}}",
    "endless": b'{"global": {"core:datatype": "cf32_le", "core:sample_rate": 1e999999}}',
    "long": b'{"global": {"core:datatype": "' + b"x" * 9_000_000 + b'"}}',
}
XML = {
    "entities": '<!DOCTYPE a [<!ENTITY b "xx"><!ENTITY c "&b;&b;">]><a><SampleRate>&c;</SampleRate></a>',
    "external": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><SampleRate>1 MHz</SampleRate></a>',
    "attributes": "& <SampleRate " + "a" * 900_000 + ">1</SampleRate>",
    "digits": "<a><SampleRate>" + "9" * 900_000 + "</SampleRate></a>",
    "levels": "<a>" * 300_000,
}


def test_bombs_beside_recordings_cost_one_recording_each(service, client, inside, bounded):
    samples = np.exp(0.3j * np.arange(300_000)).astype(np.complex64)
    for name, content in METADATA.items():
        (inside / f"meta_{name}.sigmf-meta").write_bytes(content)
        samples.tofile(inside / f"meta_{name}.sigmf-data")
    for name, text in XML.items():
        (inside / f"xml_{name}.xml").write_text(text)
        samples.tofile(inside / f"xml_{name}.iq")
    samples.tofile(inside / "good.iq")
    (inside / "line.csv").write_text("1," * 5_000_000)
    task, warnings = ended(client, draw(service, inside, inside.with_suffix(".out")))
    assert task["status"] == "completed", task
    assert {f"xml_{name}" for name in XML} | {"good"} <= {
        file.name.rpartition("_")[0] for file in inside.with_suffix(".out").rglob("*.png")
    }
    assert all(any(f"meta_{name}" in warning for warning in warnings) for name in ("levels", "objects", "digits"))
    assert all(len(warning) < 5_000 for warning in warnings)
    assert len(json.dumps(task)) < 1_000_000


def nested_structure(path: Path) -> None:
    io.savemat(path, {"s": {"x": np.zeros(100_000_000)}}, do_compression=True)


def huge_chunk(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("iq", (10**8,), np.complex64, chunks=(10**8,), compression="gzip")[0] = 1


def huge_number(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["iq"] = np.ones(300_000, np.complex64)
        file.create_dataset("fs", (1,), "f8", maxshape=(None,), chunks=(10**8,), compression="gzip")[0] = 1


def growing_chunk(path: Path) -> None:
    with h5py.File(path, "w") as file:
        samples = file.create_dataset("iq", (300_000,), np.complex64, chunks=(1000,), compression="gzip")
        samples.id.write_direct_chunk((0,), zlib.compress(bytes(1_600_000_000), 1))


ARRAYS = {
    "structure.mat": nested_structure,
    "chunk.h5": huge_chunk,
    "number.h5": huge_number,
    "grows.h5": growing_chunk,
}


@pytest.mark.parametrize("name", ARRAYS)
def test_bombs_in_arrays_cost_nothing_before_and_during_the_task(service, client, inside, bounded, name):
    ARRAYS[name](inside / name)
    np.exp(0.3j * np.arange(300_000)).astype(np.complex64).tofile(inside / "good.iq")
    task, warnings = ended(client, draw(service, inside, inside.with_suffix(".out")))
    assert task["status"] == "completed" and list(inside.with_suffix(".out").rglob("good*.png"))
    # A number that is not read is not missed.
    assert name == "number.h5" or any(name in warning for warning in warnings)


def test_bombs_in_weights_are_refused(service, inference, inside, bounded):
    with (
        zipfile.ZipFile(inference()["weight_path"]) as good,
        zipfile.ZipFile(inside / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for info in good.infolist():
            bomb.writestr(info.filename, good.read(info))
        with bomb.open("archive/data/9999", "w", force_zip64=True) as entry:
            for _ in range(200):
                entry.write(bytes(10_000_000))
    assert (inside / "bomb.pth").stat().st_size < 200_000_000
    answer = httpx2.post(
        f"{service}/api/v2/inference/start", json=inference(weight_path=str(inside / "bomb.pth")), timeout=60
    )
    assert answer.status_code == 422 and "bomb.pth" in answer.json()["message"]
