"""Temperature scaling, and how far probabilities are from what they promise. Scores are 0 to 1.

A model that says 0.9 should be right nine times out of ten. Most networks promise more than they keep. One number,
the temperature, divides the logits and mends most of that; it never changes which class is likeliest (Guo et al.,
"On Calibration of Modern Neural Networks", 2017).
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from rfuav_ray.api.results.evaluation import CalibrationReport

Logits = NDArray[np.floating[Any]]
Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

#: of Guo et al. (2017)
BINS = 15
#: A temperature outside would round the probabilities of any real network to 0 and 1, or make them all equal.
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 1000.0
#: a gain in nats below this is rounding
_SMALLEST_GAIN = 1e-9


class ReliabilityBin(NamedTuple):
    """Predictions of about the same confidence, the probability of the likeliest class."""

    #: mean over the predictions
    confidence: float
    #: fraction of them that is right
    accuracy: float
    n: int


def softmax(logits: Logits, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities of `logits` (n, classes), divided by the temperature."""
    return np.exp(_log_probabilities(logits, temperature))


def negative_log_likelihood(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood of the true classes, nats."""
    return float(-_log_probabilities(logits, temperature)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature with the lowest negative log-likelihood.

    It has one minimum, because it is convex in the inverse of the temperature. If every prediction is right there
    is none, because it falls with the temperature. Such data do not tell how sure the model may be, and the
    result is 1.

    Args:
        logits: Shape (n, classes), finite, n ≥ 1.
        labels: True class indices, shape (n,).

    Returns:
        LOWEST_TEMPERATURE to HIGHEST_TEMPERATURE; 1 if no temperature is better, or the data do not tell one.

    Raises:
        ValueError: The arrays do not have these shapes and values.
    """
    _check(logits, labels)

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(logits, labels, float(np.exp(log_temperature)))

    bounds = np.log((LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    # The search comes close to its bounds and never reaches them.
    is_lowest, is_highest = (abs(found.x - bound) < 1e-4 for bound in bounds)
    if is_lowest or loss(0.0) - found.fun <= _SMALLEST_GAIN:
        return 1.0
    return HIGHEST_TEMPERATURE if is_highest else float(np.exp(found.x))


def calibration_doubts(found: CalibrationReport) -> list[str]:
    """Why a temperature says little, or does harm, as sentences."""
    doubts = []
    if found["temperature"] == 1:
        doubts.append(
            "The temperature stays 1: the data that it is fitted on tell no better one. Where a model names all "
            "of them correctly, they cannot tell how sure it may be; use more or harder data."
        )
    if found["temperature"] >= HIGHEST_TEMPERATURE:
        doubts.append(
            f"The temperature is at its upper bound ({HIGHEST_TEMPERATURE:g}): the model is no better than chance "
            "on the data that it was fitted on. Check their class names."
        )
    if found["nll_after"] > found["nll_before"]:
        change = f"{found['nll_before']:.3f}, then {found['nll_after']:.3f}"
        doubts.append(
            f"The temperature of {found['temperature']:.3g} makes the probabilities worse on the data that it was "
            f"not fitted on (negative log-likelihood {change}): there are too few recordings, or the parts differ."
        )
    return doubts


def reliability(
    probabilities: Probabilities, labels: Labels, bins: int = BINS, *, adaptive: bool = False
) -> list[ReliabilityBin]:
    """The bins of a reliability diagram that hold predictions, in ascending order of confidence.

    Args:
        probabilities: Shape (n, classes), n ≥ 1.
        labels: True class indices, shape (n,).
        bins: Their number.
        adaptive: Bins of equal counts (Nixon et al., "Measuring Calibration in Deep Learning", 2019); otherwise of
            equal width over 0 to 1, each with its upper edge (Guo et al., 2017).
    """
    _check(probabilities, labels)
    confidences = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == labels
    order = np.argsort(confidences, kind="stable")
    if adaptive:
        parts = np.array_split(order, min(bins, len(order)))
    else:
        inner_edges = np.linspace(0, 1, bins + 1)[1:-1]
        parts = np.split(order, np.searchsorted(confidences[order], inner_edges, side="right"))
    return [
        ReliabilityBin(float(confidences[part].mean()), float(is_right[part].mean()), len(part))
        for part in parts
        if len(part)
    ]


def expected_calibration_error(
    probabilities: Probabilities, labels: Labels, bins: int = BINS, adaptive: bool = False
) -> float:
    """Mean difference between confidence and accuracy over the bins of `reliability`, weighted by their counts."""
    found = reliability(probabilities, labels, bins, adaptive=adaptive)
    return sum(abs(one.accuracy - one.confidence) * one.n for one in found) / len(labels)


def calibrate(
    fit_logits: Logits,
    fit_labels: Labels,
    test_logits: Logits,
    test_labels: Labels,
    fitted_on: Literal["calibration_path", "half"],
) -> CalibrationReport:
    """Fit the temperature on one part of the data, and measure on another what it does.

    Raises:
        ValueError: A part is empty or has other shapes than `fit_temperature` needs.
    """
    temperature = fit_temperature(fit_logits, fit_labels)
    before, after = softmax(test_logits), softmax(test_logits, temperature)
    return CalibrationReport(
        temperature=temperature,
        ece_before=expected_calibration_error(before, test_labels),
        ece_after=expected_calibration_error(after, test_labels),
        ece_adaptive_before=expected_calibration_error(before, test_labels, adaptive=True),
        ece_adaptive_after=expected_calibration_error(after, test_labels, adaptive=True),
        nll_before=negative_log_likelihood(test_logits, test_labels),
        nll_after=negative_log_likelihood(test_logits, test_labels, temperature),
        n_fit=len(fit_labels),
        n_test=len(test_labels),
        fitted_on=fitted_on,
    )


def _log_probabilities(logits: Logits, temperature: float) -> NDArray[np.float64]:
    return np.asarray(log_softmax(logits.astype(np.float64) / temperature, axis=1))


def _check(outputs: NDArray[np.floating[Any]], labels: Labels) -> None:
    if outputs.ndim != 2 or labels.shape != outputs.shape[:1] or labels.size == 0:
        raise ValueError(f"{outputs.shape} outputs and {labels.shape} labels are not n ≥ 1 rows.")
    if not np.isfinite(outputs).all():
        raise ValueError("The outputs of the model are not all finite.")
    if labels.min() < 0 or labels.max() >= outputs.shape[1]:
        raise ValueError(f"A label is outside 0..{outputs.shape[1] - 1}.")
