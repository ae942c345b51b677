import pytest

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.cli.doctor.examination import check_bucket
from rfuav_ray.cli.local.work import refuse_buckets
from rfuav_ray.errors import InvalidInput, ServiceBusy
from rfuav_ray.objects.access import ObjectSettings, allow_objects
from rfuav_ray.objects.checks import check_urls_apart, existing_url, new_prefix
from tests.support.object_storage import leading_to
from tests.support.object_way import ObjectWay

pytestmark = pytest.mark.unit


def test_existing_url_names_what_is_missing(storage, settings):
    storage.bucket("lab", {"there/x.png": b"x"})
    allow_objects(ObjectSettings(("s3://lab", "s3://nobucket")))
    assert existing_url("s3://lab/there/", "input_path") == "s3://lab/there"
    with pytest.raises(InvalidInput, match="there is no object"):
        existing_url("s3://lab/here", "input_path")
    with pytest.raises(InvalidInput, match="there is no bucket 'nobucket'"):
        existing_url("s3://nobucket/here", "input_path")


def test_new_prefix_must_be_empty_and_no_whole_bucket(storage, settings):
    storage.bucket("lab", {"taken/a/x.png": b"x", "console/": b"", "file": b"x"})
    assert new_prefix("s3://lab/free/", "output_path") == "s3://lab/free"
    assert new_prefix("s3://lab/console", "output_path") == "s3://lab/console"
    assert new_prefix("s3://lab/taken", "copy_to", is_empty=False) == "s3://lab/taken"
    for text, reason in {
        "s3://lab/taken": "already holds objects \\('a/x.png'",
        "s3://lab/file": "is an object",
        "s3://lab": "is a whole bucket",
        "/folder": "no address in a bucket",
    }.items():
        with pytest.raises(InvalidInput, match=reason):
            new_prefix(text, "output_path")


def test_a_storage_that_does_not_answer_is_busy_not_invalid(settings, storage):
    with (
        leading_to({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}),
        pytest.raises(ServiceBusy, match="cannot be reached"),
    ):
        existing_url("s3://lab/x", "input_path")


def test_check_urls_apart_names_the_later_field():
    check_urls_apart({"a": "s3://lab/one", "b": "/one", "c": "s3://lab/one2"})
    with pytest.raises(InvalidInput, match="lie in one another") as refused:
        check_urls_apart({"a": "s3://lab/one", "b": "s3://lab/two", "c": "s3://lab/one/x"})
    assert refused.value.field == "c"


def test_doctor_says_whether_a_bucket_can_be_used(storage):
    storage.bucket("lab", {"there/x.png": b"x"})
    assert check_bucket("s3://lab/there").state == "ok"
    assert "no objects yet" in check_bucket("s3://lab/empty").text
    assert check_bucket("s3://nobucket/x").state == "broken"
    with ObjectWay(storage.url) as way, leading_to({"AWS_ENDPOINT_URL": way.url}):
        way.refusal = "InvalidAccessKeyId"
        finding = check_bucket("s3://lab/there")
    assert finding.state == "broken"
    assert "access is refused" in finding.text
    assert storage.environment["AWS_ACCESS_KEY_ID"] not in finding.text


@pytest.mark.parametrize("field", ["train_path", "copy_to"])
def test_work_without_a_service_refuses_buckets(tmp_path, field):
    fields = {
        "model": "resnet18",
        "num_classes": 2,
        "train_path": "/a",
        "val_path": "/b",
        "save_path": str(tmp_path),
    }
    with pytest.raises(InvalidInput, match=r"in a bucket\. Without a service") as refused:
        refuse_buckets(TrainingRequest(**fields | {field: "s3://lab/x"}))
    assert refused.value.field == field
