"""The inputs of a run that are in buckets, on its node."""

import pytest

from actors.runs.objects.inputs_here import inputs_here
from actors.runs.spec import RunSpec
from rfuav_ray.api.results import RunPlace
from rfuav_ray.events import ignore
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.file_access.roots import OutsideRoots, confine, within
from rfuav_ray.objects.access import ObjectSettings
from tests.support.object_storage import ObjectStorage, leading_to
from tests.support.sample_tasks import run_of

PLACE: RunPlace = {"attempt": 1, "device": "cpu", "node": "here", "node_id": "n", "gpu_ids": [], "started_at": ""}


@pytest.fixture
def spec(tmp_path):
    """A run whose CACHE_DIR is below a link, as /scratch often is."""
    for name in ("disk", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "scratch").symlink_to(tmp_path / "disk")
    cache = tmp_path / "scratch" / "cache"
    objects = ObjectSettings(("s3://lab",), cache, 1_000_000)
    request = {"input_path": "s3://lab/raw", "output_path": str(tmp_path / "data" / "out")}
    with ObjectStorage() as storage, leading_to(storage.environment), within([]):
        storage.bucket("lab", {"raw/a/x.png": b"x", "raw/b/y.png": b"y"})
        confine((tmp_path / "data",), (cache,))
        private = (cache, cache.resolve())
        yield RunSpec(
            *(run_of("task"), "task", "split", 1, request, "cpu"),
            data_roots=(tmp_path / "data",),
            private_paths=private,
            objects=objects,
        )


def test_inputs_here_are_opened_though_the_cache_is_below_a_link(spec):
    with inputs_here(spec, ignore, PLACE) as here:
        assert here.worker_nodes == ("n",)
        copies = sorted(spec.objects.cache_dir.glob("trees/task.d/**/*.png"))
        assert [open_file(copy).read() for copy in copies] == [b"x", b"y"]
        own = next(spec.objects.cache_dir.glob("objects/*/*"))
        with pytest.raises(OutsideRoots):
            open_file(own)
    with pytest.raises(OSError, match=r"x\.png"):
        open_file(copies[0])
