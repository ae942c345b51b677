"""An S3 of its own for tests: moto's server in a thread, and what breaks the way to it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest

KEY, SECRET = "AKIAOFTHETESTS", "secret-of-the-tests"


class ObjectStorage:
    """A context manager: it lives within the block."""

    def __init__(self) -> None:
        moto_server = pytest.importorskip("moto.server", reason="moto[s3] with flask is not installed")
        self._server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    def __enter__(self) -> Self:
        self._server.start()
        self.host, self.port = self._server.get_host_and_port()
        self.url = f"http://{self.host}:{self.port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What leads a process here."""
        return environment_of(self.url)

    def bucket(self, name: str, objects: dict[str, bytes], *, age_s: float = 3600) -> None:
        """Make a bucket with objects that were written some time ago."""
        from moto.core import DEFAULT_ACCOUNT_ID  # noqa: PLC0415
        from moto.s3.models import s3_backends  # noqa: PLC0415

        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        if name not in backend.buckets:
            backend.create_bucket(name, "us-east-1")
        for key, content in objects.items():
            made = backend.put_object(name, key, content)
            made.last_modified = made.last_modified.fromtimestamp(time.time() - age_s, made.last_modified.tzinfo)

    def content(self, name: str) -> dict[str, bytes]:
        from moto.core import DEFAULT_ACCOUNT_ID  # noqa: PLC0415
        from moto.s3.models import s3_backends  # noqa: PLC0415

        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[name].keys
        return {key: keys[key].value for key in list(keys.keys())}


def environment_of(url: str) -> dict[str, str]:
    """What leads a process to moto's server at this URL."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def leading_to(environment: dict[str, str]) -> Iterator[None]:
    """A block in which this process has these variables, and none of its file systems is from before."""
    from rfuav_ray.objects.access import filesystem  # noqa: PLC0415

    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    filesystem.cache_clear()
    try:
        yield
    finally:
        filesystem.cache_clear()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def objects_of(folder: Any, prefix: str) -> dict[str, bytes]:
    """The files below a folder, as objects below a prefix."""
    return {
        f"{prefix}/{file.relative_to(folder)}": file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
