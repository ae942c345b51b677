"""The parts of the page, each from the numbers of the evaluation. A part without numbers is empty."""

from collections.abc import Mapping, Sequence

from rfuav_ray.api.results import EvaluationReport
from rfuav_ray.evaluation.report.markup import (
    Html,
    bar,
    bullets,
    escaped,
    figure,
    paragraph,
    section,
    table,
)
from rfuav_ray.evaluation.report.words import between, confusions, count, percent, sentences, verdict
from rfuav_ray.walk import REASONS

_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mAP": "mean average precision",
    "top3": "right among the first 3",
    "top5": "right among the first 5",
    "ece": "calibration error (ECE)",
    "nll": "negative log-likelihood (nats)",
}
_SCORES = {"energy": "energy", "max_logit": "largest logit"}
_FITTED = {
    "half": "half of the recordings; the other half measures it",
    "calibration_path": "the data of calibration_path; the evaluated data measure it",
}


def in_plain_words(numbers: EvaluationReport) -> str:
    tone, headline, reasons = verdict(numbers)
    inside = "".join(paragraph(one) for one in reasons) + bullets(sentences(numbers))
    return f'<section id="verdict" class="verdict {tone}"><h2>{escaped(headline)}</h2>{inside}</section>'


def headline(numbers: EvaluationReport) -> str:
    rows = []
    for key, name in _NAMES.items():
        value: float = numbers[key]  # type: ignore[literal-required]
        interval = numbers["intervals"].get(key)
        if key == "nll":
            rows.append((name, f"{value:.3f}", between(interval, "{:.3f}".format), ""))
        else:
            rows.append((name, percent(value), between(interval), bar(value, *(interval or ()))))
    note = (
        f"The intervals are by bootstrap over {count(numbers['recordings'], 'recording')}, because the windows of "
        "one recording are alike."
    )
    if not numbers["intervals"]:
        note = "There are no intervals: each class has one recording."
    return section("headline", "Numbers", table(["", "value", "95 % interval", ""], rows), paragraph(note, "soft"))


def per_class(numbers: EvaluationReport) -> str:
    rows = [
        (
            one["class_name"],
            f"{one['support']:,}",
            percent(one["precision"]),
            percent(one["recall"]),
            percent(one["f1"]),
            bar(one["f1"]),
        )
        for one in numbers["per_class"]
    ]
    note = "Recall: how much of the class is found. Precision: how often the class is right where it is named."
    head = ["class", "tested", "precision", "recall", "F1", ""]
    return section("classes", "Classes", table(head, rows), paragraph(note, "soft"))


def confusion(numbers: EvaluationReport, drawing: str) -> str:
    """`drawing` is the matrix as HTML."""
    rows = [(true, predicted, f"{n:,}", percent(part)) for true, predicted, n, part in confusions(numbers)]
    mistakes = table(["is", "was taken for", "times", "of its class"], rows, texts=2) if rows else ""
    caption = "Rows are the true classes, columns the predicted ones. The colour is the fraction of the row."
    matrix = figure(drawing, caption) if drawing else ""
    return section("confusion", "Mistakes", matrix, mistakes or paragraph("There are none."))


def by_snr(numbers: EvaluationReport, drawing: str) -> str:
    if not numbers["by_snr"]:
        return ""
    rows = [
        (
            f"{one['snr_db']:g}",
            f"{one['n']:,}",
            percent(one["accuracy"]),
            between((one["low"], one["high"])),
            percent(one["macro_f1"]),
            bar(one["accuracy"], one["low"], one["high"]),
        )
        for one in numbers["by_snr"]
    ]
    head = ["dB", "n", "accuracy", "95 % interval", "macro F1", ""]
    caption = "Accuracy over the signal-to-noise ratio in the band."
    return section("snr", "Signal-to-noise ratio", figure(drawing, caption), table(head, rows, texts=0))


def calibration(numbers: EvaluationReport, drawing: str) -> str:
    found = numbers["calibration"]
    if found is None:
        nothing = "Nothing was calibrated: there are too few recordings for two halves, and no calibration_path."
        return section("calibration", "Calibration", _reliability(drawing), paragraph(nothing))
    rows = [
        ("ECE, 15 bins of equal width", percent(found["ece_before"]), percent(found["ece_after"])),
        ("ECE, bins of equal counts", percent(found["ece_adaptive_before"]), percent(found["ece_adaptive_after"])),
        ("negative log-likelihood (nats)", f"{found['nll_before']:.3f}", f"{found['nll_after']:.3f}"),
    ]
    fitted = (
        f"Fitted on {_FITTED[found['fitted_on']]} ({found['n_fit']:,} and {found['n_test']:,} images and windows)."
    )
    return section(
        "calibration",
        "Calibration",
        _reliability(drawing),
        table(["", "before", f"with temperature {found['temperature']:.3g}"], rows),
        paragraph(fitted, "soft"),
    )


def open_set(numbers: EvaluationReport) -> str:
    found = numbers["open_set"]
    if found is None:
        return section("unknown", "Unknown signals", paragraph("No signals of unknown classes were tried."))
    source = "simulated interferers and noise" if found["source"] == "simulated" else "those of unknown_path"
    rows = [
        (
            f"{_SCORES[name]} (chosen)" if name == found["score"] else _SCORES[name],
            f"{one['auroc']:.3f}",
            percent(one["fpr95"]),
            f"{one['oscr']:.3f}",
        )
        for name, one in found["by_score"].items()
    ]
    facts = [
        f"A signal is unknown if its {_SCORES[found['score']]} is below {found['threshold']:.6g}.",
        f"Unknown signals that are called unknown: {percent(found['unknown_rate'])} of {found['n_unknown']:,} "
        f"({source}).",
        f"Known signals that are called unknown by mistake: {percent(found['known_false_alarm'])}, measured on "
        "recordings that did not give the threshold.",
    ]
    head = ["score", "AUROC", "unknown taken for known (FPR95)", "OSCR"]
    return section("unknown", "Unknown signals", bullets(facts), table(head, rows))


def data(numbers: EvaluationReport, settings: Mapping[str, object]) -> str:
    counted = {
        "images and windows": f"{numbers['n']:,}",
        "recordings": f"{numbers['recordings']:,}",
        "could not be read": f"{numbers['failed']:,}",
        "windows with nothing on the air": f"{numbers['empty_windows']:,}",
        **{f"left out: {REASONS.get(key, key)}": f"{n:,}" for key, n in numbers["left_out"].items()},
    }
    rows = [(name, Html(f'<span class="soft">{escaped(value)}</span>')) for name, value in settings.items()]
    return section("data", "Data and settings", table(["", ""], [*counted.items(), *rows], texts=2))


def warnings(texts: Sequence[str]) -> str:
    return section("warnings", "Warnings", bullets(texts) or paragraph("There were none."))


def _reliability(drawing: str) -> str:
    caption = (
        "How often the model is right, by how sure it says it is. Honest probabilities lie on the dashed line. "
        "Below: how many predictions are that sure."
    )
    return figure(drawing, caption) if drawing else ""
