"""`rfuav doctor`: the problems of this installation, with a remedy for each."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rfuav_ray.cli.doctor.software import Finding

#: checks of packages that this one does not know
MORE_CHECKS: "list[Callable[[], Iterator[Finding]]]" = []
