"""How surely a signal is one of the classes that a model knows. A score below the model's threshold is unknown.

- `probability`: the calibrated probability of the likeliest class, 0 to 1.
- `energy`: `T·logsumexp(logits / T)`, the negative of the free energy (Liu et al., "Energy-based
  Out-of-distribution Detection", 2020).
- `max_logit`: the largest logit (Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World
  Settings", 2022).

The last two keep what the softmax takes away: how strongly the network responds at all.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from rfuav_ray.models.config import KnownScore, ModelConfig

#: decimals of a score and of a threshold: more than single precision has
DECIMALS = 6


def known_scores(logits: NDArray[np.floating[Any]], score: KnownScore, temperature: float) -> NDArray[np.float64]:
    """The score of each row of `logits` (n, classes), shape (n,). Higher is more surely known."""
    exact = logits.astype(np.float64)
    if score == "max_logit":
        return np.asarray(exact.max(axis=1))
    if score == "energy":
        return np.asarray(temperature * logsumexp(exact / temperature, axis=1))
    return np.asarray(softmax(exact / temperature, axis=1).max(axis=1))


def described(config: ModelConfig) -> str:
    """What the model calls unknown, as a sentence; "" if it has no threshold."""
    names = {"probability": "probability", "energy": "energy score", "max_logit": "largest logit"}
    if config.threshold is None:
        return ""
    return f"The model calls a signal unknown if its {names[config.score]} is below {config.threshold:.6g}."
