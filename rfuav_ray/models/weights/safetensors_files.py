"""Weights files in the format of safetensors: a header in JSON, then the numbers of all tensors."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from rfuav_ray.errors import InvalidInput
from rfuav_ray.file_access.limits import MAX_WEIGHTS_BYTES
from rfuav_ray.file_access.reading import name_of_open, open_file
from rfuav_ray.models.weights.layouts import Layout

#: where the header begins, behind its length
_HEADER_BYTES = 8


def is_safetensors(path: Path) -> bool:
    """Whether a file is in this format, by its content or its name. Raises OSError if it cannot be read."""
    with open_file(path) as file:
        start = file.read(_HEADER_BYTES + 1)
    return start[_HEADER_BYTES:] == b"{" or (
        path.suffix == ".safetensors" and not start.startswith((b"PK", b"\x80"))
    )


def read_shapes(path: Path) -> Layout:
    """The shape of each tensor by its name. Reads the header alone and does not import torch.

    Raises:
        InvalidInput: For `weight_path`: the file is damaged.
    """
    try:
        with (
            open_file(path, largest_bytes=MAX_WEIGHTS_BYTES) as opened,
            safe_open(name_of_open(opened, path), framework="numpy") as file,
        ):
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        reason = " ".join(str(error).split())
        raise InvalidInput(
            "weight_path",
            f"{path} is a damaged safetensors file, or it is cut off ({reason}); copy or save it again.",
        ) from error
