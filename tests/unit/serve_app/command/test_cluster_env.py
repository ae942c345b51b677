"""The environment of Ray on a cluster."""

import shlex

from actors.ray_internals.variables import HAPROXY_SWITCH, INGRESS_HOST, OF_SERVICE
from rfuav_ray.settings import Settings
from serve_app.command.cluster_env import cluster_environment, compared, exports

HEAD = {**OF_SERVICE, HAPROXY_SWITCH: "1"}


def test_cluster_env_keeps_what_the_operator_has_set(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_idle_worker_killing_time_threshold_ms", "1000")
    monkeypatch.setenv(HAPROXY_SWITCH, "0")
    found = cluster_environment(Settings(_env_file=None, state_dir=tmp_path))
    assert found.environment.keys() == OF_SERVICE.keys()
    assert found.environment["RAY_idle_worker_killing_time_threshold_ms"] == "1000"
    assert found.serve_host == "127.0.0.1"


def test_cluster_env_lines_are_for_a_shell():
    assert shlex.split(exports({"A": "1 2", "B": "$x"})) == ["export", "A=1 2", "export", "B=$x"]


def test_cluster_env_of_a_node_is_compared():
    assert compared("10.0.0.2", HEAD, HEAD | {INGRESS_HOST: "10.0.0.1"}).state == "ok"
    assert compared("10.0.0.3", OF_SERVICE, OF_SERVICE).state == "ok"
    lacking = compared("10.0.0.2", HEAD, {})
    assert lacking.state == "warning" and HAPROXY_SWITCH in lacking.text
    assert "statistics" in compared("10.0.0.2", HEAD, HEAD).text
