"""What Prometheus reads, by name and labels of each series."""

from actors.devices.slots import SlotTable
from actors.devices.usage import Figures
from actors.events.gauges import RunCounts
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.tasks import TaskStatus
from serve_app.view.figures import families
from serve_app.view.task_view import TaskCopy
from tests.support.sample_results import EPOCH_METRICS
from tests.support.sample_tasks import a_row

RUNS = ("rfuav_runs_started_total", "rfuav_runs_retried_total", "rfuav_runs_lost_total")
GPU = {
    "device_name": "cuda:0",
    "node": "lab",
    "utilization": 40,
    "used_memory_gb": 1.5,
    "total_memory_gb": 8.0,
    "temperature_c": None,
    "power_w": 90.5,
}


def a_copy(*rows):
    copy = TaskCopy()
    for row in rows:
        copy.put(row)
    return copy


def shown(copy=None, figures=None, streams=()):
    found = families(copy or TaskCopy(), figures, dict(streams), "r1")
    return {(sample.name, *sample.labels.values()): sample.value for family in found for sample in family.samples}


def some_figures(slots=None, gpus=()):
    return Figures(list(SlotTable(slots or {}).uses()), RunCounts(), list(gpus))


def test_figures_the_tasks_of_every_kind_and_status_and_the_queue():
    copy = a_copy(a_row(1), a_row(2, kind="crop"), a_row(3, status=TaskStatus.FAILED))
    found = shown(copy)
    assert found["rfuav_queue_length",] == 2
    tasks = {
        labels: value
        for (name, *labels), value in found.items()
        if name == "rfuav_tasks"
        for labels in [(*labels,)]
    }
    assert {labels for labels, value in tasks.items() if value} == {
        ("training", "pending"),
        ("crop", "pending"),
        ("training", "failed"),
    }
    assert len(tasks) == len(KINDS) * len(TaskStatus)


def test_figures_a_running_training_alone_has_series_of_its_own():
    copy = a_copy(
        a_row(1, status=TaskStatus.RUNNING, latest_metrics=EPOCH_METRICS),
        a_row(2, status=TaskStatus.RUNNING),
        a_row(3, status=TaskStatus.COMPLETED, latest_metrics=EPOCH_METRICS),
        a_row(4, kind="inference", status=TaskStatus.RUNNING),
    )
    found = {series: value for series, value in shown(copy).items() if str(series[-1]).startswith("task-")}
    assert found == {
        ("rfuav_train_loss", "task-1"): EPOCH_METRICS["train_loss"],
        ("rfuav_validation_accuracy_percent", "task-1"): EPOCH_METRICS["val_acc"],
        ("rfuav_images_per_second", "task-1"): EPOCH_METRICS["images_per_second"],
    }


def test_figures_the_slots_and_the_runs():
    found = shown(figures=some_figures({"cpu": {"training": 2}}))
    assert found["rfuav_up",] == 1
    assert (found["rfuav_slots_in_use", "cpu", "training"], found["rfuav_slots_limit", "cpu", "training"]) == (
        0,
        2,
    )
    assert {found[name, kind] for name in RUNS for kind in KINDS} == {0}


def test_figures_a_value_that_a_gpu_does_not_have_is_left_out():
    found = {series: value for series, value in shown(figures=some_figures(gpus=[GPU])).items() if "lab" in series}
    assert found == {
        ("rfuav_gpu_utilization_percent", "cuda:0", "lab"): 40,
        ("rfuav_gpu_memory_used_bytes", "cuda:0", "lab"): 1.5 * 1024**3,
        ("rfuav_gpu_memory_total_bytes", "cuda:0", "lab"): 8 * 1024**3,
        ("rfuav_gpu_power_watts", "cuda:0", "lab"): 90.5,
    }


def test_figures_without_the_task_manager_are_those_of_the_replica():
    found = shown(streams={"log": 3}.items())
    assert found["rfuav_up",] == 0
    assert found["rfuav_open_streams", "log", "r1"] == 3
    assert not {name for name, *_ in found} & {"rfuav_slots_in_use", *RUNS}
