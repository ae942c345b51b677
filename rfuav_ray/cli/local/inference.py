"""Inference in this process, without a service."""

import json
from itertools import islice
from pathlib import Path

from rich.console import Console

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.cli.local.devices import torch_device
from rfuav_ray.cli.local.work import LocalWork, refuse_buckets, run_id_of
from rfuav_ray.cli.printing import print_inference, print_predictions, print_recordings
from rfuav_ray.cli.watch import RECORDINGS_SHOWN, ROWS_SHOWN
from rfuav_ray.inference.run import infer
from rfuav_ray.machine.malloc_tuning import keep_freed_memory


def infer_here(request: InferenceRequest, console: Console, *, may_use_gpus: bool = True) -> int:
    """Classify, print the first predictions, and return the exit status.

    It goes on where an earlier call of the same request was stopped.

    Args:
        request: What to classify, with absolute paths and a `save_path`.
        console: Shows the log and the result.
        may_use_gpus: Whether this process may use the GPUs that it sees.
    """
    refuse_buckets(request)
    keep_freed_memory()
    with LocalWork(console, request.name or Path(request.source_path).name) as work:
        result = infer(
            request,
            save_path=Path(request.save_path or "", request.name or ""),
            report=work.report,
            device=torch_device(request.device, work.report, may_use_gpus=may_use_gpus),
            run_id=run_id_of(request),
            resume=True,
        )
    return work.ended(lambda: _print(result, console))


def _print(result: InferenceResult, console: Console) -> None:
    if "recordings" in result:
        file = Path(result["recordings"]["recordings_json"])
        recordings = json.loads(file.read_text(encoding="utf-8"))["recordings"]
        print_recordings(console, recordings[:RECORDINGS_SHOWN], total=len(recordings))
    if "recordings" not in result or result["images"]:
        with Path(result["predictions_jsonl"]).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in islice(lines, ROWS_SHOWN)]
            total = len(rows) + sum(1 for _ in lines)
        print_predictions(console, rows, total=total)
    print_inference(console, result)
