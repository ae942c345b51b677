import asyncio
import json
import os
import pickle
import signal
from pathlib import Path

import pytest
from fake_service import answer, event, free_url, last_event, refuse, running_service, stream, task

from rfuav_ray.client import AsyncRFUAVClient, RFUAVClient, ServiceError, ServiceUnreachable
from rfuav_ray.client.options import BatchInferenceOptions, InferenceOptions, TrainingOptions
from rfuav_ray.errors import InvalidInput, RfuavError, TaskNotFound
from rfuav_ray.requests import BatchInferenceRequest, InferenceRequest, TrainingRequest

NO_WAIT = (0.0, 0.0, 0.0, 0.0)
LOGS = "GET /api/v2/tasks/t1/logs"
TRAINING_LOGS = "GET /api/v2/training/t1/logs"


@pytest.fixture
def service():
    with running_service() as running:
        yield running


@pytest.fixture
def client(service):
    with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        yield client


def messages(entries):
    return [entry["message"] for entry in entries]


async def with_async_client(service, use):
    async with AsyncRFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        return await use(client)


TRAINING = {"model": "resnet18", "num_classes": 2, "train_path": "a", "val_path": "b", "save_path": "c"}
INFERENCE = {"cfg_path": "m.yaml", "weight_path": "m.pth", "source_path": "x"}
BATCH = {"cfg_path": "m.yaml", "weight_path": "m.pth", "source_paths": ["x", "y"]}
SPLIT = {"input_path": "a", "output_path": "b", "train_ratio": 0.7, "val_ratio": 0.1, "seed": 1}
AUGMENT = {"dataset_path": "a", "methods": ["CLAHE"]}
CROP = {"input_path": "a", "output_path": "b", "x": 0, "y": 1, "width": 2, "height": 3}
CAPS = {"max_concurrent": {"cuda": {"training": 2}}}
CALLS = [
    ("start_training", {**TRAINING, "num_epochs": 3, "name": None}, "POST /api/v2/training/start", "body"),
    ("start_inference", {**INFERENCE, "device": "cpu"}, "POST /api/v2/inference/start", "body"),
    ("start_batch_inference", BATCH, "POST /api/v2/inference/batch", "body"),
    ("split_dataset", SPLIT, "POST /api/v2/preprocessing/split", "body"),
    ("augment_dataset", AUGMENT, "POST /api/v2/preprocessing/augment", "body"),
    ("crop_images", CROP, "POST /api/v2/preprocessing/crop", "body"),
    ("update_resource_config", CAPS, "POST /api/v2/resources/config", "body"),
    ("get_task", {"task_id": "t1"}, "GET /api/v2/tasks/t1", ""),
    ("cancel_task", {"task_id": "t1"}, "POST /api/v2/tasks/t1/cancel", ""),
    ("delete_task", {"task_id": "t1"}, "DELETE /api/v2/tasks/t1", ""),
    ("stop_training", {"task_id": "t1"}, "POST /api/v2/training/t1/stop", ""),
    ("get_logs", {"task_id": "t1"}, LOGS, ""),
    ("get_resources", {}, "GET /api/v2/resources", ""),
    ("get_gpu_info", {}, "GET /api/v2/resources/gpu", ""),
    ("health", {}, "GET /api/v1/health", ""),
    ("info", {}, "GET /api/v1/info", ""),
]


@pytest.mark.parametrize(("method", "arguments", "route", "sent"), CALLS, ids=[call[0] for call in CALLS])
def test_each_call_asks_its_route_and_returns_the_answer(service, client, method, arguments, route, sent):
    service.on(route, {"some": "answer"})
    assert getattr(client, method)(**arguments) == {"some": "answer"}
    twin_answer = asyncio.run(with_async_client(service, lambda twin: getattr(twin, method)(**arguments)))
    assert twin_answer == {"some": "answer"}
    assert service.routes() == [route, route]
    assert [request.body for request in service.requests] == [arguments if sent else None] * 2


def test_required_fields_may_be_positional(service, client):
    service.on("POST /api/v2/training/start", task())
    client.start_training(*TRAINING.values(), batch_size=4)
    assert service.requests[0].body == {**TRAINING, "batch_size": 4}


def test_paths_may_be_pathlib_objects(service, client):
    service.on("POST /api/v2/inference/batch", {})
    client.start_batch_inference(Path("m.yaml"), Path("m.pth"), [Path("x"), "y"], save_base_path=Path("o"))
    assert service.requests[0].body == {**BATCH, "save_base_path": "o"}


def test_task_lists_and_results_are_filtered_and_paged(service, client):
    service.on("GET /api/v2/tasks", {})
    service.on("GET /api/v2/inference/t1/results", {})
    client.get_all_tasks()
    client.get_all_tasks(status="failed", task_type="crop", limit=5, offset=10)
    client.get_inference_results("t1", offset=20, limit=7)
    assert [request.query for request in service.requests] == [
        "limit=100&offset=0",
        "status=failed&task_type=crop&limit=5&offset=10",
        "offset=20&limit=7",
    ]


def test_logs_are_paged(service, client):
    service.on(LOGS, [])
    assert client.get_logs("t1", after=5, limit=2) == []
    asyncio.run(with_async_client(service, lambda twin: twin.get_logs("t1", after=5, limit=2)))
    assert [request.query for request in service.requests] == ["after=5&limit=2"] * 2


def test_a_priority_is_sent(service, client):
    service.on("POST /api/v2/tasks/t1/priority", {"status": "success"})
    client.set_priority("t1", 1)
    assert service.requests[0].body == {"priority": 1}


@pytest.mark.parametrize(
    ("request_type", "options", "required"),
    [
        (TrainingRequest, TrainingOptions, set(TRAINING)),
        (InferenceRequest, InferenceOptions, set(INFERENCE)),
        (BatchInferenceRequest, BatchInferenceOptions, set(BATCH)),
    ],
)
def test_the_keywords_are_the_fields_of_the_request(request_type, options, required):
    assert set(options.__annotations__) | required == set(request_type.model_fields)
    assert required == {name for name, field in request_type.model_fields.items() if field.is_required()}


def test_the_key_is_sent_only_when_there_is_one(service):
    service.on("GET /api/v1/info", {})
    for key in (None, "", "secret-1"):
        with RFUAVClient(service.url, api_key=key) as client:
            client.info()
    assert [request.headers.get("Authorization") for request in service.requests] == [
        None,
        None,
        "Bearer secret-1",
    ]


def test_a_slash_behind_the_address_does_not_matter(service):
    service.on("GET /api/v1/info", {})
    with RFUAVClient(service.url + "/") as client:
        client.info()
    assert service.routes() == ["GET /api/v1/info"]


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://host:port", "127.0.0.1"])
@pytest.mark.parametrize("kind", [RFUAVClient, AsyncRFUAVClient])
def test_an_address_that_is_none_is_refused_at_once(kind, url):
    with pytest.raises(InvalidInput, match="url: "):
        kind(url)


@pytest.mark.parametrize("key", ["a b", "ключ", "secret\n"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key):
    with pytest.raises(InvalidInput, match="api_key: ") as caught:
        RFUAVClient(api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a?b", "ü", "x" * 65, "t1\n"])
def test_what_cannot_be_an_id_never_becomes_a_path(service, client, task_id):
    for call in (client.get_task, client.delete_task, client.get_logs, client.get_inference_results):
        with pytest.raises(TaskNotFound):
            call(task_id)
    with pytest.raises(TaskNotFound):
        next(client.stream_logs(task_id))
    assert service.requests == []


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(service, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, free_url())
    service.on("GET /api/v1/info", {"version": "1"})
    with RFUAVClient(service.url) as client:
        assert client.info() == {"version": "1"}


# Errors


def test_a_refusal_has_its_parts_and_reads_well(service, client):
    detail = [
        {"field": "num_classes", "message": "is 3, but there are 2 class folders"},
        {"field": "val_path", "message": "there is no folder 'b'."},
    ]
    service.on("POST /api/v2/training/start", refuse(422, "The request is not valid.", detail))
    with pytest.raises(ServiceError) as caught:
        client.start_training(**TRAINING)
    error = caught.value
    assert (error.status_code, error.message, error.detail) == (422, "The request is not valid.", detail)
    assert str(error) == (
        "The request is not valid. num_classes: is 3, but there are 2 class folders; "
        "val_path: there is no folder 'b'. (HTTP 422)"
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("detail", [None, "text", {"a": 1}, [], ["x"], [{"message": "no such task"}]])
def test_details_of_any_shape_are_kept(service, client, detail):
    service.on("GET /api/v2/tasks/t1", refuse(404, "There is no task 't1'.", detail))
    with pytest.raises(ServiceError) as caught:
        client.get_task("t1")
    assert caught.value.detail == detail
    assert str(caught.value).startswith("There is no task 't1'.")


def test_what_the_message_says_already_is_not_said_twice():
    error = ServiceError(422, "priority: 11 is too large", [{"field": "priority", "message": "11 is too large"}])
    assert str(error) == "priority: 11 is too large (HTTP 422)"


def test_an_unhealthy_service_is_an_answer(service, client):
    report = {"status": "unhealthy", "version": "1"}
    service.on("GET /api/v1/health", answer(report, 503))
    assert client.health() == report


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"<html>Bad Gateway</html>", 502, "text/html"),
        answer(b"<html>My printer</html>", 200, "text/html"),
        answer({"detail": "Not Found"}, 404),
        answer([1], 500),
        answer(b"", 500),
    ],
    ids=["proxy", "other program", "other API", "list", "empty"],
)
def test_the_answer_of_something_else_is_named_as_such(service, client, reply):
    service.on("GET /api/v1/info", reply)
    with pytest.raises(ServiceError, match=rf"{service.url}/api/v1/info does not answer like an rfuav service"):
        client.info()


def test_nobody_there_names_the_address_and_the_way_out():
    url = free_url()
    with RFUAVClient(url) as client:
        for call in (client.health, lambda: client.wait("t1"), lambda: next(client.stream_logs("t1"))):
            with pytest.raises(ServiceUnreachable, match="rfuav serve") as caught:
                call()
            assert url in str(caught.value)


def test_no_answer_in_time_is_said(service):
    service.on("GET /api/v1/info", service.say_nothing)
    with (
        RFUAVClient(service.url, timeout_s=0.1) as client,
        pytest.raises(ServiceUnreachable, match=r"within 0\.1 s"),
    ):
        client.info()


# Streams


def both_streams(service, after=None):
    """What either client reads from the log stream of t1."""

    async def read(twin):
        return [entry async for entry in twin.stream_logs("t1", after=after)]

    def prepared(kind):
        with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
            if kind == "async":
                return asyncio.run(with_async_client(service, read))
            return list(client.stream_logs("t1", after=after))

    return prepared


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@KINDS
def test_every_entry_comes_to_the_last_event_and_comments_do_not(service, kind):
    chunks = (
        b": hello\n\n",
        event(1, "one", step=1),
        b": heartbeat\n\n",
        event(2, "two") + last_event(3, "failed"),
    )
    service.on(LOGS, stream(*chunks))
    entries = both_streams(service)(kind)
    assert messages(entries) == ["one", "two", "Task failed."]
    assert entries[0]["step"] == 1
    assert entries[-1]["status"] == "failed"
    assert service.requests[0].headers["Accept"] == "text/event-stream"
    assert len(service.requests) == 1


@KINDS
def test_the_last_event_ends_it_even_if_the_connection_stays(service, kind):
    service.on(LOGS, service.hang(event(1, "one"), last_event(2)))
    assert messages(both_streams(service)(kind)) == ["one", "Task completed."]


@KINDS
@pytest.mark.parametrize("broken", [True, False], ids=["broken", "closed"])
def test_a_connection_that_ends_early_is_taken_up_where_it_stopped(service, kind, broken):
    half = event(3, "three")[:20]
    service.on(
        LOGS,
        stream(event(1, "one"), event(2, "two"), half, broken=broken),
        stream(event(3, "three"), broken=broken),
        stream(event(4, "four"), last_event(5)),
    )
    assert messages(both_streams(service)(kind)) == ["one", "two", "three", "four", "Task completed."]
    assert [request.headers.get("Last-Event-ID") for request in service.requests] == [None, "2", "3"]


@KINDS
def test_a_service_that_replays_everything_changes_nothing(service, kind):
    everything = (event(1, "one"), event(2, "two"), last_event(3))
    service.on(LOGS, stream(everything[0], broken=True), stream(*everything))
    assert messages(both_streams(service)(kind)) == ["one", "two", "Task completed."]


@KINDS
def test_a_restart_behind_a_proxy_is_waited_for(service, kind):
    service.on(
        LOGS,
        stream(event(1, "one"), broken=True),
        answer(b"<html>Bad Gateway</html>", 502, "text/html"),
        answer(b"Path '/api/v2' not found", 404, "text/plain"),
        refuse(503, "The service is starting."),
        stream(last_event(2)),
    )
    assert messages(both_streams(service)(kind)) == ["one", "Task completed."]


@KINDS
def test_tries_are_bounded(service, kind):
    service.on(LOGS, stream(event(1, "one"), broken=True), refuse(503, "The service is stopping."))
    with pytest.raises(ServiceError, match="stopping"):
        both_streams(service)(kind)
    assert len(service.requests) == 1 + len(NO_WAIT)


@KINDS
def test_a_task_that_is_gone_after_the_break_ends_the_stream(service, kind):
    service.on(LOGS, stream(event(1, "one"), broken=True), refuse(404, "There is no task 't1'."))
    with pytest.raises(ServiceError, match="no task"):
        both_streams(service)(kind)
    assert len(service.requests) == 2


@KINDS
@pytest.mark.parametrize(
    "reply",
    [
        refuse(404, "There is no task 't1'."),
        refuse(401, "key"),
        answer(b"<html>", 200, "text/html"),
        answer([], 200),
    ],
    ids=["unknown", "no key", "web page", "no stream"],
)
def test_a_stream_that_never_began_fails_at_once(service, kind, reply):
    service.on(LOGS, reply)
    with pytest.raises(ServiceError):
        both_streams(service)(kind)
    assert len(service.requests) == 1


@KINDS
def test_going_on_behind_an_event(service, kind):
    service.on(LOGS, stream(event(3, "three"), last_event(4)))
    assert messages(both_streams(service, after=2)(kind)) == ["three", "Task completed."]
    assert service.requests[0].headers["Last-Event-ID"] == "2"


@KINDS
def test_behind_the_last_event_of_an_ended_task_is_nothing(service, kind):
    service.on(LOGS, answer(b"", 204))
    assert both_streams(service, after=9)(kind) == []


@KINDS
def test_a_stream_that_is_closed_again_and_again_is_given_up(service, kind):
    service.on(LOGS, stream())
    with pytest.raises(RfuavError, match="closed the log stream"):
        both_streams(service)(kind)


@KINDS
def test_line_separators_of_unicode_are_text(service, kind):
    text = "a\u2028b\u2029c\x85d\x0be"
    service.on(LOGS, stream(event(1, text), last_event(2)))
    assert messages(both_streams(service)(kind)) == [text, "Task completed."]


def test_a_trainings_stream_has_its_own_route(service, client):
    service.on(TRAINING_LOGS, stream(event(1, "one"), last_event(2)))
    assert messages(client.stream_training_logs("t1")) == ["one", "Task completed."]

    async def read(twin):
        return [entry async for entry in twin.stream_training_logs("t1")]

    assert messages(asyncio.run(with_async_client(service, read))) == ["one", "Task completed."]


# Waiting


def wait(service, kind, timeout=None):
    if kind == "async":
        return asyncio.run(with_async_client(service, lambda twin: twin.wait("t1", timeout)))
    with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        return client.wait("t1", timeout=timeout)


@KINDS
@pytest.mark.parametrize("timeout", [None, 60])
def test_wait_follows_the_stream_and_returns_the_task(service, kind, timeout):
    service.on(LOGS, stream(event(1, "one"), broken=True), stream(last_event(2, "failed")))
    service.on("GET /api/v2/tasks/t1", task(status="failed", error="no space left"))
    assert wait(service, kind, timeout)["error"] == "no space left"
    assert service.routes() == [LOGS, LOGS, "GET /api/v2/tasks/t1"]


@KINDS
def test_wait_is_not_fooled_by_a_copy_that_lags_behind_the_stream(service, kind):
    service.on(LOGS, stream(last_event(1)))
    service.on("GET /api/v2/tasks/t1", task(status="running"), task(status="running"), task(result={"x": 1}))
    assert wait(service, kind)["result"] == {"x": 1}


@KINDS
def test_wait_ends_when_its_time_is_up_also_between_two_heartbeats(service, kind):
    service.on(LOGS, service.hang(event(1, "one"), b": heartbeat\n\n"))
    with pytest.raises(TimeoutError, match=r"Task 't1' has not ended within 0\.2 s"):
        wait(service, kind, timeout=0.2)


@KINDS
def test_wait_for_an_unknown_task_fails_at_once(service, kind):
    service.on(LOGS, refuse(404, "There is no task 't1'."))
    with pytest.raises(ServiceError) as caught:
        wait(service, kind, timeout=60)
    assert caught.value.status_code == 404


def test_ctrl_c_ends_a_wait(service, client):
    def press_ctrl_c(handler):
        os.kill(os.getpid(), signal.SIGINT)
        service.hang()(handler)

    service.on(LOGS, press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        client.wait("t1")


def test_wait_works_inside_a_running_event_loop(service):
    """As in a notebook."""
    service.on(LOGS, stream(last_event(1)))
    service.on("GET /api/v2/tasks/t1", task())

    async def cell():
        with RFUAVClient(service.url) as client:
            return client.wait("t1")  # blocks the loop, as any call of this client does

    assert asyncio.run(cell())["status"] == "completed"


def test_a_client_can_be_used_as_the_original_one(service, client):
    """Reads only `data: ` lines and prints level and message."""
    service.on(TRAINING_LOGS, stream(event(1, "epoch 1", metrics={"train_loss": 0.5}), last_event(2)))
    lines = [f"[{entry['level']}] {entry['message']}" for entry in client.stream_training_logs("t1")]
    assert lines == ["[INFO] epoch 1", "[INFO] Task completed."]
    assert json.dumps(lines)
