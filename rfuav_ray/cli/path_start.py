"""Where the relative paths of a command start."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.foreign_paths import refuse_foreign
from rfuav_ray.objects.urls import is_object_url, plain_path, refuse_credentials

#: the fields of requests that name folders for results
OUTPUT_FIELDS = frozenset({"save_path", "output_path"})
_ADVICE = "Give an absolute path, or with --root or RFUAV_ROOT the folder at which relative paths start."


@dataclass(frozen=True)
class PathStart:
    #: None: the working folder
    root: Path | None = None
    #: whether the working folder is deleted some time, as that of a Ray job
    is_disposable: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidInput if there is no such folder, or if it would be in a disposable one."""
        if self.root is None:
            return
        root = self.root.expanduser()
        if self.is_disposable and not root.is_absolute():
            raise InvalidInput(
                "--root",
                f"'{self.root}' is relative, and a Ray job's working folder is deleted; make it absolute.",
            )
        if not root.is_dir():
            raise InvalidInput("--root", f"there is no folder '{self.root}' on {os.uname().nodename}.")
        object.__setattr__(self, "root", root.absolute())

    def absolute(self, path: str | Path, field: str, outputs: Collection[str] = OUTPUT_FIELDS) -> str:
        """Return the path as an absolute one, with links as the user wrote them.

        Args:
            path: The path.
            field: The field of the request or the option, for messages.
            outputs: The fields that are folders for results.

        Raises:
            InvalidInput: It stands for something else than a path of this machine, or results would be lost there.
        """
        refuse_credentials(str(path), field)
        if is_object_url(str(path)):
            return str(path)
        path = plain_path(str(path), field)
        given = os.path.expanduser(path)  # noqa: PTH111
        is_lost = self.is_disposable and self.root is None and not os.path.isabs(given)  # noqa: PTH117
        if is_lost and field in outputs:
            raise InvalidInput(
                field,
                f"'{path}' is relative, so the results would go into the working folder of the Ray job, which Ray "
                f"deletes later. {_ADVICE}",
            )
        # Not Path.resolve, because links must stay as the user wrote them.
        absolute = os.path.abspath(os.path.join(self.root or "", given))  # noqa: PTH100, PTH118
        refuse_foreign(Path(absolute), str(path), field=field)
        return absolute
