"""What this process may use of object storage, pyarrow's file system that leads there, and its errors in words."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rfuav_ray.errors import RunError
from rfuav_ray.events import one_line
from rfuav_ray.objects.urls import ObjectUrl

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

Result = TypeVar("Result")

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
CONNECT_TIMEOUT_S, REQUEST_TIMEOUT_S, TRIES = 3, 10, 3
#: pauses before the tries after the first one
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: what pyarrow says after the key, which may hold any word. HEAD requests are answered without a reason
_SAID = re.compile(
    r"AWS Error (?P<code>\w+)(?: \(HTTP status (?P<status>\d+)\))? during \w+ operation: "
    r"(?:Unable to parse ExceptionName: (?P<name>\w+))?(?P<rest>.*)",
    re.DOTALL,
)
_REFUSED = re.compile(
    r"ACCESSDENIED|ACCESSKEY|INVALIDCLIENT|SIGNATURE|TOKEN|AUTHORIZATIONHEADER|UNKNOWN 400| 40[13]"
)
_UNREACHABLE = re.compile(
    r"NETWORKCONNECTION|SLOWDOWN|THROTTL|SERVICEUNAVAILABLE|INTERNALFAILURE|TIMEOUT| 5\d\d|CURLCODE"
)
_SHORTER = re.compile(r"INVALIDRANGE| 416")


@dataclass(frozen=True)
class ObjectSettings:
    """DATA_ROOTS, as far as they are buckets, and the cache of their objects."""

    roots: tuple[str, ...] = ()
    cache_dir: Path = Path(".rfuav-cache")
    cache_bytes: int = 0


class _Process:
    settings = ObjectSettings()


def allow_objects(settings: ObjectSettings) -> None:
    """Let this process use these buckets, from now on."""
    _Process.settings = settings


def object_settings() -> ObjectSettings:
    """What `allow_objects` said; else no bucket is allowed."""
    return _Process.settings


@cache
def filesystem() -> "FileSystem":
    """The file system of all buckets. Credentials and the endpoint come from the environment."""
    # pyarrow takes half a second to import.
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem  # noqa: PLC0415

    return S3FileSystem(
        endpoint_override=next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None),
        connect_timeout=CONNECT_TIMEOUT_S,
        request_timeout=REQUEST_TIMEOUT_S,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=TRIES),
        # Objects of a few megabytes are written by one request, in the thread that writes them.
        allow_delayed_open=True,
        background_writes=False,
    )


def is_passing(error: OSError) -> bool:
    """Whether a later try may succeed."""
    return bool(_UNREACHABLE.search(_kind(error))) and not _REFUSED.search(_kind(error))


def is_shorter(error: OSError) -> bool:
    """Whether an object has fewer bytes than were asked for: it was replaced."""
    return bool(_SHORTER.search(_kind(error)))


def _kind(error: OSError) -> str:
    """The name and the HTTP status of an error of the storage, as `EXPIREDTOKEN 403`. Holds no key."""
    said = _SAID.search(str(error))
    if said is None:
        return ""
    curl = " CURLCODE" if "curlCode" in said["rest"] else ""
    name = (said["name"] or said["code"]).upper().replace("_", "")
    return f"{name} {said['status'] or ''}{curl}"


def persistently(call: Callable[[], Result], url: ObjectUrl, stopping: threading.Event) -> Result:
    """Call a function that uses an object, and again after a pause while the storage cannot be reached.

    Raises:
        RunError: It cannot be reached for half a minute, refuses access, or `stopping` is set.
        FileNotFoundError: There is no such object.
        OSError: A local file cannot be read or written. Only such an error has an errno.
    """
    for pause_s in (*PAUSES_S, None):
        try:
            return call()
        except OSError as error:
            if error.errno is not None:
                raise
            reason = why(error, url)
            if not is_passing(error):
                break
        if pause_s is None or stopping.wait(pause_s):
            break
    raise RunError(reason)


def why(error: OSError, url: ObjectUrl) -> str:
    """A sentence that says what is wrong with an object or a prefix, and what to do. It has no credentials."""
    text, shown = str(error), f"'{one_line(str(url))}'"
    if "NO_SUCH_BUCKET" in text:
        return f"{shown}: there is no bucket '{url.bucket}'."
    if isinstance(error, FileNotFoundError):
        return f"{shown} is not there."
    if _REFUSED.search(_kind(error)):
        return (
            f"{shown}: access is refused. The credentials in the service's environment (AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) are missing, wrong or expired, or do not allow this; or "
            "AWS_REGION is not that of the bucket."
        )
    said = one_line(_without_secrets(text.rpartition("Details: ")[2]), 300)
    if is_passing(error):
        return f"{shown} cannot be reached ({said}). Look at AWS_ENDPOINT_URL and at the network."
    return f"{shown} cannot be used: {said}."


def _without_secrets(text: str) -> str:
    for name in SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, "***")
    return text
