"""The tables of the command line for evaluations and audits."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from rfuav_ray.api.results import Headline
from rfuav_ray.cli.printing import new_table, print_files

STYLE_OF_VERDICT = {"clean": "bold green", "suspicious": "bold yellow", "leaks": "bold red"}
#: fields of AuditStats that have a place of their own
_VERDICT = ("verdict", "sentences", "examples", "images")


def print_evaluation(console: Console, result: Mapping[str, Any]) -> None:
    """Print an EvaluationResult: the headline with its intervals, the classes, the SNR curve and the rest."""
    numbers = new_table(console, "number", "value", "95 % interval")
    for name in Headline.__annotations__:
        interval = result["intervals"].get(name)
        shown = "" if interval is None else "{:.4f} to {:.4f}".format(*interval)
        numbers.add_row(name.replace("_", " "), f"{result[name]:.4f}", shown)
    console.print(numbers)
    classes = new_table(console, "class", "precision", "recall", "F1", "n")
    for row in result["per_class"]:
        scores = [f"{row[name]:.3f}" for name in ("precision", "recall", "f1")]
        classes.add_row(Text(row["class_name"]), *scores, str(row["support"]))
    console.print(classes)
    if result["by_snr"]:
        curve = new_table(console, "SNR", "accuracy", "95 % interval", "macro F1", "n")
        for point in result["by_snr"]:
            interval = f"{point['low']:.3f} to {point['high']:.3f}"
            scores = [f"{point['accuracy']:.3f}", interval, f"{point['macro_f1']:.3f}", str(point["n"])]
            curve.add_row(f"{point['snr_db']:g} dB", *scores)
        console.print(curve)
    if calibration := result["calibration"]:
        console.print(_calibration(calibration))
    if open_set := result["open_set"]:
        console.print(_open_set(open_set))
    if result["leakage"]:
        _print_verdict(console, result["leakage"])
    print_files(console, result["files"], result["save_path"])


def _calibration(found: Mapping[str, Any]) -> str:
    before, after = found["ece_before"], found["ece_after"]
    return f"Calibration: temperature {found['temperature']:.3f}, ECE {before:.4f} before and {after:.4f} after"


def _open_set(found: Mapping[str, Any]) -> str:
    scores = f"AUROC {found['auroc']:.3f}, FPR at 95 % TPR {found['fpr95']:.3f}, OSCR {found['oscr']:.3f}"
    unknown, known = 100 * found["unknown_rate"], 100 * found["known_false_alarm"]
    return (
        f"Unknown signals ({found['score']}, {found['source']}): {scores}; below {found['threshold']:.4g}, "
        f"{unknown:.1f} % of the unknown and {known:.1f} % of the known are called unknown"
    )


def print_audit(console: Console, result: Mapping[str, Any]) -> None:
    """Print an AuditResult: the counts, and the verdict with its sentences."""
    stats = result["stats"]
    table = new_table(console, "finding", "value")
    for part, count in stats["images"].items():
        table.add_row(Text(f"images in {part}"), str(count))
    for name, value in stats.items():
        if name not in _VERDICT:
            table.add_row(name.replace("_", " "), Text(_shown(value)))
    console.print(table)
    _print_verdict(console, stats)
    print_files(console, {"audit_json": result["audit_json"]}, result["save_path"])


def _print_verdict(console: Console, verdict: Mapping[str, Any]) -> None:
    console.print(Text(f"Verdict: {verdict['verdict']}", style=STYLE_OF_VERDICT.get(verdict["verdict"], "")))
    for sentence in verdict["sentences"]:
        console.print(Text(f"  {sentence}"), soft_wrap=True)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "not known"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
        case _:
            return str(value)
