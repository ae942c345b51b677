"""What clients read about invalid requests: plain words, on the HTTP API and on the command line."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from rfuav_ray.api import requests
from rfuav_ray.api.kinds import KINDS, parse_request
from rfuav_ray.cli.run_config import training_request
from rfuav_ray.errors import RfuavError, RunError

ROUTES: dict[str, type[requests.Request]] = {
    **{kind.path: kind.request for kind in KINDS.values()},
    "/api/v2/inference/batch": requests.BatchInferenceRequest,
    "/api/v2/tasks/one/priority": requests.PriorityUpdate,
    "/api/v2/resources/config": requests.ResourceConfigUpdate,
}
CLASSES = [name for name, one in vars(requests).items() if isinstance(one, type) and issubclass(one, BaseModel)]
NOT_PLAIN = re.compile(
    rf"Value error,|Assertion failed|pydantic|https?://|\[key\]|function-|instance of|{'|'.join(CLASSES)}"
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["gpu", "x" * 5000, "\0", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def messages_of(answer):
    body = answer.json()
    assert answer.status_code == 422 and body["errors"], answer.text
    return [body["message"], *(text for problem in body["errors"] for text in problem.values())]


@pytest.mark.parametrize("path", ROUTES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_plain_messages_of_any_bad_value(client_of_all, path, data):
    field = data.draw(st.sampled_from(sorted(ROUTES[path].model_fields)))
    # The other required fields are missing, so that the request is refused in any case.
    body = {field: data.draw(VALUES)} if field not in {"priority", "max_concurrent"} else {field: [field]}
    for message in messages_of(client_of_all.post(path, content=json.dumps(body))):
        assert not NOT_PLAIN.search(message)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", [[], [1], "text", 3, None, True])
def test_plain_messages_of_a_body_that_is_no_object(client_of_all, path, body):
    for message in messages_of(client_of_all.post(path, json=body)):
        assert not NOT_PLAIN.search(message)


def test_plain_messages_of_limits_name_the_device_and_the_reason(client_of_all):
    answer = client_of_all.post(
        "/api/v2/resources/config",
        json={"max_concurrent": {"gpu": {"training": 1}, "cpu": 3, "cuda": {"training": -1}}},
    )
    found = {problem["field"]: problem["message"] for problem in answer.json()["errors"]}
    assert found.keys() == {"max_concurrent.gpu", "max_concurrent.cpu", "max_concurrent.cuda.training"}
    assert "did you mean cuda?" in found["max_concurrent.gpu"]
    assert "must be a JSON object" in found["max_concurrent.cpu"]


@pytest.mark.parametrize(
    "line", ["device: gpu", "batch_size: x", "train_path: [1]", "pretrained: {a: 1}", "name: a/b"]
)
def test_plain_messages_of_a_config_file(tmp_path, line):
    file = tmp_path / "train.yaml"
    file.write_text(f"model: resnet18\nnum_classes: 3\nval_path: v\nsave_path: s\n{line}\n", encoding="utf-8")
    with pytest.raises(RfuavError) as refused:
        training_request(file, {})
    assert line.partition(":")[0] in str(refused.value) and not NOT_PLAIN.search(str(refused.value))


def test_plain_messages_of_a_stored_request_that_this_version_refuses():
    with pytest.raises(
        RunError, match=r"does not accept the task's request: .*device: 'gpu' is no device"
    ) as refused:
        parse_request("inference", {"cfg_path": "c", "weight_path": "w", "source_path": "s", "device": "gpu"})
    assert not NOT_PLAIN.search(str(refused.value))
    assert refused.value.__suppress_context__
