"""Look into a weights file without torch, so that a wrong one is refused before anything starts."""

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
#: where training programs put the state dict in a checkpoint
_NESTED_UNDER = ("model", "state_dict", "model_state_dict")
#: what wrappers (DataParallel, torch.compile) put before every name
_WRAPPERS = ("module.", "_orig_mod.")
#: how a file of torch before 1.6 starts: protocol 2 and the pickled magic number of torch.serialization
_LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


class LegacyFormatError(RfuavError):
    """The file has torch's format from before 1.6, which only torch itself can look into."""


def check_weights(path: Path, *, model: str, num_classes: int | None, image_size: int) -> None:
    """InvalidInput("weight_path") when the file does not hold weights of this model.

    Without `num_classes` (the start of a training) any head and any image size do. Files of torch before
    1.6 pass: they are checked when they are loaded.
    """
    try:
        shapes = read_shapes(path)
    except LegacyFormatError:
        return
    reason = architectures.misfit(shapes, model=model, num_classes=num_classes, image_size=image_size)
    if reason:
        raise InvalidInput("weight_path", f"{path} {reason}")


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a `.pth` file, by its name in the state dict; no tensor is read.

    Raises InvalidInput("weight_path") for anything but a weights file, LegacyFormatError for torch < 1.6.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_LEGACY_START))
            if start == _LEGACY_START:
                raise LegacyFormatError(str(path))
            loaded = _ShapeUnpickler(_pickled(file)).load()
    except OSError as error:
        raise InvalidInput("weight_path", f"{path} cannot be read: {error.strerror or error}.") from error
    except _Refused as error:
        raise InvalidInput(
            "weight_path",
            f"{path} holds Python objects ({error}), which are never loaded; save the model's state_dict() alone.",
        ) from None
    except LegacyFormatError:
        raise
    # A damaged pickle can fail in any way: wrong opcodes, missing arguments, wrong types.
    except Exception as error:
        raise InvalidInput(
            "weight_path", f"{path} is not a PyTorch weights file (.pth), or it is damaged."
        ) from error
    tensors = find_state_dict(loaded, lambda value: isinstance(value, _Tensor))
    if not tensors:
        raise InvalidInput("weight_path", f"{path} holds no state dict of a model.")
    return {name: tensor.shape for name, tensor in tensors.items()}


def find_state_dict(loaded: object, is_tensor: Callable[[object], bool]) -> dict[str, Any]:
    """The tensors by name in what a weights file held: a state dict, or a checkpoint around one.

    Prefixes of wrappers are taken off. Empty when there is none.
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


class _Refused(pickle.UnpicklingError):
    """The pickle names code that has no place among weights."""


class _Inert:
    """Stands for everything in the file that is no tensor. Takes whatever a pickle does to an object."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


class _Tensor(_Inert):
    """Stands for a tensor: torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)."""

    def __init__(self, storage: object, offset: object, size: tuple[int, ...], *others: object) -> None:
        if not (isinstance(size, tuple) and all(type(side) is int and side >= 0 for side in size)):
            raise pickle.UnpicklingError("a tensor's size is not a tuple of counts")
        self.shape = size


def _parameter(data: object, *others: object) -> object:
    return data


class _ShapeUnpickler(pickle.Unpickler):
    """Runs no code of the file: what it names becomes a stand-in or is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in {"_rebuild_tensor_v2", "_rebuild_tensor"}:
            return _Tensor
        if module == "torch._utils" and name in {"_rebuild_parameter", "_rebuild_parameter_with_state"}:
            return _parameter
        # Storages, dtypes, sizes, devices; and what else torch.load(weights_only=True) knows.
        if f"{module}.".startswith("torch.") or (module, name) in {
            ("_codecs", "encode"),
            ("__builtin__", "set"),
            ("builtins", "set"),
            ("__builtin__", "bytearray"),
            ("builtins", "bytearray"),
            ("collections", "Counter"),
        }:
            return _Inert
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, pid: object) -> object:
        return _Inert()


def _pickled(file: IO[bytes]) -> IO[bytes]:
    with zipfile.ZipFile(file) as archive:
        names = [info for info in archive.infolist() if info.filename.split("/")[1:] == ["data.pkl"]]
        if len(names) != 1 or names[0].file_size > MAX_PICKLE_BYTES:
            raise zipfile.BadZipFile("not one small data.pkl")
        return BytesIO(archive.read(names[0]))
