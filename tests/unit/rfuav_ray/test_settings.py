import tomllib

import pytest
from pydantic import ValidationError

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.settings import Settings
from tests.support.project import ROOT


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"RFUAV_{name.upper()}", raising=False)


def test_settings_the_defaults_are_those_of_a_laptop(tmp_path):
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.max_training_concurrent_cpu == 2
    assert settings.supported_models == SUPPORTED_MODELS
    assert settings.data_roots == (tmp_path.resolve(),)
    assert settings.log_file == tmp_path / "logs" / "app.log"


def test_settings_the_prefix_wins(monkeypatch):
    monkeypatch.setenv("PORT", "1111")
    assert Settings().port == 1111
    monkeypatch.setenv("RFUAV_PORT", "2222")
    assert Settings().port == 2222


def test_settings_the_env_file_is_read_and_the_environment_wins_over_it(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("API_KEYS=one, two\nMAX_RUN_RETRIES=7\nSOMETHING_ELSE=1\n")
    assert Settings().api_keys == ("one", "two")
    monkeypatch.setenv("MAX_RUN_RETRIES", "3")
    assert Settings().max_run_retries == 3


def test_settings_an_empty_value_means_the_default(monkeypatch):
    monkeypatch.setenv("RFUAV_PORT", "")
    assert Settings().port == 8000


def test_settings_roots_are_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_ROOTS", f"data,{tmp_path}/../elsewhere")
    assert Settings().data_roots == (tmp_path / "data", tmp_path.parent / "elsewhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("MAX_TRAINING_CONCURRENT_CPU", "-1"),
        ("SUPPORTED_MODELS", "resnet18,alexnet"),
        ("LOG_LEVEL", "LOUD"),
        ("AUTH", "maybe"),
        ("DATA_ROOTS", " , "),
        ("ALLOWED_HOSTS", "http://lab.example"),
        ("ALLOWED_HOSTS", "lab.example:8000"),
        ("ALLOWED_HOSTS", "lab.example,[::1]"),
        ("ALLOWED_HOSTS", ".lab.example"),
        ("ALLOWED_HOSTS", "*lab.example"),
        ("ALLOWED_HOSTS", "lab.*"),
        ("ALLOWED_HOSTS", "lab example"),
        ("ROUTE_PREFIX", "lab"),
        ("ROUTE_PREFIX", "/lab/"),
        ("ROUTE_PREFIX", "//lab"),
        ("ROUTE_PREFIX", "/lab//radio"),
        ("ROUTE_PREFIX", "/lab/../radio"),
        ("ROUTE_PREFIX", "/-"),
        ("ROUTE_PREFIX", "/lab;x"),
        ("ROUTE_PREFIX", "/lab?x"),
        ("ROUTE_PREFIX", "/l%61b"),
        ("ROUTE_PREFIX", "/{lab}"),
        ("ROUTE_PREFIX", "/l ab"),
        ("ROUTE_PREFIX", "/lab\n"),
        ("ROUTE_PREFIX", "/" + 200 * "a"),
    ],
)
def test_settings_a_wrong_value_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    ("host", "prefix", "url"),
    [
        ("127.0.0.1", "/", "http://127.0.0.1:8000"),
        ("::1", "/lab", "http://[::1]:8000/lab"),
        ("localhost", "/lab-2/radio_1.x~", "http://localhost:8000/lab-2/radio_1.x~"),
    ],
)
def test_settings_name_the_address_of_the_service(monkeypatch, host, prefix, url):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("RFUAV_ROUTE_PREFIX", prefix)
    assert Settings().url == url


def test_settings_names_of_hosts_are_in_lower_case_without_the_last_dot(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "Lab.Example., *.Lab.example,*, 2001:DB8::1,10.0.0.1")
    assert Settings().allowed_hosts == ("lab.example", "*.lab.example", "*", "2001:db8::1", "10.0.0.1")


def test_settings_the_example_file_documents_every_setting_and_no_other():
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.removeprefix("# ").split("=")[0] for line in lines if "=" in line and line[2:3].isupper()}
    assert named == {name.upper() for name in Settings.model_fields}


def test_settings_the_reference_documents_every_setting():
    rows = (ROOT / "docs" / "reference" / "settings.md").read_text().splitlines()
    named = {row.split("`")[1] for row in rows if row.startswith("| `")}
    assert named >= {name.upper() for name in Settings.model_fields}


def test_settings_the_version_is_the_projects_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("VERSION", "9.9.9")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert Settings().version == project["version"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text()
