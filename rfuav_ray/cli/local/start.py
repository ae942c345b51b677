"""What the program that starts the command line knows of its surroundings, and what the command line was told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfuav_ray.events import Report

DEFAULT_URL = "http://127.0.0.1:8000"

#: runs the pipeline of a kind of preprocessing: kind, request, report; returns its result
Preprocess = Callable[[str, Any, "Report"], dict[str, Any]]


@dataclass(frozen=True)
class Start:
    """The surroundings. `rfuav_ray` may not ask Ray, so its starter does."""

    #: whether commands work in this process unless a service is named
    works_here: bool = False
    #: whether this is the entry point of a Ray job: its working folder is deleted some time
    is_ray_job: bool = False
    #: whether this process may use the GPUs that it sees
    may_use_gpus: bool = True
    #: None: preprocessing needs a service
    preprocess: Preprocess | None = None


@dataclass(frozen=True)
class Call:
    """What all commands know."""

    start: Start = field(default_factory=Start)
    #: None: no service was named
    url: str | None = None
    api_key: str | None = None

    @property
    def works_here(self) -> bool:
        return self.start.works_here and self.url is None
