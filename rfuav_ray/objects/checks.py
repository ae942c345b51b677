"""What a submission asks of a bucket: a few short questions for each address, and no listing of what it reads."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rfuav_ray import paths
from rfuav_ray.errors import InvalidInput, ServiceBusy
from rfuav_ray.events import one_line
from rfuav_ray.objects.access import filesystem, is_passing, object_settings, why
from rfuav_ray.objects.listing import first_object
from rfuav_ray.objects.urls import ObjectUrl, allowed_url, is_object_url, parse_url

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

Answer = TypeVar("Answer")

RETRY_S = 10


def existing_url(text: str, field: str) -> str:
    """Return the address of an existing object, or of a prefix that has objects, without a slash at its end.

    Raises:
        InvalidInput: It is no address, lies below no bucket of DATA_ROOTS, does not exist or cannot be read.
        ServiceBusy: The object storage does not answer.
    """
    url = allowed_url(text, object_settings().roots, field)
    if _type_name(url, field) == "NotFound":
        _require_bucket(url, field)
        raise InvalidInput(field, f"there is no object '{url}', and none below it.")
    return str(url)


def existing_inputs(request: object, fields: Sequence[str], roots: Sequence[Path]) -> dict[str, str]:
    """`existing_input` for those of these fields of a request that are not None. Raises as that."""
    texts = {field: getattr(request, field) for field in fields}
    found = {field: existing_input(text, roots, field) for field, text in texts.items() if text is not None}
    check_urls_apart(found)
    return found


def new_prefix(text: str, field: str, *, is_empty: bool = True) -> str:
    """Return the address of a prefix that a task may write, without a slash at its end.

    Args:
        text: The address.
        field: The field of the request.
        is_empty: Whether there must be no object yet. The run looks again.

    Raises:
        InvalidInput: It is no address of a prefix in a bucket of DATA_ROOTS, or holds objects.
        ServiceBusy: The object storage does not answer.
    """
    if not is_object_url(text):
        raise InvalidInput(field, f"'{one_line(text)}' is no address in a bucket: write s3://bucket/prefix.")
    url = allowed_url(text, object_settings().roots, field)
    if url.key == url.bucket:
        raise InvalidInput(field, f"'{url}' is a whole bucket: name a prefix in it, s3://bucket/prefix.")
    _require_bucket(url, field)
    if _type_name(url, field) == "File":
        raise InvalidInput(field, f"'{url}' is an object: name a new prefix.")
    if is_empty and (found := _asked(lambda: first_object(url), url, field)):
        raise InvalidInput(field, f"'{url}' already holds objects ('{found}', …): name a new prefix.")
    return str(url)


def existing_input(text: str, roots: Sequence[Path], field: str) -> str:
    """Return the resolved path of an existing file or folder, or as `existing_url` the address of objects.

    Raises:
        InvalidInput: It does not exist, or may not be used.
        ServiceBusy: The object storage does not answer.
    """
    if is_object_url(text):
        return existing_url(text, field)
    return str(paths.existing(text, roots, field=field))


def check_urls_apart(addresses: Mapping[str, str]) -> None:
    """Raise InvalidInput for the later of two addresses, by their fields, that are equal or lie in one another.

    Those that are paths do not count.
    """
    urls = [(field, parse_url(text, field)) for field, text in addresses.items() if is_object_url(text)]
    for (_, one), (field, other) in combinations(urls, 2):
        if one.is_below(other) or other.is_below(one):
            raise InvalidInput(field, f"'{other}' and '{one}' are the same or lie in one another. Use others.")


def _require_bucket(url: ObjectUrl, field: str) -> None:
    try:
        is_there = _type_name(ObjectUrl(url.bucket), field) != "NotFound"
    except InvalidInput:  # the credentials may be for a prefix alone
        return
    if not is_there:
        raise InvalidInput(field, f"there is no bucket '{url.bucket}'.")


def _type_name(url: ObjectUrl, field: str) -> str:
    found: FileInfo = _asked(lambda: filesystem().get_file_info(url.key), url, field)
    return str(found.type.name)


def _asked(question: Callable[[], Answer], url: ObjectUrl, field: str) -> Answer:
    try:
        return question()
    except OSError as error:
        if is_passing(error):
            raise ServiceBusy(f"{field}: {why(error, url)}", RETRY_S) from None
        raise InvalidInput(field, why(error, url)) from None
