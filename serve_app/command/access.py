"""`rfuav key` makes and removes keys; `rfuav audit-log` prints who has changed what. They work on files alone."""
# ruff: noqa: PLC0415

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rfuav_ray.cli import app
from rfuav_ray.cli.app import wrong_usage
from rfuav_ray.errors import RfuavError

keys = typer.Typer(help="Make and remove the keys of API_KEYS_FILE.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="key")

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

KeyFile = Annotated[Path | None, typer.Option("--file", help="The file of the keys. Default: API_KEYS_FILE.")]


class ScopeName(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Of a person or a program.")],
    scope: Annotated[ScopeName, typer.Option(help="What the key may do.")] = ScopeName.READ,
    file: KeyFile = None,
) -> None:
    """Make a key and print it. It is printed once: the file keeps a hash."""
    from serve_app.access.key_file import add_key
    from serve_app.access.scopes import Scope

    path = _file(file)
    with wrong_usage():
        key = add_key(path, name, Scope[scope.name])
    print(key)
    print(f"Keep it now: '{path}' has its hash alone. A running service knows it in a second.", file=sys.stderr)


@keys.command("list")
def list_keys(file: KeyFile = None) -> None:
    """List the names and scopes of the keys."""
    from serve_app.access.key_file import read_keys

    for key in read_keys(_file(file)):
        print(f"{key.name}\t{key.scope.word}")


@keys.command("remove")
def remove(name: str, file: KeyFile = None) -> None:
    """Remove a key. Its requests are refused and its sign-ins end within a second, its streams within 15."""
    from serve_app.access.key_file import remove_key

    remove_key(_file(file), name)


@app.command()
def audit_log(
    since: Annotated[
        str | None, typer.Option(help="30m, 12h, 7d, or a time such as 2026-05-01T08:00 (UTC if it has no zone).")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only the requests with the key of this name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print lines of JSON.")] = False,
) -> None:
    """Print who has changed what: the requests that write, the oldest first. It reads STATE_DIR."""
    from rfuav_ray.cli.run_config import read_settings
    from serve_app.access.audit_log import entries

    with wrong_usage():
        begin = None if since is None else moment_of(since, datetime.now(UTC))
    for entry in entries(read_settings().state_dir, begin, key):
        print(json.dumps(entry) if as_json else _line(entry))


def moment_of(text: str, now: datetime) -> datetime:
    """The time that `--since` names. Raises RfuavError."""
    try:
        if match := re.fullmatch(r"([0-9]{1,9})([mhd])", text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise RfuavError(f"--since: '{text}' is no time. Write 30m, 12h, 7d or 2026-05-01T08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _line(entry: dict[str, Any]) -> str:
    task = entry.get("task_id") or " ".join(entry.get("task_ids", ())) or "-"
    request = entry["method"], entry["path"], entry["status"]
    lost = [f"({entry['lost_before']} lines before it were lost)"] if "lost_before" in entry else []
    words = entry["time"], entry["key"] or "-", entry["address"], *request, task, *lost
    # A path may hold control characters, which a terminal would obey.
    return json.dumps(" ".join(map(str, words)))[1:-1]


def _file(given: Path | None) -> Path:
    from rfuav_ray.cli.run_config import read_settings

    path = given or read_settings().api_keys_file
    if path is None:
        raise RfuavError("Name the file of the keys: set API_KEYS_FILE, or use --file.")
    return path.expanduser().absolute()
