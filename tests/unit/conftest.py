"""Fixtures of several modules: a remote service of the client's, the data of a training, and quick computing.

pytest imports this before it starts its workers. So what takes long to import is imported where it is needed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rfuav_ray.client import RFUAVClient


@pytest.fixture
def service():
    from tests.support.fake_service import running_service  # noqa: PLC0415

    with running_service() as running:
        yield running


@pytest.fixture
def client(service):
    from tests.support.fake_service import NO_WAIT  # noqa: PLC0415

    with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        yield client


@pytest.fixture
def no_utf8_folder(tmp_path: Path) -> Path:
    """A folder in `tmp_path` whose name is not UTF-8."""
    name = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(name)  # noqa: PTH102
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    return Path(os.fsdecode(name))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    from tests.support.threads import on_one_thread  # noqa: PLC0415

    with on_one_thread():
        yield


@pytest.fixture
def empty_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots are written with nothing in them: drawing takes longer than all the rest of a small run."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    save = Figure.savefig

    def save_empty(figure: Figure, *arguments: Any, **options: Any) -> None:
        figure.clear()
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", save_empty)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 training images make three batches of 4 and one of 2. Tests only read them."""
    from tests.support.training_runs import CLASSES, make_images  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("data")
    make_images(folder / "train", CLASSES, 5)
    (folder / "train" / CLASSES[0] / "train2_0.png").unlink()
    make_images(folder / "val", CLASSES, 3)
    return folder
