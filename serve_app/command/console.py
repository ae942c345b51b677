"""The console script `rfuav`: the commands of `rfuav_ray.cli`, and `serve`, which needs Ray."""
# ruff: noqa: PLC0415

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from actors.ray_internals import jobs
from rfuav_ray.cli import app
from rfuav_ray.cli import main as run_commands
from rfuav_ray.cli.doctor import MORE_CHECKS
from rfuav_ray.cli.local.start import Start
from rfuav_ray.errors import RfuavError
from serve_app.command import access

__all__ = ["access", "main"]  # importing it adds `key` and `audit-log`

if TYPE_CHECKING:
    from rfuav_ray.cli.doctor.software import Finding


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit. Exit status: as of `rfuav_ray.cli.main`."""
    run_commands(arguments, start=Start(is_ray_job=jobs.is_job(), may_use_gpus=jobs.may_use_gpus()))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
) -> None:
    """Start the service here, or on the cluster of RAY_ADDRESS."""
    from actors.ray_internals.variables import ON_LOOPBACK
    from rfuav_ray.cli.run_config import read_settings
    from serve_app.access.keyring import check_keys
    from serve_app.service_files import forget_secrets

    try:
        settings = read_settings(host=host, port=port)
        check_keys(settings)
    except RfuavError as error:
        print(f"Error in the settings: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    forget_secrets()
    if "RAY_ADDRESS" not in os.environ:
        os.environ |= ON_LOOPBACK  # before Ray is imported
    from serve_app.command.keeper import keep

    def run() -> int:
        from serve_app.command.serve import serve_forever

        return serve_forever(settings)

    raise typer.Exit(keep(run))


@app.command()
def cluster_env(
    host: Annotated[str | None, typer.Option(help="Address to listen on, as for `rfuav serve`.")] = None,
) -> None:
    """Print what to set before `ray start`: eval "$(rfuav cluster-env)"."""
    from rfuav_ray.cli.run_config import read_settings
    from serve_app.command.cluster_env import cluster_environment, exports

    found = cluster_environment(read_settings(host=host))
    if found.notice:
        print(f"NOTICE: {found.notice}", file=sys.stderr)
    print(exports(found.environment))


def _check_cluster() -> "Iterator[Finding]":
    from serve_app.command.cluster_env import check_cluster

    yield from check_cluster()


MORE_CHECKS.append(_check_cluster)
