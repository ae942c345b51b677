"""The benchmarks' table, on the terminal and as the document."""

import pytest

from benchmarks import document, figures, machine
from benchmarks.figures import Figure

METRICS = [
    Figure(work="read: requests/s", values=[3000, 4000.4, 12000], at_least=3500),
    Figure(work="read: p99, ms", values=[19.96, 25.0], at_most=20),
    Figure(work="lost", values=[0.0], at_most=0),
    Figure(work="plain: requests/s", values=[1.234]),
]


def test_figures_a_row_says_whether_the_median_keeps_its_bound():
    assert [figure.cells() for figure in METRICS] == [
        ("read: requests/s", "≥ 3,500", "4,000", "3,000", "12,000", "3", "yes"),
        ("read: p99, ms", "≤ 20.0", "22.5", "20.0", "25.0", "2", "no"),
        ("lost", "≤ 0", "0", "0", "0", "1", "yes"),
        ("plain: requests/s", "", "1.23", "1.23", "1.23", "1", ""),
    ]


def test_figures_a_script_prints_the_figures_of_its_options(monkeypatch, capsys):
    def measure(runs, lines_per_second):
        return [Figure(work="rate", values=[lines_per_second] * runs, at_least=1)]

    monkeypatch.setattr("sys.argv", ["script", "--runs", "2"])
    figures.run_alone(measure, "What it does.", runs=3, lines_per_second=20)
    row = capsys.readouterr().out.splitlines()[3]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "rate",
        "≥ 1.00",
        "20.0",
        "20.0",
        "20.0",
        "2",
        "yes",
    ]
    monkeypatch.setattr("sys.argv", ["script", "--help"])
    with pytest.raises(SystemExit):
        figures.run_alone(measure, "What it does.", runs=3, lines_per_second=20)
    assert "--lines-per-second" in capsys.readouterr().out


def test_figures_the_document_has_table_picture_and_machine(tmp_path):
    facts = machine.describe()
    assert {"CPU", "memory", "GPU", "Python", "Ray", "PyTorch", "torchvision", "OpenCV"} < facts.keys()
    assert facts["a byte to another process and back"].endswith(" µs")
    file = tmp_path / "benchmarks.md"
    document.write(file, METRICS, facts, names=["crop", "augment"], minutes=7.2, connections=16)
    text = file.read_text()
    assert "in 7 minutes" in text
    assert "`crop`, `augment`" in text
    assert "| work | must | median | lowest | highest | runs | met |\n| --- | --- |" in text
    assert "| read: p99, ms | ≤ 20.0 | 22.5 | 20.0 | 25.0 | 2 | no |" in text
    assert f"| CPU | {facts['CPU']} |" in text
    assert (tmp_path / "images" / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
