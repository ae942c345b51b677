from collections.abc import Iterator

import pytest

from rfuav_ray.objects.access import ObjectSettings, allow_objects
from tests.support.object_storage import ObjectStorage, leading_to


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
