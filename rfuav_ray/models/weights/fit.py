"""Whether weights fit a supported model, and which of them do not. Does not import torch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isqrt

from rfuav_ray.models import architectures
from rfuav_ray.models.architectures import ARCHITECTURES, POSITIONS, Architecture
from rfuav_ray.models.weights.layouts import Layout, Shape

Shapes = Mapping[str, Shape]

#: entries of each kind of misfit that a message names
MAX_NAMED = 5
#: last parts of the names that programs add to a state dict and that no model computes with
_COUNTERS = ("num_batches_tracked", "n_averaged", "total_ops", "total_params")


def identify(shapes: Shapes) -> str | None:
    """The name of the supported model whose backbone has these shapes; None if there is none."""
    fitting = (name for name in ARCHITECTURES if not misfit(shapes, model=name, num_classes=None, image_size=224))
    return next(fitting, None)


def misfit(
    shapes: Shapes, *, model: str, num_classes: int | None, image_size: int, beside: Shapes | None = None
) -> str | None:
    """Why weights do not fit a model.

    Args:
        shapes: The shapes of the weights, by their names in the model.
        model: Name of the model.
        num_classes: None (start of a training) accepts any head, any image size and other layers beside the model.
        image_size: Side of the model's input in pixels.
        beside: The shapes of what the state dict has without the prefix of the model's names.

    Returns:
        The rest of a sentence that begins with the file's name; None if the weights fit.
    """
    architecture = architectures.find(model)
    expected = dict(architecture.backbone)
    if architecture.patch:
        expected[POSITIONS] = shapes.get(POSITIONS, architecture.positions_shape(image_size))
    missing = [name for name in expected if name not in shapes]
    resized = [name for name, shape in expected.items() if shapes.get(name, shape) != shape]
    unexpected = _inner(shapes, architecture)
    if num_classes is not None:
        unexpected += [name for name in _outer(shapes, architecture) if _is_layer(name, shapes[name])]
        unexpected += [name for name, shape in (beside or {}).items() if _is_layer(name, shape)]
    if missing or resized or unexpected:
        return _difference(shapes, expected, model, (missing, unexpected, resized))
    positions = shapes.get(POSITIONS, ())
    if architecture.patch and not _is_square(positions, architecture.features):
        return f"has {POSITIONS} of shape {positions}, which is not that of a {model}."
    if num_classes is None:
        return None
    head = {name: shape for name, shape in shapes.items() if architectures.in_head(name)}
    if head != architecture.head_shapes(num_classes):
        return _head_misfit(head, architecture, num_classes)
    if architecture.patch and positions != architecture.positions_shape(image_size):
        return (
            f"was trained at another image_size than {image_size}, and {model} cannot change it "
            "afterwards; use the image_size of its training."
        )
    return None


def unused(shapes: Shapes, model: str) -> list[str]:
    """The names of entries that fitting weights may have, and that the model does not use."""
    architecture = architectures.find(model)
    counters = [name for name in shapes if name.endswith(_COUNTERS) and not _counts_batches(name, architecture)]
    return list(dict.fromkeys([*counters, *_outer(shapes, architecture)]))


def listed(names: Collection[str]) -> str:
    """The first names, and how many more there are."""
    shown = list(names)[:MAX_NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{', '.join(shown)}{more}"


def _inner(shapes: Shapes, architecture: Architecture) -> list[str]:
    """Entries within the model's own parts that the model does not have."""
    parts = _parts(architecture)
    return [
        name
        for name in shapes
        if name not in architecture.backbone
        and not (name == POSITIONS and architecture.patch)
        and not architectures.in_head(name)
        and not name.endswith(_COUNTERS)
        and name.partition(".")[0] in parts
    ]


def _outer(shapes: Shapes, architecture: Architecture) -> list[str]:
    """Entries beside the model's own parts: states of metrics, weights of a loss, or further layers."""
    parts = _parts(architecture)
    return [name for name in shapes if not architectures.in_head(name) and name.partition(".")[0] not in parts]


def _parts(architecture: Architecture) -> set[str]:
    return {name.partition(".")[0] for name in architecture.backbone}


def _is_layer(name: str, shape: Shape) -> bool:
    return name.endswith(("bias", "running_mean")) or (name.endswith("weight") and len(shape) > 1)


def _counts_batches(name: str, architecture: Architecture) -> bool:
    layer = name.removesuffix("num_batches_tracked")
    return layer != name and f"{layer}running_mean" in architecture.backbone


def _is_square(positions: Shape, features: int) -> bool:
    patches = positions[1] - 1 if len(positions) == 3 else -1
    return patches > 0 and positions == (1, isqrt(patches) ** 2 + 1, features)


def _difference(shapes: Shapes, expected: Layout, model: str, wrong: Sequence[list[str]]) -> str:
    missing, unexpected, resized = wrong
    if 2 * len(missing) > len(expected):
        start = f"holds {len(shapes)} weights, which fit no supported model; the model is {model}. For it"
    else:
        start = f"does not fit {model}:"
    return f"{start} {'; '.join(_reasons(shapes, expected, missing, unexpected, resized))}."


def _reasons(
    shapes: Shapes, expected: Layout, missing: list[str], unexpected: list[str], resized: list[str]
) -> Iterator[str]:
    if missing:
        yield f"{len(missing)} missing ({listed(missing)})"
    if unexpected:
        yield f"{len(unexpected)} unexpected ({listed(unexpected)})"
    if resized:
        sides = [f"{name} is {shapes[name]} instead of {expected[name]}" for name in resized]
        yield f"{len(resized)} of another shape ({listed(sides)})"


def _head_misfit(head: Shapes, architecture: Architecture, num_classes: int) -> str:
    last = head.get(f"{architecture.head}.weight", ())
    if last and head == architecture.head_shapes(last[0]):
        return (
            f"has {last[0]} classes, but num_classes is {num_classes}. Use the config and weights of the same "
            "training."
        )
    found = ", ".join(f"{name} {shape}" for name, shape in head.items()) or "none"
    expected = architecture.head_shapes(num_classes)
    wanted = ", ".join(f"{name} {shape}" for name, shape in expected.items())
    return f"has the last layers {found}, but this service builds {wanted}."
