"""Memory of a GPU: how much this process uses, and a clear error when it runs out."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rfuav_ray.errors import RunError

_ASKED = re.compile(r"Tried to allocate ([\d.]+ [KMGT]?i?B)")
_FREE = re.compile(r"total capacity of ([\d.]+ [KMGT]?i?B) of which ([\d.]+ [KMGT]?i?B) is free")


def used_gpu_memory() -> tuple[int, int] | None:
    """Return the bytes that torch has allocated and reserved on the current GPU; None if it uses no GPU."""
    torch = sys.modules.get("torch")  # importing it only for this would take seconds
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_initialized():
        return None
    return torch.cuda.memory_allocated(), torch.cuda.memory_reserved()


@contextmanager
def explaining_out_of_memory(advice: str) -> Iterator[None]:
    """Turn an out-of-memory error of the GPU into a RunError with the sizes in torch's message and advice."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError, and errors of CUDA libraries
        text = str(error)
        if "out of memory" not in text and "ALLOC_FAILED" not in text:
            raise
        asked, free = _ASKED.search(text), _FREE.search(text)
        parts = [
            f"asked for {asked.group(1)}" if asked else text.splitlines()[0],
            f"{free.group(2)} of {free.group(1)} were free" if free else "",
        ]
        figures = ", ".join(part for part in parts if part)
        raise RunError(f"The GPU is out of memory: {figures}. {advice}") from None
