"""Downloads a file. A server that stops answering does not hold up the run: it gets an error."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.files import replacing

#: how long to wait for the connection (to each address of the host), for the answer, and for each part of it
TIMEOUT_S = 30.0
PART_BYTES = 2**20


def download(url: str, file: Path, *, sha256_start: str = "", report: Report = ignore) -> None:
    """Download a file. It appears when it is complete.

    Args:
        url: An address that starts with http or https.
        file: The new file. Its folder is created when missing.
        sha256_start: The first digits of the file's SHA-256.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the download.

    Raises:
        RunError: The file cannot be downloaded or written, or it has another SHA-256.
        Exception: Whatever `report` raises.
    """
    host = urlsplit(url).hostname
    request = Request(url, headers={"User-Agent": "rfuav-ray"})
    report(RunEvent(message=f"Downloading {file.name} from {host} into '{file.parent}'."))
    digest = hashlib.sha256()
    try:
        with (
            replacing(file) as temporary,
            # Not urlopen: it keeps the proxies of its first call.
            build_opener().open(request, timeout=TIMEOUT_S) as answer,
            temporary.open("wb") as target,
        ):
            # read1 returns what has arrived: `read` waits for a whole part, and a slow link would delay a cancel.
            while part := answer.read1(PART_BYTES):
                report(RunEvent())
                target.write(part)
                digest.update(part)
            if not digest.hexdigest().startswith(sha256_start):
                raise RunError(f"{file.name} from {host} is cut off or damaged: its SHA-256 is wrong.")
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        is_silent = isinstance(reason, TimeoutError)
        why = f"no answer within {TIMEOUT_S:g} s" if is_silent else error
        raise RunError(f"{file.name} cannot be downloaded from {host}: {why}.") from error
