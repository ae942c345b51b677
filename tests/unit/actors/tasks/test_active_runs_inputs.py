"""Which node a run goes to, by its inputs, over a real store; the supervisor and the cluster are played."""

import pytest

from actors.devices import inputs
from actors.runs.spec import Outcome
from rfuav_ray.tasks import TaskStatus
from tests.support.played_runs import Supervisor, task
from tests.support.sample_tasks import a_task, run_of


@pytest.fixture
def data(tmp_path, cluster):
    """Run a scenario with a manager and a task that reads a folder, on three nodes; the largest comes first."""
    cluster.add_node("large", cpus=64)
    cluster.add_node("middle", cpus=32)
    folder = str(tmp_path / "data")

    def run(play, scenario, supervisor, *, without=(), kind="training", reads="train_path", **settings):
        cluster.missing = {node_id: {folder} for node_id in without}
        output = {"output_path" if kind == "split" else "save_path": str(tmp_path / "out")}

        async def main(manager, logs):
            new = a_task(kind=kind, request={reads: folder} | output)
            await manager.submit_batch([[new.model_dump_json()]])
            return await scenario(manager, logs, folder)

        return play(main, supervisor, **settings)

    return run


def test_active_runs_a_run_goes_to_a_node_that_has_its_inputs(play, data):
    supervisor = Supervisor(Outcome("completed"))

    async def scenario(manager, logs, folder):
        messages = await logs.when_ended()
        left_out = f"Nodes are left out: '{folder}' is missing on host of head, host of large."
        (entry,) = [entry for entry in logs.entries() if entry["message"].startswith(left_out)]
        assert entry["level"] == "INFO" and messages.count("Starting on cpu.") == 2
        assert (supervisor.nodes, supervisor.started) == (["middle"], [run_of("task-1")])
        ended = await task(manager)
        assert (ended.status, ended.attempt, ended.losses, ended.warnings) == (TaskStatus.COMPLETED, 1, 0, 0)
        runs = (await manager.figures()).runs
        assert (runs.retried["training"], runs.lost["training"]) == (0, 0)

    data(play, scenario, supervisor, without=["head", "large"])


def test_active_runs_a_run_on_a_node_with_its_inputs_asks_no_other_node(play, data, cluster):
    supervisor = Supervisor(Outcome("completed"))

    async def scenario(manager, logs, folder):
        assert not any("left out" in message for message in await logs.when_ended())
        assert supervisor.nodes == cluster.asked_for_files == ["large"]

    data(play, scenario, supervisor, without=["head"])


def test_active_runs_a_run_whose_inputs_are_nowhere_fails_at_once_and_names_them(play, data):
    supervisor = Supervisor()

    async def scenario(manager, logs, folder):
        last = (await logs.when_ended())[-1]
        assert f"no node for it has its inputs: '{folder}' is missing on" in last
        assert "host of head, host of large, host of middle. Mount or copy them there" in last
        ended = await task(manager)
        assert (ended.status, ended.attempt, ended.losses) == (TaskStatus.FAILED, 1, 0)
        assert supervisor.started == []

    data(play, scenario, supervisor, without=["head", "large", "middle"])


def test_active_runs_a_run_that_resumes_starts_though_its_inputs_are_gone(play, data, cluster):
    class Losing(Supervisor):
        async def run(self, spec, options, task_manager_actor, more=()):
            cluster.missing = {node_id: {spec.request["train_path"]} for node_id in cluster.nodes}
            return await super().run(spec, options, task_manager_actor)

    supervisor = Losing(Outcome("lost", error="It died."), Outcome("completed"))

    async def scenario(manager, logs, folder):
        await logs.when_ended()
        assert supervisor.started == [run_of("task-1"), run_of("task-1", 2)]

    data(play, scenario, supervisor, max_run_retries=1)


def test_active_runs_a_node_that_does_not_answer_keeps_its_runs(play, data, cluster, monkeypatch):
    monkeypatch.setattr(inputs, "ANSWERS_WITHIN_S", 0.01)
    cluster.silent_nodes = {"large"}
    supervisor = Supervisor(Outcome("completed"))

    async def scenario(manager, logs, folder):
        await logs.when_ended()
        assert supervisor.nodes == ["large"]

    data(play, scenario, supervisor, without=["head", "large", "middle"])


def test_active_runs_workers_of_preprocessing_are_on_the_nodes_with_the_inputs(play, data):
    class Noting(Supervisor):
        async def run(self, spec, options, task_manager_actor, more=()):
            self.spec = spec
            return await super().run(spec, options, task_manager_actor)

    supervisor = Noting(Outcome("completed"))

    async def scenario(manager, logs, folder):
        expected = f"Nodes are left out: '{folder}' is missing on host of middle."
        assert expected in await logs.when_ended()
        assert sorted(supervisor.spec.worker_nodes) == ["head", "large"]
        assert supervisor.nodes == ["large"]

    data(play, scenario, supervisor, without=["middle"], kind="split", reads="input_path")


def test_active_runs_one_node_is_not_asked(play, cluster, tmp_path):
    cluster.missing = {"head": {"/data"}}
    supervisor = Supervisor(Outcome("completed"))

    async def scenario(manager, logs):
        new = a_task(request={"train_path": "/data", "save_path": str(tmp_path / "out")})
        await manager.submit_batch([[new.model_dump_json()]])
        await logs.when_ended()
        assert supervisor.nodes == ["head"] and cluster.asked_for_files == []

    play(scenario, supervisor)
