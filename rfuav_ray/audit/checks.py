"""Rejects impossible requests for audits at submission. Does not import torch."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.audit.reading import folders_of
from rfuav_ray.errors import InvalidInput
from rfuav_ray.file_access.roots import confined
from rfuav_ray.images.class_folders import class_folders
from rfuav_ray.objects.checks import existing_inputs
from rfuav_ray.objects.urls import is_object_url


@confined
@paths.refuses_lost_files
def check_audit(request: AuditRequest, *, roots: Sequence[Path]) -> AuditRequest:
    """Check a request: the data set and the output folder.

    Args:
        request: The request as the client sent it.
        roots: Folders that the service may use.

    Returns:
        The request with resolved paths.

    Raises:
        InvalidInput: A field is invalid. The error names the field.
    """
    data = existing_inputs(request, ("dataset_path", "train_path", "val_path"), roots)
    request = request.model_copy(update=data)
    # The run looks at what is in buckets, when it has it.
    folders = {} if any(map(is_object_url, data.values())) else folders_of(request, roots)
    for path, field in folders.values():
        class_folders(path, field=field, roots=roots)
    if request.save_path is None:
        return request
    save_path, _ = paths.results_folder(request.save_path, None, roots)
    for path, field in folders.values():
        if save_path.is_relative_to(path):
            reason = f"'{save_path}' lies in '{path}', the images of {field}. Choose another folder."
            raise InvalidInput("save_path", reason)
    return request.model_copy(update={"save_path": str(save_path)})
