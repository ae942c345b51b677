"""The checks of `rfuav doctor` for Python, packages, PyTorch and the GPU driver. Treats Ray like any package."""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from packaging.requirements import Requirement

from rfuav_ray.machine.hardware import read_gpus

GIB = 2**30
MIN_PYTHON = (3, 11)

TORCH_PROBE = """
import torch, torchvision
model = torchvision.models.resnet18(weights=None).eval()
with torch.inference_mode():
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)
print(torch.__version__, torchvision.__version__, torch.version.cuda or "none", torch.cuda.device_count())
"""

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True)
class Finding:
    check: str
    #: broken means that the service or its runs cannot work
    state: State
    text: str
    advice: str = ""


def check_python() -> Finding:
    version = platform.python_version()
    if sys.version_info < MIN_PYTHON:
        return Finding("Python", "broken", version, "Install Python 3.11 or newer.")
    return Finding("Python", "ok", f"{version}, {sys.executable}")


def check_distribution(name: str = "rfuav-ray") -> Iterator[Finding]:
    """Check the packages that the installed distribution requires."""
    try:
        requirements = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        text = f"{name} is not installed as a package, so its requirements are unknown"
        yield Finding("packages", "warning", text, "Run `pip install -e .` in its folder.")
    else:
        yield from check_packages(requirements)


def check_packages(requirements: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each missing or unsuitable package, or a single one if all are suitable."""
    count = 0
    problems = 0
    for requirement in _with_extras(map(Requirement, requirements)):
        count += 1
        problem = _package_problem(requirement)
        if problem:
            problems += 1
            yield Finding(requirement.name, "broken", problem, f"pip install '{_plain(requirement)}'")
    if not problems:
        yield Finding("packages", "ok", f"all {count} required packages are installed in suitable versions")


def check_torch(python: str | None = None) -> Finding:
    """Run a small model in a separate process, because importing a broken PyTorch can crash the process."""
    probe = subprocess.run(
        [python or sys.executable, "-c", TORCH_PROBE], capture_output=True, text=True, check=False
    )
    if probe.returncode == 0:
        torch, torchvision, cuda, gpus = probe.stdout.split()[-4:]
        return Finding(
            "PyTorch", "ok", f"torch {torch}, torchvision {torchvision}, CUDA {cuda}, GPUs seen: {gpus}"
        )
    reason = (probe.stderr.strip().splitlines() or [f"ended by signal {-probe.returncode}"])[-1]
    return Finding(
        "PyTorch",
        "broken",
        f"resnet18 does not run: {reason}",
        "Install torch and torchvision of one release together: pip install --force-reinstall torch torchvision",
    )


def check_gpus(torch: Finding) -> Iterator[Finding]:
    """Report the GPUs that NVML finds, and check that PyTorch finds any too. `torch` is from `check_torch`."""
    found = read_gpus()
    if not found["available"]:
        reason = found.get("reason", "the driver finds no GPU")
        yield Finding("GPU", "ok", f"none ({reason}); training and inference run on the CPU")
        return
    for number, gpu in enumerate(found["devices"]):
        yield Finding(f"GPU {number}", "ok", _gpu_text(gpu) if gpu else "not reported by the driver")
    count = len(found["devices"])
    text = f"driver {found['driver_version']}, for CUDA up to {found['cuda_version']}"
    yield Finding("GPU driver", "ok", text)
    if count and torch.text.endswith("GPUs seen: 0"):
        yield Finding(
            "GPU",
            "warning",
            f"the driver finds {count}, but PyTorch none: a CPU build, a driver too old, or CUDA_VISIBLE_DEVICES",
            "Install a CUDA build that fits the driver (pytorch.org, Get Started) and unset CUDA_VISIBLE_DEVICES.",
        )


def _with_extras(requirements: Iterable[Requirement]) -> Iterator[Requirement]:
    """Yield the requirements that apply to this platform, each followed by the requirements of its extras."""
    for requirement in requirements:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        yield requirement
        try:
            needed = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for extra in requirement.extras:
            yield from (
                wanted
                for wanted in map(Requirement, needed)
                if wanted.marker and "extra" in str(wanted.marker) and wanted.marker.evaluate({"extra": extra})
            )


def _package_problem(requirement: Requirement) -> str | None:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return "is not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"is {version}, but {requirement.specifier} is required"
    return None


def _plain(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _gpu_text(gpu: dict[str, Any]) -> str:
    return (
        f"{gpu['name']}, compute capability {gpu['compute_capability']}, {gpu['free_memory_gb']} of "
        f"{gpu['total_memory_gb']} GiB free, {gpu['utilization']} % busy, {gpu['temperature_c']} °C, "
        f"{gpu['power_w']} W, {gpu['uuid']}"
    )
