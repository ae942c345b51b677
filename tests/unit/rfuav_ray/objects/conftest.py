from collections.abc import Iterator

import pytest

from rfuav_ray.objects.access import ObjectSettings, allow_objects
from tests.support.object_storage import ObjectStorage, leading_to
from tests.support.object_way import ObjectWay


@pytest.fixture(scope="session")
def storage() -> Iterator[ObjectStorage]:
    with ObjectStorage() as running, leading_to(running.environment):
        yield running


@pytest.fixture
def settings(tmp_path) -> Iterator[ObjectSettings]:
    allowed = ObjectSettings(("s3://lab",), tmp_path / "cache", 1_000_000)
    allow_objects(allowed)
    yield allowed
    allow_objects(ObjectSettings())


@pytest.fixture
def way(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectWay]:
    """The way to the storage. What fails is tried again at once."""
    monkeypatch.setattr("rfuav_ray.objects.access.PAUSES_S", (0.05, 0.05))
    with ObjectWay(storage.url) as way, leading_to({"AWS_ENDPOINT_URL": way.url}):
        yield way
