"""The device of work in this process."""

import torch

from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report, RunEvent


def torch_device(wanted: str, report: Report, *, may_use_gpus: bool) -> str:
    """Return the device in torch's terms.

    Args:
        wanted: As in requests: cpu, cuda, cuda:N.
        report: Receives a WARNING when the CPU stands in for a GPU.
        may_use_gpus: False in a Ray job for which no GPU is reserved: others use those that it sees.

    Raises:
        InvalidInput: This GPU does not exist, or is not this job's.
    """
    if wanted == "cpu":
        return wanted
    if wanted == "cuda":
        if may_use_gpus and torch.cuda.is_available():
            return "cuda:0"
        found = "No GPU found" if may_use_gpus else "No GPU is reserved for this job"
        advice = "" if may_use_gpus else " Submit it with --entrypoint-num-gpus 1 to use one."
        report(RunEvent(message=f"{found}: computing on the CPU.{advice}", level="WARNING"))
        return "cpu"
    if not may_use_gpus:
        raise InvalidInput(
            "device",
            f"'{wanted}' cannot be used: no GPU is reserved for this job. Submit it with "
            "--entrypoint-num-gpus 1 and device 'cuda'.",
        )
    if int(wanted.partition(":")[2] or 0) >= (count := torch.cuda.device_count()):
        raise InvalidInput("device", f"'{wanted}' does not exist: {count} GPUs are visible.")
    return wanted
