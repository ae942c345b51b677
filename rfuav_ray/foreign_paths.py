"""Texts that are hardly paths of this machine: URLs, Windows paths, variables, stray spaces and quotation marks.

A file may really have such a name. So only the part of a path that does not exist yet is judged.
"""

import os
import re
import unicodedata
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import one_line

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|%[A-Za-z_]\w*%")
_QUOTES = "\"'`“”„‘’«»"
_NAMED = {"\0": "a NUL character", "\n": "a line break", "\r": "a line break", "\t": "a tab"}
#: two characters that are not shown, and that words of some scripts and some emoji need
_JOINERS = "\u200c\u200d"


def refuse_foreign(path: Path, text: str, *, field: str) -> None:
    """Refuse a text that stands for something else than a path of this machine.

    Args:
        path: What the text means as a path of this machine: absolute, links not followed.
        text: The text as the client sent it.
        field: The field of the request.

    Raises:
        InvalidInput: It says what the text is and what to do.
    """
    if os.path.lexists(path):
        return
    existing = next((parent for parent in path.parents if os.path.lexists(parent)), Path("/"))
    missing = str(path.relative_to(existing))
    reason = _foreign(missing)
    if "://" in text and _URL.match(text):
        reason = _about_url(text)
    if reason is None and text[0] == missing[0] == "~":
        reason = "begins with ~, and home folders of users are not looked up; write the whole path."
    if reason is not None:
        raise InvalidInput(field, f"'{one_line(text)}' {reason}")


def _foreign(text: str) -> str | None:
    """What is foreign about a path, relative to an existing folder, and what to do; None if nothing is."""
    return next((reason for look in _LOOKS if (reason := look(text))), None)


def _unseen_character(text: str) -> str | None:
    unseen = next((one for one in text if _is_unseen(one)), None)
    if unseen is None:
        return None
    return f"contains {_NAMED.get(unseen, f'the invisible character U+{ord(unseen):04X}')}; remove it."


def _windows(text: str) -> str | None:
    if _DRIVE.match(text) or text.startswith("\\\\"):
        return "is a Windows path; give the path on the machine of the service, such as /data/train."
    return None


def _variable(text: str) -> str | None:
    found = _VARIABLE.search(text)
    return f"contains {found[0]}, and variables are not replaced; write the value." if found else None


def _backslash(text: str) -> str | None:
    return "contains a backslash; put / between the parts of a path." if "\\" in text else None


def _url(text: str) -> str | None:
    return _about_url(text) if _URL.match(text) else None


def _quotation(text: str) -> str | None:
    if text[0] in _QUOTES and text[-1] in _QUOTES:
        return "is in quotation marks; remove them."
    return None


def _space(text: str) -> str | None:
    part = next((part for part in text.split("/") if part != part.strip()), None)
    return None if part is None else f"has a space at the start or the end of '{one_line(part)}'; remove it."


def _stray_quotation(text: str) -> str | None:
    return "has a stray quotation mark; remove it." if {text[0], text[-1]} & set(_QUOTES) else None


#: the first that applies is what a user should mend first
_LOOKS = (_unseen_character, _windows, _variable, _backslash, _url, _quotation, _space, _stray_quotation)


def _about_url(text: str) -> str:
    if text.lower().startswith("file:/"):
        return "is a URL; write only the path, without file://."
    if text[:4].lower() == "s3:/":
        return "is an address in a bucket, which this field does not take; give a path of the service's machine."
    if text[:4].lower() == "gs:/":
        return "is an address of Google Cloud Storage, which is not supported; buckets are s3://bucket/prefix."
    return "is a URL; copy or mount the data on the machine of the service, and give their path there."


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} and character not in _JOINERS
