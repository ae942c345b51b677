"""What the user `nobody` can do to the files, sockets, processes and ports of a service. Run it as root.

It reads folders, processes and ports as JSON from its standard input, becomes `nobody`, tries, and prints what
was possible.
"""

import json
import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc

NOBODY = 65534
TIMEOUT_S = 10
#: one harmless method of each of Ray's servers
METHODS = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    "/ray.rpc.NodeManagerService/GetSystemConfig",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.events.ReportEventService/ReportEvents",
    "/ray.rpc.reporter.ReporterService/GetTraceback",
    "/ray.rpc.JobAgentService/InitializeJobAgent",
    "/ray.serve.ASGIService/HandleRequest",
)
#: answers of a server that has not done what was asked
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED}
#: paths of Ray's HTTP servers that tell or change something
PATHS = (
    "/api/jobs/",
    "/api/v0/tasks",
    "/nodes?view=summary",
    "/logs",
    "/api/v2/tasks",
)
POST_PATHS = (
    "/api/jobs/",
    "/api/job_agent/jobs/",
    "/get_or_create_runtime_env",
    "/delete_runtime_env_if_possible",
)


def attempts(folders: Iterable[str], processes: Iterable[int], ports: Iterable[int]) -> dict[str, list[str]]:
    """Run this module as a process that becomes `nobody`. Returns what it could do."""
    asked = json.dumps({"folders": [*folders], "processes": [*processes], "ports": [*ports]})
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.other_user"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


def possible_with_files(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        for parent, names, files in os.walk(folder):
            if os.access(parent, os.W_OK):
                yield f"write into the folder {parent}"
            for path in (Path(parent, name) for name in [*names, *files]):
                yield from _possible(path)


def _possible(path: Path) -> Iterator[str]:
    mode = path.lstat().st_mode
    if stat.S_ISSOCK(mode):
        yield from _connected(str(path))
    elif stat.S_ISREG(mode):
        yield from (
            f"{word} {path}" for word, flag in (("read", os.R_OK), ("write", os.W_OK)) if os.access(path, flag)
        )


def possible_with_sockets(processes: Iterable[int]) -> Iterator[str]:
    """All sockets of the system that are named like a service's, and the memory and files of its processes."""
    for line in Path("/proc/net/unix").read_text().splitlines():
        path = line.split()[-1]
        if any(word in path for word in ("rfuav", "/sockets/", "haproxy")):
            yield from _connected(path)
    for process in processes:
        for name in ("environ", "mem", "maps", "fd/0", "cwd/."):
            try:
                os.close(os.open(f"/proc/{process}/{name}", os.O_RDONLY))
                yield f"open /proc/{process}/{name}"
            except OSError:
                continue


def _connected(path: str) -> Iterator[str]:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect("\0" + path[1:] if path.startswith("@") else path)
            yield f"connect to {path}"
        except OSError:
            return


def possible_with_ports(ports: Iterable[int]) -> Iterator[str]:
    for port in ports:
        for method in METHODS:
            if (answer := _called(port, method)) not in REFUSED and answer is not None:
                yield f"call {method} at {port}: {answer}"
        for method, paths in (("GET", PATHS), ("POST", POST_PATHS)):
            for path in paths:
                if (status := _asked(port, method, path)) is not None and status < 400:
                    yield f"{method} {path} at {port}: {status}"


def _called(port: int, method: str) -> grpc.StatusCode | None:
    """The answer's code; None if no gRPC server listens there."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            channel.unary_unary(method)(b"", timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return None if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL) else code
        return grpc.StatusCode.OK


def _asked(port: int, method: str, path: str) -> int | None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", b"{}" if method == "POST" else None, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            # Ray's exporters tell their numbers to everybody on this machine, and nothing else.
            return None if answer.read(7) == b"# HELP " else int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
    except Exception:  # not HTTP
        return None


def main() -> None:
    asked = json.load(sys.stdin)
    # What is imported late must be read before: `nobody` may not see this Python.
    _called(1, METHODS[0])
    _asked(1, "GET", "/")
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    print(
        json.dumps(
            {
                "files": [*possible_with_files(asked["folders"])],
                "sockets": [*possible_with_sockets(asked["processes"])],
                "ports": [*possible_with_ports(asked["ports"])],
            }
        )
    )


if __name__ == "__main__":
    main()
