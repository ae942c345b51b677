import pytest

from rfuav_ray.errors import InvalidInput, PathNotAllowed
from rfuav_ray.objects.urls import allowed_url, parse_url, plain_path

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        *("s3://", "s3:///x", "s3://UPPER/x", "s3://a/x", "s3://lab//x", "s3://lab/../x", "s3://lab/x/./y"),
        *("s3://lab/x\n", "s3://lab/\x01", f"s3://lab/{'n' * 1025}"),
    ],
)
def test_parse_url_refuses_what_names_nothing(text):
    with pytest.raises(InvalidInput):
        parse_url(text, "input_path")


@pytest.mark.parametrize(
    "text", ["s3://KEY:word@lab/x", "s3://lab/x?secret_key=word", "https://me:word@host/x", "gs://me:word@lab"]
)
def test_parse_url_does_not_repeat_credentials(text):
    with pytest.raises(InvalidInput) as refused:
        parse_url(text, "input_path")
    assert "word@" not in str(refused.value) and "=word" not in str(refused.value)


@pytest.mark.parametrize("text", ["s3://lab/data", "s3://lab/data/", "S3://lab/data/a/b"])
def test_allowed_url_lies_below_a_root(text):
    assert str(allowed_url(text, ["s3://lab/data"], "input_path")).startswith("s3://lab/data")


@pytest.mark.parametrize("text", ["s3://lab", "s3://lab/data2", "s3://lab/dat", "s3://lab2/data"])
def test_allowed_url_ends_at_a_slash(text):
    with pytest.raises(PathNotAllowed, match="outside the buckets"):
        allowed_url(text, ["s3://lab/data"], "input_path")


def test_plain_path_takes_file_urls_of_this_machine_alone():
    assert plain_path("file:///data/a%20b", "input_path") == "/data/a b"
    with pytest.raises(InvalidInput, match="another machine"):
        plain_path("file://host/data", "input_path")
