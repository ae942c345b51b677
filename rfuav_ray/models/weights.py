"""Checks weights files without importing torch, so that a wrong file is refused before a run starts."""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from rfuav_ray.errors import InvalidInput, RfuavError
from rfuav_ray.models import architectures

MAX_PICKLE_BYTES = 64_000_000
#: keys under which training programs store the state dict in a checkpoint
_NESTED_UNDER = ("model", "state_dict", "model_state_dict")
#: prefixes that wrappers (DataParallel, torch.compile) add to every name
_WRAPPERS = ("module.", "_orig_mod.")
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
        shapes = read_shapes(path)
    except LegacyFormatError:
        return
    reason = architectures.misfit(shapes, model=model, num_classes=num_classes, image_size=image_size)
    if reason:
        raise InvalidInput("weight_path", f"{path} {reason}")


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a `.pth` file, by its name in the state dict. No tensor data are read.

    Raises:
        InvalidInput: For `weight_path`: this is not a weights file.
        LegacyFormatError: The file was written by torch before 1.6.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_LEGACY_START))
            if start == _LEGACY_START:
                raise LegacyFormatError(str(path))
            loaded = _ShapeUnpickler(_pickled(file)).load()
    except OSError as error:
        raise InvalidInput("weight_path", f"{path} cannot be read: {error.strerror or error}.") from error
    except _UnsafePickle as error:
        raise InvalidInput(
            "weight_path",
            f"{path} holds Python objects ({error}), which are never loaded; save only the model's state_dict().",
        ) from None
    except LegacyFormatError:
        raise
    # A damaged pickle can raise any error: wrong opcodes, missing arguments, wrong types.
    except Exception as error:
        raise InvalidInput(
            "weight_path", f"{path} is not a PyTorch weights file (.pth), or it is damaged."
        ) from error
    tensors = find_state_dict(loaded, lambda value: isinstance(value, _Tensor))
    if not tensors:
        raise InvalidInput("weight_path", f"{path} holds no state dict of a model.")
    return {name: tensor.shape for name, tensor in tensors.items()}


def find_state_dict(loaded: object, is_tensor: Callable[[object], bool]) -> dict[str, Any]:
    """Find the tensors by name in the content of a weights file: a state dict, or a checkpoint that contains one.

    Prefixes of wrappers are removed. The result is empty if there is no state dict.
    """
    if not isinstance(loaded, Mapping):
        return {}
    places = [*(loaded.get(key) for key in _NESTED_UNDER), loaded]
    found = [_tensors(place, is_tensor) for place in places if isinstance(place, Mapping)]
    tensors = next(filter(None, found), {})
    for prefix in _WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _tensors(mapping: Mapping[Any, Any], is_tensor: Callable[[object], bool]) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if isinstance(name, str) and is_tensor(value)}


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
