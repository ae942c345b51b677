"""Addresses of objects, `s3://bucket/prefix`, and of files, `file:///folder`. Knows no network."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from rfuav_ray.errors import InvalidInput, PathNotAllowed
from rfuav_ray.events import one_line

SCHEME = "s3"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/+[^/]*@")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
#: of S3
MAX_KEY_BYTES = 1024


@dataclass(frozen=True)
class ObjectUrl:
    #: bucket/prefix, as pyarrow's file systems name it
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}://{self.key}"

    @property
    def bucket(self) -> str:
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    def is_below(self, root: "ObjectUrl") -> bool:
        """Whether it is the root or lies in it."""
        return f"{self.key}/".startswith(f"{root.key}/")


def is_object_url(text: str) -> bool:
    """Whether the text names an object of a bucket, or a prefix of objects."""
    return text[: len(SCHEME) + 3].lower() == f"{SCHEME}://"


def refuse_credentials(text: str, field: str) -> None:
    """Raise InvalidInput, which does not repeat the text, if it is a URL with a user or with parameters."""
    has_parameters = _URL.match(text) and "?" in text
    if has_parameters or _USER.match(text):
        raise InvalidInput(
            field,
            "is a URL with a user, a password or parameters, which is not repeated here. Write only "
            "s3://bucket/prefix: credentials come from the environment of the service (AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).",
        )


def parse_url(text: str, field: str) -> ObjectUrl:
    """Return what `s3://bucket/prefix` names, without slashes at its end.

    Raises:
        InvalidInput: It is no such address, or has credentials in it.
    """
    refuse_credentials(text, field)
    key = text[len(SCHEME) + 3 :].rstrip("/")
    bucket, *parts = key.split("/")
    shown = f"'{one_line(text)}'"
    if not _BUCKET.fullmatch(bucket):
        raise InvalidInput(field, f"{shown} names no bucket: write s3://bucket/prefix.")
    if {"", ".", ".."} & set(parts):
        raise InvalidInput(field, f"{shown} has an empty part, '.' or '..' between its slashes; remove it.")
    if not key.isprintable() or len("/".join(parts).encode("utf-8", "replace")) > MAX_KEY_BYTES:
        raise InvalidInput(
            field,
            f"{shown} has a character that is not shown, or more than {MAX_KEY_BYTES} bytes after its bucket.",
        )
    return ObjectUrl(key)


def is_allowed(url: ObjectUrl, roots: Sequence[str]) -> bool:
    """Whether it lies below one of the roots."""
    return any(url.is_below(parse_url(root, "DATA_ROOTS")) for root in roots)


def allowed_url(text: str, roots: Sequence[str], field: str) -> ObjectUrl:
    """`parse_url`, for a request.

    Raises:
        PathNotAllowed: It lies below none of the roots.
        InvalidInput: As `parse_url`.
    """
    url = parse_url(text, field)
    if not roots:
        raise PathNotAllowed(
            field, f"'{url}' is in a bucket, and none is allowed here: DATA_ROOTS of a service names them."
        )
    if not is_allowed(url, roots):
        allowed = ", ".join(roots)
        raise PathNotAllowed(
            field, f"'{url}' is outside the buckets this service may use ({allowed}). See DATA_ROOTS."
        )
    return url


def plain_path(text: str, field: str) -> str:
    """The path of a `file://` URL; any other text as it is. Raises InvalidInput if it names another machine."""
    if text[:7].lower() != "file://":
        return text
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise InvalidInput(
            field, f"'{one_line(text)}' names another machine, or no whole path: write file:///folder."
        )
    return unquote(parts.path)
