"""What a submission asks of a bucket: two short questions for each address, and never a listing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rfuav_ray import paths
from rfuav_ray.errors import InvalidInput, ServiceBusy
from rfuav_ray.objects.access import filesystem, is_passing, object_settings, why
from rfuav_ray.objects.urls import ObjectUrl, allowed_url, is_object_url, parse_url

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

RETRY_S = 10


def existing_url(text: str, field: str) -> str:
    """Return the address of an existing object, or of a prefix that has objects, without a slash at its end.

    Raises:
        InvalidInput: It is no address, lies below no bucket of DATA_ROOTS, does not exist or cannot be read.
        ServiceBusy: The object storage does not answer.
    """
    url = allowed_url(text, object_settings().roots, field)
    if _type_name(url, field) == "NotFound":
        if _type_name(ObjectUrl(url.bucket), field) == "NotFound":
            raise InvalidInput(field, f"there is no bucket '{url.bucket}'.")
        raise InvalidInput(field, f"there is no object '{url}', and none below it.")
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


def check_urls_apart(inputs: Mapping[str, str]) -> None:
    """Raise InvalidInput for the second of two inputs, by their fields, if they are equal or lie in one another."""
    urls = {field: parse_url(text, field) for field, text in inputs.items() if is_object_url(text)}
    if len(urls) < 2:
        return
    (_, one), (field, other) = urls.items()
    if one.is_below(other) or other.is_below(one):
        raise InvalidInput(field, f"'{other}' and '{one}' are the same or lie in one another. Use others.")


def _type_name(url: ObjectUrl, field: str) -> str:
    try:
        found: FileInfo = filesystem().get_file_info(url.key)
    except OSError as error:
        if is_passing(error):
            raise ServiceBusy(f"{field}: {why(error, url)}", RETRY_S) from None
        raise InvalidInput(field, why(error, url)) from None
    return str(found.type.name)
