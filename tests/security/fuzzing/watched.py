"""A service with keys under strace, and the folders around it."""

import os
import shutil
import sys
from pathlib import Path

from tests.security.conftest import ADMIN, Keyed
from tests.security.fuzzing.known import SECRET
from tests.security.fuzzing.touched import STRACE, Touch, touches
from tests.support.project import ROOT

#: what libraries read when they are first used
_ETC = (
    "ld.so.cache",
    "locale.alias",
    "localtime",
    "host.conf",
    "hosts",
    "nsswitch.conf",
    "resolv.conf",
    "mime.types",
)
_SYSTEM = tuple(Path(path) for path in ("/proc", "/sys", "/usr", "/lib", "/lib64", "/etc/ssl", "/dev/urandom"))
_RESOLVER = Path("/etc/resolv.conf").resolve()
_SYSTEM += (_RESOLVER, *(Path("/etc", name) for name in _ETC))
_DEVICES = (Path("/dev/shm"), Path("/dev/null"))


class Watched(Keyed):
    """Where strace is missing, the service runs without it."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.home = folder / "home"
        self.secrets = [self.home / ".ssh" / "id_rsa", self.home / ".netrc", folder / "beside" / "secret.txt"]
        self.traces = folder / "traces"
        self.is_watched = shutil.which("strace") is not None
        for path in self.secrets:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(SECRET)
        self.traces.mkdir()
        if self.is_watched:
            self.program = (*STRACE, "-o", str(self.traces / "of"), *self.program)
        super().__init__(
            folder,
            root,
            max_training_concurrent_cpu=1,
            max_inference_concurrent_cpu=1,
            # Whatever requests ask for, the machine has memory left.
            run_memory_limit=0.2,
            max_run_retries=1,
            run_silence_s=60,
        )
        # Only requests shall open /etc/passwd. PyTorch looks for a missing LOGNAME there, and the bash that starts
        # Ray's workers for a missing SHELL.
        user = {"LOGNAME": "fuzzed", "SHELL": "/bin/bash", "HOME": str(self.home)}
        self._environment |= user | {"TMPDIR": self.ray_folder}

    def as_admin(self):
        return self.http(ADMIN)

    def changes_below(self, folder: Path) -> bool:
        return any(touch.is_change and touch.path.is_relative_to(folder) for touch in touches(self.traces))

    def wrong_changes(self) -> list[Touch]:
        """Changes outside of the folders that are the service's own."""
        allowed = (*self._own(), *_DEVICES, *self._of_libraries(), self.folder / "output.txt")
        return [
            touch
            for touch in touches(self.traces)
            if touch.is_change
            and not _is_below(touch.path, allowed)
            and touch.path.name != "oom_score_adj"
            and not (touch.path.is_relative_to(ROOT) and "__pycache__" in touch.path.parts)
            # Below a descriptor: `wrong_reads` has seen the folder that was opened.
            and not touch.path.is_relative_to("/proc/self/fd")
        ]

    def wrong_reads(self, since_s: float) -> list[Touch]:
        """Files that were opened since then, and belong neither to the service nor to Python or the system."""
        programs = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix, ROOT)}
        allowed = (*self._own(), *_DEVICES, *self._of_libraries(), self.key_file, *programs, *_SYSTEM)
        return [
            touch
            for touch in touches(self.traces)
            if touch.at_s >= since_s
            # The fork server reads those of its callers, by their ids. Requests name `self`.
            and (not _is_below(touch.path, allowed) or "/proc/self/environ" in touch.line)
        ]

    def _of_libraries(self) -> tuple[Path, ...]:
        """Ray's token, and what matplotlib and PyTorch keep."""
        return tuple(self.home / name for name in (".ray", ".config", ".cache"))

    def _own(self) -> tuple[Path, ...]:
        own = (self.root, self.state_dir, self.app_log, Path(self.ray_folder))
        # The folders of HAProxy and of the memory guard: their sockets need short paths.
        return (*own, *Path("/tmp").glob(f"rfuav-{os.geteuid()}-*"))


def _is_below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
