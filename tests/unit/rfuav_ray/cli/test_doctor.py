import os
import platform
import socket
import sys
from pathlib import Path

import pytest

from rfuav_ray.cli.doctor.examination import check_disk, check_folder, check_memory, check_port
from rfuav_ray.cli.doctor.software import (
    GIB,
    TORCH_PROBE,
    check_distribution,
    check_packages,
    check_python,
    check_torch,
)
from serve_app.command.console import main
from tests.support.fake_service import answer, running_service


def states(findings):
    return {finding.check: finding.state for finding in findings}


def test_doctor_this_python_is_fine():
    finding = check_python()
    assert finding.state == "ok"
    assert platform.python_version() in finding.text


def test_doctor_fitting_packages_are_one_line():
    (finding,) = check_packages(["numpy>=1", "httpx2"])
    assert (finding.check, finding.state) == ("packages", "ok")
    assert "2" in finding.text


def test_doctor_missing_and_wrong_packages_say_what_to_install():
    findings = list(check_packages(["numpy>=99", "no-such-package-here>=1", "httpx2"]))
    assert [finding.state for finding in findings] == ["broken", "broken"]
    assert "numpy>=99" in findings[0].advice
    assert "is not installed" in findings[1].text
    assert findings[1].advice == "pip install 'no-such-package-here>=1'"


def test_doctor_what_does_not_apply_here_is_not_asked_for():
    assert states(check_packages(["no-such-package-here; python_version < '3'"])) == {"packages": "ok"}
    assert states(check_packages(["no-such-package-here; extra == 'test'"])) == {"packages": "ok"}


def test_doctor_the_needs_of_an_extra_are_checked_too():
    extra = list(check_packages(["pydantic[no-such-extra]>=2"]))
    assert states(extra) == {"packages": "ok"}
    plain, with_extra = (next(check_packages([name])).text for name in ("httpx2", "httpx2[cli]"))
    assert plain != with_extra


def test_doctor_a_pre_release_that_is_new_enough_fits(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, "some-package", "2.0rc1")
    assert states(check_packages(["some-package>=1.9"])) == {"packages": "ok"}


def test_doctor_an_installed_distribution_names_its_needs(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, "some-package", "1.0", requires="numpy>=99")
    assert states(check_distribution("some-package")) == {"numpy": "broken"}


def test_doctor_running_from_sources_is_a_warning():
    (finding,) = check_distribution("no-such-distribution")
    assert finding.state == "warning"
    assert "pip install -e ." in finding.advice


def installed(folder, monkeypatch, name, version, requires=None):
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    lines += [f"Requires-Dist: {requires}"] if requires else []
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(folder))


def test_doctor_the_probe_of_pytorch_names_versions_and_gpus(capsys):
    exec(TORCH_PROBE, {})
    torch, torchvision, cuda, gpus = capsys.readouterr().out.split()
    assert torch[0].isdigit()
    assert torchvision[0].isdigit()
    assert cuda == "none" or cuda[0].isdigit()
    assert gpus.isdigit()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'ImportError: libcudart.so.13 not found' >&2; exit 1", "libcudart.so.13 not found"),
        ("kill -ILL $$", "ended by signal 4"),
    ],
)
def test_doctor_a_broken_pytorch_is_reported_and_does_not_end_the_doctor(tmp_path, script, reason):
    finding = check_torch(interpreter(tmp_path, script))
    assert finding.state == "broken"
    assert reason in finding.text
    assert "pip install" in finding.advice


def interpreter(folder, script):
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


@pytest.mark.parametrize(("gib", "state"), [(0.5, "broken"), (3, "warning"), (64, "ok")])
def test_doctor_memory(gib, state):
    finding = next(check_memory(int(gib * GIB)))
    assert finding.state == state
    assert bool(finding.advice) == (state != "ok")


@pytest.mark.parametrize(("gib", "state"), [(0.5, "broken"), (5, "warning"), (64, "ok")])
def test_doctor_disk_space_also_for_a_folder_yet_to_be_made(tmp_path, gib, state):
    finding = check_disk(tmp_path / "state" / "deeper", name="STATE_DIR", free=int(gib * GIB))
    assert finding.state == state
    assert str(tmp_path) in finding.text
    assert not (tmp_path / "state").exists()


def test_doctor_real_disk_space_is_read(tmp_path):
    assert "GiB free" in check_disk(tmp_path, name="STATE_DIR").text


def test_doctor_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "state").write_text("")
    for folder in (tmp_path / "state", tmp_path / "state" / "deeper"):
        finding = check_disk(folder, name="STATE_DIR")
        assert finding.state == "broken"
        assert "Set STATE_DIR" in finding.advice


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_doctor_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    assert check_folder(tmp_path, name="DATA_ROOTS", state="warning").state == "warning"


def test_doctor_a_free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert check_port("127.0.0.1", port).state == "ok"


def test_doctor_a_port_that_another_program_has():
    with running_service() as other:
        other.on("GET /api/v1/health", answer(b"<html>", 200, "text/html"))
        port = int(other.url.rsplit(":", 1)[1])
        finding = check_port("127.0.0.1", port)
    assert finding.state == "broken"
    assert str(port) in finding.text
    assert "PORT" in finding.advice


@pytest.mark.parametrize(
    ("host", "reply", "state"),
    [
        ("127.0.0.1", answer({"status": "healthy", "version": "1.2.3"}), "ok"),
        ("0.0.0.0", answer({"status": "healthy", "version": "1.2.3"}), "ok"),
        ("127.0.0.1", answer({"status": "unhealthy"}, 503), "warning"),
    ],
)
def test_doctor_a_port_that_the_service_has(host, reply, state):
    with running_service() as service:
        service.on("GET /api/v1/health", reply)
        finding = check_port(host, int(service.url.rsplit(":", 1)[1]))
    assert finding.state == state
    assert ("1.2.3" in finding.text) == (state == "ok")


def test_doctor_a_service_below_a_prefix_is_asked_there():
    with running_service() as service:
        service.on("GET /lab/api/v1/health", answer({"status": "healthy", "version": "1.2.3"}))
        port = int(service.url.rsplit(":", 1)[1])
        assert check_port("127.0.0.1", port, "/lab").state == "ok"
        assert check_port("127.0.0.1", port).state == "broken"


def test_doctor_a_host_that_is_none():
    finding = check_port("no-such-host.invalid", 8000)
    assert finding.state == "broken"
    assert "no-such-host.invalid" in finding.text


def test_doctor_the_command_shows_every_check_and_fails_for_broken_settings(capsys, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    # Loading PyTorch anew takes long; the probe has a test of its own.
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path, "echo 2.15.0 0.29.0 none 0"))
    monkeypatch.setenv("RFUAV_PORT", "none")
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    out = capsys.readouterr().out
    assert ended.value.code == 1
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert " ok " in rows["PyTorch"]
    assert "torch 2.15.0, torchvision 0.29.0, CUDA none, GPUs seen: 0" in rows["PyTorch"]
    assert " broken " in rows["settings"]
    assert "PORT: " in rows["settings"]
    assert {"Python", "memory"} <= set(rows)
    assert list(Path().iterdir()) == []
