import asyncio
import inspect
import pickle
from pathlib import Path

import pytest

from rfuav_ray.api.requests import (
    BatchInferenceRequest,
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    InferenceRequest,
    SpectrogramRequest,
    TrainingRequest,
)
from rfuav_ray.client import AsyncRFUAVClient, RFUAVClient, ServiceError, ServiceUnreachable
from rfuav_ray.errors import InvalidInput, TaskNotFound
from tests.support.fake_service import LOGS, answer, free_url, last_event, refuse, stream, task, with_async_client

TRAINING_LOGS = "GET /api/v2/training/t1/logs"


TRAINING = {"model": "resnet18", "num_classes": 2, "train_path": "a", "val_path": "b", "save_path": "c"}
INFERENCE = {"cfg_path": "m.yaml", "weight_path": "m.pth", "source_path": "x"}
BATCH = {"cfg_path": "m.yaml", "weight_path": "m.pth", "source_paths": ["x", "y"]}
SPLIT = {"input_path": "a", "output_path": "b", "train_ratio": 0.7, "val_ratio": 0.1, "seed": 1}
AUGMENT = {"dataset_path": "a", "methods": ["CLAHE"]}
CROP = {"input_path": "a", "output_path": "b", "x": 0, "y": 1, "width": 2, "height": 3}
SPECTROGRAM = {"input_path": "a", "output_path": "b", "image_size": None, "db_range": [-80.0, -20.0]}
CAPS = {"max_concurrent": {"cuda": {"training": 2}}}
CALLS = [
    ("start_training", {**TRAINING, "num_epochs": 3, "name": None}, "POST /api/v2/training/start", "body"),
    ("start_inference", {**INFERENCE, "device": "cpu"}, "POST /api/v2/inference/start", "body"),
    ("start_batch_inference", BATCH, "POST /api/v2/inference/batch", "body"),
    ("split_dataset", SPLIT, "POST /api/v2/preprocessing/split", "body"),
    ("augment_dataset", AUGMENT, "POST /api/v2/preprocessing/augment", "body"),
    ("crop_images", CROP, "POST /api/v2/preprocessing/crop", "body"),
    ("make_spectrograms", SPECTROGRAM, "POST /api/v2/preprocessing/spectrogram", "body"),
    ("get_preprocessing", {"task_id": "t1"}, "GET /api/v2/preprocessing/t1", ""),
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
def test_clients_each_call_asks_its_route_and_returns_the_answer(service, client, method, arguments, route, sent):
    service.on(route, {"some": "answer"})
    assert getattr(client, method)(**arguments) == {"some": "answer"}
    twin_answer = asyncio.run(with_async_client(service, lambda twin: getattr(twin, method)(**arguments)))
    assert twin_answer == {"some": "answer"}
    assert service.routes() == [route, route]
    assert [request.body for request in service.requests] == [arguments if sent else None] * 2


def test_clients_required_fields_may_be_positional(service, client):
    service.on("POST /api/v2/training/start", task())
    client.start_training(*TRAINING.values(), batch_size=4)
    assert service.requests[0].body == {**TRAINING, "batch_size": 4}


def test_clients_paths_may_be_pathlib_objects(service, client):
    service.on("POST /api/v2/inference/batch", {})
    client.start_batch_inference(Path("m.yaml"), Path("m.pth"), [Path("x"), "y"], save_base_path=Path("o"))
    assert service.requests[0].body == {**BATCH, "save_base_path": "o"}


def test_clients_task_lists_and_results_are_filtered_and_paged(service, client):
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


def test_clients_logs_are_paged(service, client):
    service.on(LOGS, [])
    assert client.get_logs("t1", after=5, limit=2) == []
    asyncio.run(with_async_client(service, lambda twin: twin.get_logs("t1", after=5, limit=2)))
    assert [request.query for request in service.requests] == ["after=5&limit=2"] * 2


def test_clients_a_priority_is_sent(service, client):
    service.on("POST /api/v2/tasks/t1/priority", {"status": "success"})
    client.set_priority("t1", 1)
    assert service.requests[0].body == {"priority": 1}


@pytest.mark.parametrize(
    ("call", "request_type"),
    [
        ("start_training", TrainingRequest),
        ("start_inference", InferenceRequest),
        ("start_batch_inference", BatchInferenceRequest),
        ("split_dataset", DatasetSplitRequest),
        ("augment_dataset", DataAugmentationRequest),
        ("crop_images", ImageCropRequest),
        ("make_spectrograms", SpectrogramRequest),
    ],
)
@pytest.mark.parametrize("client_type", [RFUAVClient, AsyncRFUAVClient])
def test_clients_the_keywords_are_the_fields_of_the_request(client_type, call, request_type):
    parameters = dict(inspect.signature(getattr(client_type, call)).parameters)
    del parameters["self"]
    assert set(parameters) == set(request_type.model_fields)
    assert {name for name, one in parameters.items() if one.default is inspect.Parameter.empty} == {
        name for name, field in request_type.model_fields.items() if field.is_required()
    }


def test_clients_the_key_is_sent_only_when_there_is_one(service):
    service.on("GET /api/v1/info", {})
    for key in (None, "", "secret-1"):
        with RFUAVClient(service.url, api_key=key) as client:
            client.info()
    assert [request.headers.get("Authorization") for request in service.requests] == [
        None,
        None,
        "Bearer secret-1",
    ]


def test_clients_a_slash_behind_the_address_does_not_matter(service):
    service.on("GET /api/v1/info", {})
    with RFUAVClient(service.url + "/") as client:
        client.info()
    assert service.routes() == ["GET /api/v1/info"]


@pytest.mark.parametrize("end", ["", "/"])
def test_clients_a_prefix_in_the_address_is_before_every_path(service, end):
    service.on("GET /lab/api/v1/info", {})
    service.on("GET /lab/api/v2/tasks/t1/logs", stream(last_event(1)))
    with RFUAVClient(f"{service.url}/lab{end}") as client:
        client.info()
        assert len(list(client.stream_logs("t1"))) == 1
    service.url += f"/lab{end}"
    asyncio.run(with_async_client(service, lambda client: client.info()))
    assert service.routes() == ["GET /lab/api/v1/info", "GET /lab/api/v2/tasks/t1/logs", "GET /lab/api/v1/info"]


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://host:port", "127.0.0.1"])
@pytest.mark.parametrize("kind", [RFUAVClient, AsyncRFUAVClient])
def test_clients_an_address_that_is_none_is_refused_at_once(kind, url):
    with pytest.raises(InvalidInput, match="url: "):
        kind(url)


@pytest.mark.parametrize("key", ["a b", "ключ", "secret\n"])
def test_clients_a_key_that_no_header_can_hold_is_refused_without_showing_it(key):
    with pytest.raises(InvalidInput, match="api_key: ") as caught:
        RFUAVClient(api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a?b", "ü", "x" * 65, "t1\n"])
def test_clients_what_cannot_be_an_id_never_becomes_a_path(service, client, task_id):
    for call in (
        client.get_task,
        client.delete_task,
        client.get_logs,
        client.get_inference_results,
        client.get_preprocessing,
    ):
        with pytest.raises(TaskNotFound):
            call(task_id)
    with pytest.raises(TaskNotFound):
        next(client.stream_logs(task_id))
    assert service.requests == []


def test_clients_a_proxy_of_the_environment_is_not_used_for_this_machine(service, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, free_url())
    service.on("GET /api/v1/info", {"version": "1"})
    with RFUAVClient(service.url) as client:
        assert client.info() == {"version": "1"}


# Errors


def test_clients_a_refusal_has_its_parts_and_reads_well(service, client):
    errors = [
        {"field": "num_classes", "message": "is 3, but there are 2 class folders"},
        {"field": "val_path", "message": "there is no folder 'b'."},
    ]
    service.on("POST /api/v2/training/start", refuse(422, "The request is not valid.", errors=errors))
    with pytest.raises(ServiceError) as caught:
        client.start_training(**TRAINING)
    error = caught.value
    assert (error.status_code, error.message, error.errors) == (422, "The request is not valid.", errors)
    assert str(error) == (
        "The request is not valid. num_classes: is 3, but there are 2 class folders; "
        "val_path: there is no folder 'b'. (HTTP 422)"
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("detail", [None, "text", {"a": 1}, [], ["x"], [{"message": "no such task"}]])
def test_clients_details_of_any_shape_are_kept(service, client, detail):
    service.on("GET /api/v2/tasks/t1", refuse(404, "There is no task 't1'.", detail))
    with pytest.raises(ServiceError) as caught:
        client.get_task("t1")
    assert caught.value.detail == detail
    assert str(caught.value) == "There is no task 't1'. (HTTP 404)"


@pytest.mark.parametrize("errors", [None, "text", {"a": 1}, [], ["x"], [{"field": "no message"}]])
def test_clients_errors_of_another_shape_are_left_out(service, client, errors):
    service.on("GET /api/v2/tasks/t1", refuse(404, "There is no task 't1'.", errors=errors))
    with pytest.raises(ServiceError) as caught:
        client.get_task("t1")
    assert caught.value.errors == [] and str(caught.value) == "There is no task 't1'. (HTTP 404)"


def test_clients_what_the_message_says_already_is_not_said_twice():
    error = ServiceError(
        422, "priority: 11 is too large", None, [{"field": "priority", "message": "11 is too large"}]
    )
    assert str(error) == "priority: 11 is too large (HTTP 422)"


def test_clients_an_unhealthy_service_is_an_answer(service, client):
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
def test_clients_the_answer_of_something_else_is_named_as_such(service, client, reply):
    service.on("GET /api/v1/info", reply)
    with pytest.raises(ServiceError, match=rf"{service.url}/api/v1/info does not answer like an rfuav service"):
        client.info()


def test_clients_nobody_there_names_the_address_and_the_way_out():
    url = free_url()
    with RFUAVClient(url) as client:
        for call in (client.health, lambda: client.wait("t1"), lambda: next(client.stream_logs("t1"))):
            with pytest.raises(ServiceUnreachable, match="rfuav serve") as caught:
                call()
            assert url in str(caught.value)


def test_clients_no_answer_in_time_is_said(service):
    service.on("GET /api/v1/info", service.say_nothing)
    with (
        RFUAVClient(service.url, timeout_s=0.1) as client,
        pytest.raises(ServiceUnreachable, match=r"within 0\.1 s"),
    ):
        client.info()
