import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serve_app.access.audit_log import AuditLog, entries
from serve_app.access.caller import CALLER, Caller
from serve_app.access.scopes import Scope
from serve_app.middleware.audited import Audited


@pytest.fixture
def client(tmp_path):
    app = FastAPI()

    @app.get("/tasks/{task_id}")
    @app.post("/tasks/{task_id}/cancel")
    @app.delete("/tasks/{task_id}")
    async def one(task_id: str):
        CALLER.set(Caller("ann", Scope.WRITE))
        return {"task_id": "of the answer"}

    @app.post("/start")
    async def start():
        return {"status": "success", "task_id": "new-one"}

    @app.post("/batch")
    async def batch():
        return {"task_ids": ["a", "b"]}

    @app.post("/fails")
    async def fails():
        raise ZeroDivisionError

    return TestClient(Audited(app, AuditLog(tmp_path)), raise_server_exceptions=False)


def test_audited_writes_are_in_the_log_and_reads_are_not(client, tmp_path):
    client.get("/tasks/one")
    client.post("/tasks/one/cancel")
    client.delete("/tasks/two", params={"key": "secret"})
    for path in ("/start", "/batch", "/nowhere", "/fails"):
        client.post(path)
    found = [
        {name: entry[name] for name in entry if name not in {"time", "address"}} for entry in entries(tmp_path)
    ]
    ann, nobody = {"key": "ann"}, {"key": None, "method": "POST"}
    assert found == [
        ann | {"method": "POST", "path": "/tasks/one/cancel", "task_id": "one", "status": 200},
        ann | {"method": "DELETE", "path": "/tasks/two", "task_id": "two", "status": 200},
        nobody | {"path": "/start", "task_id": "new-one", "status": 200},
        nobody | {"path": "/batch", "task_ids": ["a", "b"], "status": 200},
        nobody | {"path": "/nowhere", "task_id": None, "status": 404},
        nobody | {"path": "/fails", "task_id": None, "status": 500},
    ]
    assert all(entry["address"] == "testclient" for entry in entries(tmp_path))


def test_audited_a_long_path_is_cut(client, tmp_path):
    client.post("/" + "x" * 5000)
    (entry,) = entries(tmp_path)
    assert len(entry["path"]) == 500
