"""The settings of the service, from environment variables and `.env`. `.env.example` documents them."""

import re
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasGenerator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.api.requests.fields import Limit
from rfuav_ray.errors import InvalidInput
from rfuav_ray.objects.access import ObjectSettings
from rfuav_ray.objects.urls import is_object_url, parse_url, plain_path

#: what HOST may be without a key
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

CONNECTIONS_PER_ADDRESS, STREAMS_PER_ADDRESS = 2000, 1000
_HOST_PATTERN = re.compile(r"\*|[0-9a-fA-F]*:[0-9a-fA-F:.]+|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
#: Routers and browsers read these as they are written. Ray Serve has /-/healthz and /-/routes of its own.
_PREFIX_PATTERN = re.compile(r"/|(/[A-Za-z0-9_][A-Za-z0-9._~-]*)+")
LONGEST_PREFIX = 200
#: comma-separated in the environment
CommaSeparated = Annotated[tuple[str, ...], NoDecode]


@cache
def installed_version() -> str:
    """Return the version in the source tree's pyproject.toml; without a source tree, the installed version."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return version("rfuav-ray")


class Settings(BaseSettings):
    """Each field is an environment variable. The prefix `RFUAV_` is optional; the prefixed name wins."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(f"rfuav_{name}", name)),
    )

    app_name: str = "rfuav-ray"
    environment: str = "production"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    #: all paths of the service are below it; `serve deploy` has a field of the same name instead
    route_prefix: str = Field("/", max_length=LONGEST_PREFIX)
    debug: bool = False
    cors_origins: CommaSeparated = ()
    #: names besides those of this machine: `name`, `*.suffix`, or `*` for all
    allowed_hosts: CommaSeparated = ()
    max_training_concurrent_gpu: Limit = 1
    max_inference_concurrent_gpu: Limit = 3
    max_training_concurrent_cpu: Limit = 2
    max_inference_concurrent_cpu: Limit = 4
    max_preprocessing_concurrent: Limit = 1
    online_gpu_share: float = Field(0.0, ge=0, le=0.5)
    default_train_priority: int = Field(5, ge=1, le=10)
    default_inference_priority: int = Field(3, ge=1, le=10)
    supported_models: CommaSeparated = SUPPORTED_MODELS
    task_retention_days: float = Field(30, ge=0, le=36_500)
    task_queue_size: int = Field(10_000, ge=1, le=1_000_000)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_file: Path = Path("logs/app.log")
    state_dir: Path = Path(".rfuav")
    database_url: str = ""
    #: folders, and `s3://bucket/prefix`
    data_roots: Annotated[tuple[Path | str, ...], NoDecode] = (Path(),)
    cache_dir: Path = Path(".rfuav-cache")
    cache_gb: float = Field(50.0, gt=0, le=1_000_000)
    api_keys: CommaSeparated = ()
    api_keys_file: Path | None = None
    auth: Literal["on", "off"] = "on"
    max_connections_per_address: int = Field(CONNECTIONS_PER_ADDRESS, ge=1, le=1_000_000)
    max_streams_per_address: int = Field(STREAMS_PER_ADDRESS, ge=1, le=1_000_000)
    api_replicas: int = Field(1, ge=1, le=64)
    max_run_retries: int = Field(2, ge=0, le=1000)
    #: a run that shows no sign of life for so long is killed and tried again; 0 for never
    run_silence_s: float = Field(600.0, ge=0, le=7 * 86_400)
    #: what one run may use, as a fraction of its node's memory; 0 for no limit
    run_memory_limit: float = Field(0.8, ge=0, le=1)
    #: auto: the workers of runs are forks of a process that has PyTorch loaded, where that works
    warm_workers: Literal["auto", "off"] = "auto"

    @property
    def version(self) -> str:
        """The version of the service. It is not a setting: a `VERSION` in the environment is ignored."""
        return installed_version()

    @property
    def url(self) -> str:
        """Where the service is, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.route_prefix.rstrip('/')}"

    @property
    def folder_roots(self) -> tuple[Path, ...]:
        """The folders of DATA_ROOTS."""
        return tuple(root for root in self.data_roots if isinstance(root, Path))

    @property
    def objects(self) -> ObjectSettings:
        """The buckets of DATA_ROOTS, and the cache of their objects."""
        roots = tuple(root for root in self.data_roots if isinstance(root, str))
        return ObjectSettings(roots, self.cache_dir, int(self.cache_gb * 1e9))

    @property
    def private_paths(self) -> tuple[Path, ...]:
        """What the service keeps for itself: no request may name a path there, even below DATA_ROOTS."""
        return (self.state_dir, self.cache_dir, *([] if self.api_keys_file is None else [self.api_keys_file]))

    @field_validator("cors_origins", "allowed_hosts", "supported_models", "api_keys", "data_roots", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("route_prefix")
    @classmethod
    def _prefix_of_paths(cls, prefix: str) -> str:
        if not _PREFIX_PATTERN.fullmatch(prefix):
            raise ValueError(
                f"'{prefix}' is no prefix of paths: write / or /lab or /lab/radio, without a slash at the end, of "
                "letters, digits, '_', '.', '~' and '-'"
            )
        return prefix

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _HOST_PATTERN.fullmatch(name):
                raise ValueError(
                    f"'{name}' is no name of a host: write lab.example, *.lab.example (every name below it) or *, "
                    "without http:// and port"
                )
        return tuple(name.lower().removesuffix(".") for name in names)

    @field_validator("supported_models")
    @classmethod
    def _known_models(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(names) - set(SUPPORTED_MODELS)):
            raise ValueError(f"unknown models {unknown}; the supported ones are {', '.join(SUPPORTED_MODELS)}")
        return names

    @field_validator("log_file", "state_dir", "api_keys_file", "cache_dir")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        # Actors have other working folders than the process that started the service.
        return path and path.expanduser().absolute()

    @field_validator("data_roots")
    @classmethod
    def _resolved_roots(cls, roots: tuple[Path | str, ...]) -> tuple[Path | str, ...]:
        try:
            resolved = tuple(_resolved(root) for root in roots)
        except InvalidInput as error:
            raise ValueError(f"a bucket or file {error.reason}") from None
        if not any(isinstance(root, Path) for root in resolved):
            raise ValueError("set at least one folder: results and relative paths need one")
        return resolved


def _resolved(root: Path | str) -> Path | str:
    if isinstance(root, str) and is_object_url(root):
        return str(parse_url(root, "DATA_ROOTS"))
    if isinstance(root, str):
        root = plain_path(root, "DATA_ROOTS")
    return Path(root).expanduser().resolve()
