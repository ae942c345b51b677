"""The names of devices in requests: `cpu`, `cuda` and `cuda:N`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from rfuav_ray.events import one_line

_FORMS = r"(cpu|cuda|cuda:[0-9]{1,4})"
#: other words for "a GPU"
_GPU_WORDS = frozenset({"", "auto", "cuda", "gpu", "nvidia"})


def check_device_name(name: str) -> str:
    """Return the name if it has a valid form. Raises ValueError, which names the forms and the probable one."""
    if re.fullmatch(_FORMS, name):
        return name
    meant = _meant(name)
    hint = f"; did you mean {meant}?" if meant else ""
    raise ValueError(
        f"'{one_line(name, 40)}' is no device: choose cpu, cuda (the least loaded GPU) or cuda:N (one GPU, "
        f"such as cuda:0){hint}"
    )


def _meant(name: str) -> str | None:
    """The valid name that `GPU`, `cuda0`, `gpu:1`, `0` or ` CPU` probably stands for."""
    found = re.fullmatch(r"\s*([a-z]*)[\s:_]*([0-9]{0,4})\s*", name.lower(), re.ASCII)
    if found is None or not found[0].strip():
        return None
    word, number = found.groups()
    if word == "cpu":
        return "cpu"
    if word not in _GPU_WORDS:
        return None
    return f"cuda:{int(number)}" if number else "cuda"


#: for programs that read the schema. Pydantic's own message for a pattern says nothing to a user
PATTERN = f"^{_FORMS}$"
DeviceName = Annotated[str, AfterValidator(check_device_name)]
Device = Annotated[
    DeviceName,
    Field(
        json_schema_extra={"pattern": PATTERN},
        description="`cpu`, `cuda` (the least loaded GPU; the CPU where there is none) or `cuda:N` (that GPU)",
    ),
]
