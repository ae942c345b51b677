"""Finds the weights of a model in the content of a weights file. Does not import torch.

Training programs store a state dict under many keys, and wrappers put prefixes before its names. What counts is
whether the rest of the names fit the model.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rfuav_ray.errors import RfuavError
from rfuav_ray.models import architectures
from rfuav_ray.models.architectures import ARCHITECTURES
from rfuav_ray.models.weights import fit
from rfuav_ray.models.weights.layouts import Layout, Shape

#: keys under which training programs store a state dict, or a mapping that has one. Averages are at the end.
#: Lightning's WeightAveraging keeps the plain weights in `current_model_state`.
CHECKPOINT_KEYS = (
    "current_model_state",
    "model",
    "state_dict",
    "model_state_dict",
    "model_state",
    "net",
    "net_state_dict",
    "network",
    "weights",
    "params",
    "module",
    "checkpoint",
    "ema",
    "ema_model",
    "ema_state_dict",
    "model_ema",
    "params_ema",
    "state_dict_ema",
)
#: parts that DataParallel, torch.compile, FSDP and activation checkpointing put into names, at any place
_WRAPPERS = re.compile(r"(?<![^.])(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_AVERAGE = re.compile(r"(?:^|[._])(?:ema|swa|avg|averaged?|teacher)(?:[._]|$)", re.IGNORECASE)
_MAX_NESTED = 4
_MAX_SETS = 20

#: gives the shape of a tensor, and None for everything else
ShapeOf = Callable[[object], Shape | None]


class Misfit(RfuavError):
    """The weights do not fit. The message is the rest of a sentence that begins with the file's name."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The tensors of one model in a weights file."""

    #: keys of the checkpoint, then the prefix of the names; "" where there is neither
    place: str
    #: the tensors and their shapes, by the names that the model gives them
    tensors: Mapping[str, Any]
    shapes: fit.Shapes
    #: shapes of what has another prefix and belongs to no other weights
    beside: fit.Shapes
    is_average: bool
    #: how many names are those of the model
    known: int

    def misfit(self, model: str, num_classes: int | None, image_size: int) -> str | None:
        return fit.misfit(
            self.shapes, model=model, num_classes=num_classes, image_size=image_size, beside=self.beside
        )


def find_weights(
    content: object, shape_of: ShapeOf, *, model: str, num_classes: int | None, image_size: int
) -> tuple[Weights, list[str]]:
    """Find the weights that fit a model.

    If several do, those of the plain model win over averages (EMA), and then the first.

    Args:
        content: What the file holds.
        shape_of: Gives the shape of a tensor.
        model: Name of the model.
        num_classes: None (start of a training) accepts any head and any image size.
        image_size: Side of the model's input in pixels.

    Returns:
        The weights, and what the user should know: entries that are ignored, and other weights that would fit.

    Raises:
        Misfit: No weights in the file fit.
    """
    found = list(_candidates(content, shape_of, architectures.find(model).backbone))
    if not found:
        keys = fit.listed([f"'{key}'" for key in content]) if isinstance(content, Mapping) else ""
        raise Misfit(
            f"holds no state dict of a model{'; its keys are ' if keys else ''}{keys}. Save the weights with "
            "torch.save(model.state_dict(), path)."
        )
    reasons = [each.misfit(model, num_classes, image_size) for each in found]
    fitting = [each for each, reason in zip(found, reasons, strict=True) if reason is None]
    if not fitting:
        _refuse_another_model(content, shape_of, model)
        best = max(range(len(found)), key=lambda index: found[index].known)
        place = f" (Its names were compared below '{found[best].place}'.)" if found[best].place else ""
        raise Misfit(f"{reasons[best]}{place}")
    fitting.sort(key=lambda each: each.is_average)  # a stable sort
    chosen = fitting[0]
    notes = []
    if len(fitting) > 1:
        places = ", ".join(f"'{each.place}'" for each in fitting)
        notes.append(f"holds several sets of weights of {model}: {places}. '{chosen.place}' is used.")
    if ignored := [*fit.unused(chosen.shapes, model), *chosen.beside]:
        notes.append(f"also holds {fit.listed(ignored)}. {model} has no such weights, so they are ignored.")
    return chosen, notes


def state_dicts(
    content: object, shape_of: ShapeOf, place: str = "", seen: tuple[int, ...] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tensors by name of each mapping that has some, with its place in the file."""
    if not isinstance(content, Mapping) or id(content) in seen or len(seen) > _MAX_NESTED:
        return
    for key in CHECKPOINT_KEYS:
        yield from state_dicts(content.get(key), shape_of, f"{place}{key}.", (*seen, id(content)))
    tensors = {
        name: value for name, value in content.items() if isinstance(name, str) and shape_of(value) is not None
    }
    if tensors:
        yield place, tensors


def _candidates(content: object, shape_of: ShapeOf, layout: Layout) -> Iterator[Weights]:
    """Yield what may be the weights of a model with this layout: of each state dict at least one."""
    for place, tensors in state_dicts(content, shape_of):
        unwrapped = {_WRAPPERS.sub("", name): value for name, value in tensors.items()}
        # Where two names become one, the wrapper's name tells two copies of a model apart.
        state = unwrapped if len(unwrapped) == len(tensors) else tensors
        known = _prefixes(state, layout)
        prefixes = [prefix for prefix, count in known if 2 * count > len(layout)] or [known[0][0]]
        owners = {name: _longest(prefixes, name) for name in state}
        beside = {name: state[name] for name, owner in owners.items() if owner is None}
        for prefix in prefixes:
            own = {name.removeprefix(prefix): state[name] for name, owner in owners.items() if owner == prefix}
            yield Weights(
                place=f"{place}{prefix}".rstrip("."),
                tensors=own,
                shapes=_shapes(own, shape_of),
                beside=_shapes(beside, shape_of),
                is_average=bool(_AVERAGE.search(f"{place}{prefix}")) or "n_averaged" in own,
                known=dict(known)[prefix],
            )


def _prefixes(state: Mapping[str, Any], layout: Layout) -> list[tuple[str, int]]:
    """The prefixes before names of the model, and the number of these names. The most frequent is the first."""
    depth = max(name.count(".") for name in layout) + 1
    known: Counter[str] = Counter()
    for name in state:
        parts = name.split(".")
        for start in range(max(0, len(parts) - depth), len(parts)):
            if ".".join(parts[start:]) in layout:
                known["".join(f"{part}." for part in parts[:start])] += 1
    return known.most_common(_MAX_SETS) or [("", 0)]


def _longest(prefixes: Sequence[str], name: str) -> str | None:
    return max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)


def _shapes(tensors: Mapping[str, Any], shape_of: ShapeOf) -> fit.Shapes:
    return {name: shape for name, value in tensors.items() if (shape := shape_of(value)) is not None}


def _refuse_another_model(content: object, shape_of: ShapeOf, model: str) -> None:
    """Raise Misfit if the file holds weights of another supported model."""
    for name, architecture in ARCHITECTURES.items():
        for weights in _candidates(content, shape_of, architecture.backbone):
            if name != model and weights.misfit(name, None, 224) is None:
                raise Misfit(
                    f"holds weights of {name}, but the model is {model}; choose a weights file of {model}."
                )
