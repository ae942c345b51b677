"""The console script `rfuav`: the commands of `rfuav_ray.cli`, and `serve`, which needs Ray."""
# ruff: noqa: PLC0415

import os
import sys
from typing import Annotated

import typer

from rfuav_ray.cli import app, main
from rfuav_ray.errors import RfuavError

__all__ = ["main"]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
) -> None:
    """Start the service here, or on the cluster of RAY_ADDRESS."""
    from rfuav_ray.cli.run_config import read_settings

    try:
        settings = read_settings(host=host, port=port)
    except RfuavError as error:
        print(f"Error in the settings: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if "RAY_ADDRESS" not in os.environ:
        # A Ray that the service starts itself must listen only on the loopback interface. This variable has that
        # effect on Linux too. Ray reads it on import.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    from serve_app.command.keeper import keep

    def run() -> int:
        from serve_app.command.serve import serve_forever

        return serve_forever(settings)

    raise typer.Exit(keep(run))
