"""Checks weights files without importing torch, so that a wrong file is refused before a run starts."""

import pickle
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from rfuav_ray.errors import InvalidInput, RfuavError
from rfuav_ray.file_access.limits import MAX_WEIGHTS_BYTES
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.models.weights.archives import check_archive
from rfuav_ray.models.weights.layouts import Shape
from rfuav_ray.models.weights.safetensors_files import is_safetensors, read_shapes
from rfuav_ray.models.weights.state_dicts import Misfit, find_weights

MAX_PICKLE_BYTES = 64_000_000
#: first bytes of a file of torch before 1.6: pickle protocol 2 and the magic number of torch.serialization
_LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


class LegacyFormatError(RfuavError):
    """The file has the format of torch before 1.6. Only torch itself can read it."""


def check_weights(path: Path, *, model: str, num_classes: int | None, image_size: int) -> None:
    """Check that a file holds weights of this model. Files of torch before 1.6 pass; loading checks them.

    Args:
        path: The weights file.
        model: Name of the model.
        num_classes: None (start of a training) accepts any head and any image size.
        image_size: Side of the model's input in pixels.

    Raises:
        InvalidInput: For `weight_path`: the weights do not fit, or the file is not a weights file.
    """
    try:
        content = read_content(path)
        find_weights(content, shape_of, model=model, num_classes=num_classes, image_size=image_size)
    except LegacyFormatError:
        return
    except Misfit as error:
        raise InvalidInput("weight_path", f"{path} {error}") from None


def read_content(path: Path) -> object:
    """What a weights file holds, with stand-ins for everything but mappings and plain values.

    No tensor data are read. `shape_of` gives the shapes of the tensors.

    Raises:
        InvalidInput: For `weight_path`: this is not a weights file.
        LegacyFormatError: The file was written by torch before 1.6.
    """
    try:
        if is_safetensors(path):
            return {name: _Tensor(None, 0, shape) for name, shape in read_shapes(path).items()}
        with open_file(path, largest_bytes=MAX_WEIGHTS_BYTES) as file:
            start = file.read(len(_LEGACY_START))
            if start == _LEGACY_START:
                raise LegacyFormatError(str(path))
            check_archive(file)
            return _ShapeUnpickler(_pickled(file)).load()
    except OSError as error:
        raise InvalidInput("weight_path", f"{path} cannot be read: {error.strerror or error}.") from error
    except _UnsafePickle as error:
        raise InvalidInput(
            "weight_path",
            f"{path} holds Python objects ({error}), which are never loaded; save only the model's state_dict(): "
            "torch.save(model.state_dict(), path).",
        ) from None
    except RfuavError:
        raise
    # A damaged pickle can raise any error: wrong opcodes, missing arguments, wrong types.
    except Exception as error:
        raise InvalidInput(
            "weight_path",
            f"{path} is not a PyTorch weights file (.pth) or a safetensors file, or it is damaged.",
        ) from error


def shape_of(value: object) -> Shape | None:
    """The shape of a tensor in `read_content`'s mappings; None for everything else."""
    return value.shape if isinstance(value, _Tensor) else None


class _UnsafePickle(pickle.UnpicklingError):
    """The pickle refers to code that weights do not need."""


class _Inert:
    """Stand-in for everything in the file that is not a tensor. Accepts all that a pickle does to an object."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


class _Tensor(_Inert):
    """Stand-in for a tensor: torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)."""

    def __init__(self, storage: object, offset: object, size: tuple[int, ...], *others: object) -> None:
        if not (isinstance(size, tuple) and all(type(side) is int and side >= 0 for side in size)):
            raise pickle.UnpicklingError("a tensor's size is not a tuple of counts")
        self.shape = size


def _parameter(data: object, *others: object) -> object:
    return data


class _ShapeUnpickler(pickle.Unpickler):
    """Runs no code of the file: each name in it becomes a stand-in or is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in {"_rebuild_tensor_v2", "_rebuild_tensor"}:
            return _Tensor
        if module == "torch._utils" and name in {"_rebuild_parameter", "_rebuild_parameter_with_state"}:
            return _parameter
        # Storages, dtypes, sizes and devices, and the other types that torch.load(weights_only=True) accepts.
        if f"{module}.".startswith("torch.") or (module, name) in {
            ("_codecs", "encode"),
            ("__builtin__", "set"),
            ("builtins", "set"),
            ("__builtin__", "bytearray"),
            ("builtins", "bytearray"),
            ("collections", "Counter"),
        }:
            return _Inert
        raise _UnsafePickle(f"{module}.{name}")

    def persistent_load(self, pid: object) -> object:
        return _Inert()


def _pickled(file: IO[bytes]) -> IO[bytes]:
    with zipfile.ZipFile(file) as archive:
        names = [info for info in archive.infolist() if info.filename.split("/")[1:] == ["data.pkl"]]
        if len(names) != 1 or names[0].file_size > MAX_PICKLE_BYTES:
            raise zipfile.BadZipFile("not one small data.pkl")
        return BytesIO(archive.read(names[0]))
