"""Audits a data set: which of its numbers can be believed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.api.results import AuditResult
from rfuav_ray.audit.pixels.look import look_at
from rfuav_ray.audit.quick import names_and_bytes
from rfuav_ray.audit.reading import read_parts
from rfuav_ray.audit.stats import stats_of, write_audit
from rfuav_ray.audit.verdict import told
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import remove_temporaries
from rfuav_ray.outputs.artifacts import AUDIT_FILE
from rfuav_ray.outputs.ownership import claim_without_task


@confined
def audit(
    request: AuditRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    run_id: str = "",
    resume: bool = False,
    roots: Sequence[Path] = (),
) -> AuditResult:
    """Tell whether the parts of a data set share recordings or pictures, and write audit.json.

    Args:
        request: The data set, with absolute paths.
        save_path: The results folder. It overrides the request's.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the audit.
        run_id: Identifies the run for `resume`.
        resume: Whether to resume after the last image that an interrupted or killed run has read. This needs the
            same `run_id`, which must not be empty, and the same images.
        roots: The run opens files below these folders only, wherever links lead. None: anywhere.

    Returns:
        The result of the task: the verdict, its sentences and the numbers.

    Raises:
        InvalidInput: A folder cannot be used.
        TaskConflict: The folder holds results, and `on_existing` is `refuse`.
        RunError: No image can be read, or a dataset.yaml cannot.
        OSError: A file cannot be read or written.
        Exception: Whatever `report` raises.
    """
    if resume:
        remove_temporaries(save_path)
    parts, left_out = read_parts(request, report, roots)
    claim_without_task(save_path, "audit", run_id, report, request.on_existing)
    counts = ", ".join(f"{len(part.images)} images of {part.name}" for part in parts)
    report(RunEvent(message=f"Auditing {counts}.", progress=0.0))
    findings = names_and_bytes(parts, report)
    pixels = look_at(parts, findings.duplicates, save_path, report, run_id=run_id, resume=resume)
    stats, examples = stats_of(parts, findings, pixels, left_out)
    path = save_path / AUDIT_FILE
    write_audit(path, stats, examples, findings)
    report(replace(told(stats, "Audit"), progress=100.0))
    return {"save_path": str(save_path), "stats": stats, "audit_json": str(path)}
