"""The tables of the command line: tasks, metrics of a training, predictions, and results of preprocessing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rfuav_ray.api.kinds import lists
from rfuav_ray.cli.follow import duration_text

if TYPE_CHECKING:
    from rfuav_ray.cli.doctor.software import Finding

STYLE_OF_STATUS = {"running": "cyan", "completed": "green", "failed": "red", "cancelled": "yellow"}
STYLE_OF_STATE = {"ok": "green", "warning": "yellow", "broken": "bold red"}
#: wide enough that no line is truncated in a file or pipe
PLAIN_WIDTH = 240
#: of each recording
SEGMENTS_SHOWN = 20


def new_console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def tasks_table(console: Console, tasks: Sequence[Mapping[str, Any]]) -> Table:
    table = new_table(console, "id", "kind", "status", "progress", "device", "age", "details")
    for task in tasks:
        status = str(task["status"])
        table.add_row(
            Text(task["task_id"]),
            task["task_type"],
            Text(status, style=STYLE_OF_STATUS.get(status, "")),
            f"{task['progress']:.0f} %",
            task["device"],
            _age(task["created_at"]),
            Text(_what(task)),
        )
    table.columns[0].no_wrap = True
    return table


def findings_table(console: Console, findings: "Iterable[Finding]") -> Table:
    table = new_table(console, "check", "state", "finding", "what to do")
    for finding in findings:
        state = Text(finding.state, style=STYLE_OF_STATE[finding.state])
        table.add_row(finding.check, state, Text(finding.text), Text(finding.advice))
    return table


def newest_first(task_list: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks of a TaskListResponse in one list, newest first."""
    tasks = [task for name in lists() for task in task_list.get(f"{name}_tasks", [])]
    return sorted(tasks, key=lambda task: moment(task["created_at"]), reverse=True)


def print_training(console: Console, metrics: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Print the metrics of the last epoch, and the paths of the files."""
    table = new_table(console, "metric", "last epoch")
    for name, value in metrics.items():
        table.add_row(name, _number(value))
    console.print(table)
    if result.get("best_epoch") is not None:
        console.print(
            f"Best: epoch {result['best_epoch']}, validation accuracy {_number(result.get('best_acc'))} %"
        )
    print_files(console, result.get("files") or {}, result.get("save_path"))


def print_predictions(console: Console, rows: Sequence[Mapping[str, Any]], *, total: int) -> None:
    """Print the first predictions."""
    shown = new_table(console, "file", "class", "probability")
    for row in rows:
        shown.add_row(Text(_source(row)), *_answer(row))
    console.print(shown)
    if total > len(rows):
        console.print(f"… and {total - len(rows)} more")
    console.print()


def print_recordings(console: Console, recordings: Sequence[Mapping[str, Any]], *, total: int) -> None:
    """Print a verdict for each recording, and its segments."""
    verdicts = new_table(
        console, "recording", "length", "verdict", "probability", "windows", "empty", "unreadable"
    )
    segments = new_table(console, "recording", "from", "to", "class", "probability")
    for one in recordings:
        name = Text(one["file"])
        counts = [str(one[what]) for what in ("windows", "empty_windows", "failed_windows")]
        answer = _answer(one["verdict"] or {})
        if one["verdict"] is None and one["failed_windows"]:
            answer = Text("unreadable", style="yellow"), ""
        verdicts.add_row(name, f"{one['duration_s']:.6g} s", *answer, *counts)
        for segment in one["segments"][:SEGMENTS_SHOWN]:
            times = f"{segment['start_s']:.3f} s", f"{segment['end_s']:.3f} s"
            segments.add_row(name, *times, Text(segment["class_name"]), f"{segment['probability']:.3f}")
        if (more := len(one["segments"]) - SEGMENTS_SHOWN) > 0:
            segments.add_row(name, f"… and {more} more", "", "", "")
    console.print(verdicts)
    if total > len(recordings):
        console.print(f"… and {total - len(recordings)} more")
    console.print()
    if segments.row_count:
        console.print(segments)
        console.print()


def print_inference(console: Console, result: Mapping[str, Any]) -> None:
    """Print the count of each predicted class, and the paths of the files."""
    classes = new_table(console, "class", "predicted")
    counts: Mapping[str, int] = result.get("classes") or {}
    for name, number in sorted(counts.items(), key=lambda item: -item[1]):
        classes.add_row(Text(name), str(number))
    console.print(classes)
    console.print()
    names = ("predictions_csv", "predictions_json", "predictions_jsonl")
    files = {name: result[name] for name in names if name in result}
    if "recordings" in result:
        files["recordings_json"] = result["recordings"]["recordings_json"]
    print_files(console, files, result.get("save_path"))


def _answer(answer: Mapping[str, Any]) -> tuple[Text, str]:
    """The class and the probability of a prediction or a verdict."""
    if answer.get("class_name") is None:
        return Text("nothing on the air", style="dim"), ""
    unknown = " (unknown)" if answer.get("unknown") else ""
    return Text(f"{answer['class_name']}{unknown}"), f"{answer['probability']:.3f}"


def print_preprocessing(console: Console, answer: Mapping[str, Any]) -> None:
    """Print the stats of a PreprocessingResponse, and the output folder."""
    table = new_table(console, "result", "value")
    for name, value in (answer.get("stats") or {}).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else _number(value)
        style = "yellow" if name == "failed" and value else ""
        table.add_row(Text(name.replace("_", " "), style=style), Text(text, style=style))
    console.print(table)
    print_files(console, {}, answer.get("output_path"))


def print_warnings(console: Console, count: int) -> None:
    """Print how many warnings the log above has, if any. It is the last line, so that nobody misses them."""
    if count:
        text = (
            "1 warning: see the line marked WARNING"
            if count == 1
            else f"{count} warnings: see the lines marked WARNING"
        )
        console.print(Text(f"{text} above.", style="bold yellow"))


def new_table(console: Console, *headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for header in headers:
        table.add_column(header)
    return table


def print_files(console: Console, files: Mapping[str, Any], folder: Any) -> None:
    if folder:
        console.print(Text(f"Results: {folder}"), soft_wrap=True)
    for path in files.values():
        console.print(Text(f"  {path}"), soft_wrap=True)


def _what(task: Mapping[str, Any]) -> str:
    if task.get("error"):
        return str(task["error"])
    if task.get("queue_position"):
        return f"number {task['queue_position']} in the queue"
    metrics = task.get("latest_metrics") or {}
    if metrics.get("val_acc") is not None:
        return f"epoch {task['current_epoch']}/{task['total_epochs']}, val acc {metrics['val_acc']:.1f} %"
    return str(task.get("description") or task.get("message") or "")


def _source(row: Mapping[str, Any]) -> str:
    frame = row.get("frame")
    return str(row["file"]) if frame in {None, ""} else f"{row['file']} #{frame}"


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _age(created_at: str) -> str:
    return duration_text((datetime.now(UTC) - moment(created_at)).total_seconds())


def moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
