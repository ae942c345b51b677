"""How a loop is compiled."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function when it is called. Other threads run meanwhile."""
    try:
        fast: _Function = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # No folder to keep it in can be written to.
        fast = numba.njit(nogil=True, error_model="numpy")(function)
    return fast
