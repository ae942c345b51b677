"""Reading GPUs through NVML. The library is played here, because test machines have no GPU."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from actors.devices.slots import Holding
from actors.devices.usage import gpu_info
from rfuav_ray.machine.hardware import read_cpu, read_gpus, usable_cpus

GIB = 2**30
UUIDS = ["GPU-a", "GPU-b"]


@pytest.fixture
def nvml(monkeypatch):
    """A driver with two GPUs; the second has no power sensor."""

    def power(index):
        if index == 1:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return 70_500

    def handle(index):
        if not 0 <= index < 2:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return index

    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetCudaDriverVersion_v2": lambda: 13020,
        "nvmlSystemGetDriverVersion": lambda: "590.1",
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": handle,
        "nvmlDeviceGetHandleByUUID": UUIDS.index,
        "nvmlDeviceGetMemoryInfo": lambda h: SimpleNamespace(
            total=80 * GIB, used=(h + 1) * GIB, free=(79 - h) * GIB
        ),
        "nvmlDeviceGetUtilizationRates": lambda h: SimpleNamespace(gpu=37),
        "nvmlDeviceGetCudaComputeCapability": lambda h: (9, 0),
        "nvmlDeviceGetName": lambda h: "NVIDIA H100",
        "nvmlDeviceGetUUID": lambda h: UUIDS[h],
        "nvmlDeviceGetTemperature": lambda h, sensor: 41,
        "nvmlDeviceGetPowerUsage": power,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


@pytest.mark.usefixtures("nvml")
def test_hardware_every_gpu_is_described():
    found = read_gpus()
    assert (found["available"], found["cuda_version"], found["driver_version"]) == (True, "13.2", "590.1")
    assert found["devices"][0] == {
        "name": "NVIDIA H100",
        "compute_capability": "9.0",
        "total_memory_gb": 80.0,
        "used_memory_gb": 1.0,
        "free_memory_gb": 79.0,
        "utilization": 37,
        "uuid": "GPU-a",
        "temperature_c": 41,
        "power_w": 70.5,
    }
    assert found["devices"][1]["power_w"] is None


@pytest.mark.usefixtures("nvml")
def test_hardware_gpus_are_found_by_number_and_by_uuid_and_a_missing_one_is_none():
    assert [gpu and gpu["uuid"] for gpu in read_gpus(["1", "7", "GPU-a"])["devices"]] == ["GPU-b", None, "GPU-a"]


def test_hardware_without_a_driver_nothing_is_available_and_logical_gpus_have_no_hardware(monkeypatch):
    def no_driver():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    found = read_gpus(["0", "1"])
    assert (found["available"], found["devices"], found["cuda_version"]) == (False, [None, None], None)
    assert "Library Not Found" in found["reason"]


@pytest.mark.usefixtures("nvml")
def test_hardware_the_answer_about_gpus_has_what_our_runs_hold():
    pool: Any = SimpleNamespace(
        gpus=["cuda:0", "cuda:1", "cuda:2"],
        hardware=dict(zip(["cuda:0", "cuda:1"], read_gpus()["devices"], strict=True)).get,
        software=lambda: {"cuda_version": "13.2", "pytorch_version": "2.15.0"},
        node=lambda device: SimpleNamespace(name="lab"),
    )
    holdings = [Holding("a", "cuda:1", "training", 0.25), Holding("b", "cuda:1", "inference", 0.25)]
    info = gpu_info(pool, holdings, {"a": (GIB, 2 * GIB), "b": (GIB // 2, GIB)})
    assert (info["available"], info["count"]) == (True, 2)
    second = info["devices"][1]
    assert (second["id"], second["device_name"], second["node"]) == (1, "cuda:1", "lab")
    assert (second["allocated_memory_gb"], second["cached_memory_gb"], second["used_memory_gb"]) == (1.5, 3.0, 2.0)
    assert second["current_tasks"] == {"training": 1, "inference": 1}
    assert info["devices"][0]["current_tasks"] == {"training": 0, "inference": 0}


def test_hardware_the_cpu_is_described():
    cpu = read_cpu()
    assert cpu["cores"] == len(cpu["per_core_percent"])
    assert 0 <= cpu["memory_percent"] <= 100


def test_hardware_the_cpu_has_the_names_of_the_original_service_too():
    cpu = read_cpu()
    assert (cpu["percent"], cpu["per_cpu_percent"]) == (cpu["cpu_percent"], cpu["per_core_percent"])
    assert cpu["freq_mhz"] == cpu["frequency_mhz"]
    assert [cpu["load_avg"][minutes] for minutes in ("1", "5", "15")] == cpu["load_average"]
    assert 1 <= cpu["usable_cores"] <= cpu["cores"]


CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def groups(tmp_path):
    """Control groups as a kernel shows them: the content of each file by its path."""

    def make(own, **files):
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            file = tmp_path / "mounted" / name.replace("__", "/").replace("_max", ".max")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return usable_cpus(tmp_path / "own", tmp_path / "mounted")

    return make


def test_hardware_without_quotas_the_affinity_counts(groups):
    assert groups("0::/\n") == CPUS
    assert groups("0::/a/b\n", a__b__cpu_max="max 100000\n") == CPUS
    assert usable_cpus(Path("/nowhere"), Path("/nowhere")) == CPUS


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/system.slice/rfuav.service\n", {"system.slice__rfuav.service__cpu_max": "100000 100000\n"}),
        ("0::/system.slice/rfuav.service\n", {"system.slice__cpu_max": "50000 100000\n"}),
        ("0::/docker/0123\n", {"cpu_max": "100000 100000\n"}),
        (
            "4:cpu,cpuacct:/lab\n0::/\n",
            {"cpu,cpuacct__lab__cpu.cfs_quota_us": "90000\n", "cpu,cpuacct__lab__cpu.cfs_period_us": "100000\n"},
        ),
    ],
)
def test_hardware_the_smallest_quota_around_the_process_counts(groups, own, files):
    assert groups(own, **files) == 1


def test_hardware_a_quota_of_version_1_that_is_off_changes_nothing(groups):
    files = {"cpu__cpu.cfs_quota_us": "-1\n", "cpu__cpu.cfs_period_us": "100000\n"}
    assert groups("4:cpu:/\n3:memory:/elsewhere\n", **files) == CPUS
