"""The Typer app of the command `rfuav`, its common options and its entry point.

Each command imports its heavy dependencies itself, so that `--help` is fast.
"""
# ruff: noqa: PLC0415

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rfuav_ray.cli.local.start import DEFAULT_URL, Call, Start
from rfuav_ray.errors import RfuavError

if TYPE_CHECKING:
    from rfuav_ray.cli.path_start import PathStart
    from rfuav_ray.client import RFUAVClient

app = typer.Typer(
    help="Train, run and monitor classifiers of drone radio signals.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help takes half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Options of several commands
Config = Annotated[Path | None, typer.Option(help="YAML file with fields of the request; options override it.")]
Detach = Annotated[bool, typer.Option("--detach", help="Print the task's id and don't follow it.")]
Root = Annotated[
    Path | None,
    typer.Option(envvar="RFUAV_ROOT", help="Folder at which relative paths start. Default: the working folder."),
]


def main(arguments: list[str] | None = None, *, start: Start | None = None, name: str = "rfuav") -> NoReturn:
    """Run the command line and exit.

    Exit status: 0 success, 1 failure, 2 wrong usage, 130 stopped by ctrl-C, 143 stopped by SIGTERM.

    Args:
        arguments: Without them those of the process.
        start: The surroundings of the process.
        name: What the help calls the program.
    """
    try:
        app(args=arguments, prog_name=name, obj=start or Start())
    except (RfuavError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    raise SystemExit(0)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from rfuav_ray.settings import installed_version

        print(f"rfuav-ray {installed_version()}")
        raise typer.Exit


@app.callback()
def connection(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(envvar="RFUAV_URL", help=f"The service's address; default {DEFAULT_URL}.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(envvar="RFUAV_API_KEY", help="The service's key.")] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    # An empty variable names no service.
    context.obj = Call(start=context.obj or Start(), url=url or None, api_key=api_key)


def open_client(context: typer.Context) -> "RFUAVClient":
    from rfuav_ray.client import RFUAVClient

    call: Call = context.obj
    return RFUAVClient(base_url=call.url or DEFAULT_URL, api_key=call.api_key)


def where_paths_start(context: typer.Context, root: Path | None) -> "PathStart":
    """Say where relative paths start if a folder was given. Not on stdout, which may be for another program."""
    from rfuav_ray.cli.path_start import PathStart

    call: Call = context.obj
    start = PathStart(root=root, is_disposable=call.start.is_ray_job)
    if start.root is not None:
        print(f"Relative paths start at '{start.root}'.", file=sys.stderr)
    return start


@contextmanager
def wrong_usage() -> Iterator[None]:
    """A block that makes a request of what the user gave. Its errors have the exit status of wrong usage."""
    try:
        yield
    except RfuavError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
