"""The Typer app of the command `rfuav`, its common options and its entry point.

Each command imports its heavy dependencies itself, so that `--help` is fast.
"""
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rfuav_ray.errors import RfuavError

if TYPE_CHECKING:
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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. Exit status: 0 success, 1 failure, 2 wrong usage, 130 stopped by ctrl-C."""
    try:
        app(args=arguments, prog_name="rfuav")
    except (RfuavError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    raise SystemExit(0)


@app.callback()
def connection(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="RFUAV_URL", help="The service's address.")] = "http://127.0.0.1:8000",
    api_key: Annotated[str | None, typer.Option(envvar="RFUAV_API_KEY", help="The service's key.")] = None,
) -> None:
    context.obj = {"base_url": url, "api_key": api_key}


def open_client(context: typer.Context) -> "RFUAVClient":
    from rfuav_ray.client import RFUAVClient

    return RFUAVClient(**context.obj)
