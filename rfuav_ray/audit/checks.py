"""The check of an audit request at submission. Imports no torch."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.file_access.roots import confined

#: bytes of the longest path that a run writes in its folder: an earlier task's file in previous/<task id>/
RESULTS_ROOM_BYTES = 128


@confined
@paths.refuses_lost_files
def check_audit(request: AuditRequest, *, roots: Sequence[Path]) -> AuditRequest:
    """Check an audit request.

    Returns:
        The request with resolved paths.

    Raises:
        InvalidInput: A field is invalid. The error names the field.
    """
    update = {
        field: str(paths.existing(path, roots, field=field))
        for field in ("dataset_path", "train_path", "val_path")
        if (path := getattr(request, field)) is not None
    }
    if request.save_path is not None:
        save_path = paths.output_folder(request.save_path, roots, field="save_path", room_bytes=RESULTS_ROOM_BYTES)
        update["save_path"] = str(save_path)
    return request.model_copy(update=update)
