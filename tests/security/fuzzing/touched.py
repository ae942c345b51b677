"""Reads what strace has seen: the files that a service and its descendants have opened or changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: `-ff`: a file for each thread, so that no call is cut in two. `-y`: descriptors with the path behind them.
#: With seccomp the other calls run at full speed.
_CALLS = ("-e", "signal=none", "-e", "trace=%file")
STRACE = ("strace", "-ff", "--seccomp-bpf", "-qqq", "-ttt", "-y", "-s", "4096", *_CALLS)

_OPENS = frozenset({"open", "openat", "openat2", "creat"})
_CHANGES = re.compile(
    "truncate|rename.*|(sym|un)?link(at)?|mkdir.*|rmdir|mknod.*|[fl]?ch(mod|own).*|f?utime.*|l?(set|remove)xattr"
)
_LINE = re.compile(r"(?P<at>\d+\.\d+) (?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>\d+)(?:<(?P<opened>.*)>)?$")
_WRITES = re.compile(r"\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b")
#: a folder's descriptor, and the path below it
_ARGUMENT = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<path>(?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Touch:
    at_s: float
    path: Path
    is_change: bool
    line: str


def touches(traces: Path) -> Iterator[Touch]:
    """Every call that has succeeded. A path that strace could not tell is relative."""
    for file in sorted(traces.iterdir()):
        with file.open(errors="replace") as lines:
            for line in lines:
                if found := _LINE.match(line.rstrip("\n")):
                    yield from _of(found, line)


def _of(found: re.Match[str], line: str) -> Iterator[Touch]:
    at_s, call = float(found["at"]), found["call"]
    if call in _OPENS and found["opened"]:
        yield Touch(at_s, Path(found["opened"]), bool(_WRITES.search(found["arguments"])), line)
    elif _CHANGES.fullmatch(call):
        for argument in _ARGUMENT.finditer(found["arguments"]):
            yield Touch(at_s, Path(argument["folder"] or "") / argument["path"], True, line)
