"""The page of an evaluation: one HTML file that needs nothing but itself, neither a network nor scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rfuav_ray.api.results import EvaluationReport
from rfuav_ray.evaluation.report import sections
from rfuav_ray.evaluation.report.markup import escaped
from rfuav_ray.evaluation.report.style import STYLE
from rfuav_ray.evaluation.report.words import percent

#: what a browser lets the page do, wherever it is opened from
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Drawings:
    """The plots as HTML; "" where there is none."""

    confusion: str = ""
    snr: str = ""
    reliability: str = ""


def page(
    numbers: EvaluationReport,
    drawings: Drawings,
    *,
    title: str,
    settings: Mapping[str, object],
    warnings: Sequence[str],
    footer: str,
) -> str:
    """The text of report.html.

    Args:
        numbers: What the evaluation has found.
        drawings: Its plots.
        title: The name of the model.
        settings: What was evaluated and how, by name.
        warnings: Everything that is doubtful about the numbers.
        footer: Who made the page, and when.
    """
    parts = [
        sections.in_plain_words(numbers),
        sections.headline(numbers),
        sections.by_snr(numbers, drawings.snr),
        sections.per_class(numbers),
        sections.confusion(numbers, drawings.confusion),
        sections.calibration(numbers, drawings.reliability),
        sections.open_set(numbers),
        sections.warnings(warnings),
        sections.data(numbers, settings),
    ]
    body = "\n".join(part for part in parts if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escaped(title)}: evaluation</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>How good is {escaped(title)}?</h1>
<p class="soft">{escaped(_subtitle(numbers))}</p>
{body}
</main>
<footer>{escaped(footer)}</footer>
</body>
</html>
"""


def _subtitle(numbers: EvaluationReport) -> str:
    tested = sum(one["support"] > 0 for one in numbers["per_class"])
    data = f"{numbers['n']:,} images and windows of {numbers['recordings']:,} recordings"
    classes = f"{tested} of {len(numbers['class_names'])} classes"
    return (
        f"{percent(numbers['accuracy'])} accuracy, macro F1 {percent(numbers['macro_f1'])}: {data} in {classes}."
    )
