"""Facts about the supported models. Does not import torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from rfuav_ray.errors import InvalidInput

Shapes = Mapping[str, tuple[int, ...]]

POSITIONS = "encoder.pos_embedding"
#: prefixes of the last layers' names in the state dicts of all these models
_HEADS = ("fc.", "heads.", "head.", "classifier.")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A supported torchvision model. Its last layer is replaced to fit the number of classes."""

    #: numbers of entries and of elements in the backbone's state dict; the pair identifies the model
    entries: int
    elements: int
    #: the last layer's name in the state dict, and the number of features that the backbone gives
    head: str
    features: int
    #: width of the hidden layer in MobileNetV3's head
    hidden: int | None = None
    #: side of a ViT's patches, in pixels
    patch: int | None = None
    #: whether some batch norm layer sees a single value per channel for a batch of one image of 32 × 32 pixels
    batch_norm: bool = False

    def head_shapes(self, num_classes: int) -> dict[str, tuple[int, ...]]:
        """The state dict entries of the head that `build_model` puts on the backbone."""
        last_input = self.hidden or self.features
        shapes: dict[str, tuple[int, ...]] = {
            f"{self.head}.weight": (num_classes, last_input),
            f"{self.head}.bias": (num_classes,),
        }
        if self.hidden:
            shapes["classifier.0.weight"] = (self.hidden, self.features)
            shapes["classifier.0.bias"] = (self.hidden,)
        return shapes


def _resnet(entries: int, elements: int, features: int) -> Architecture:
    return Architecture(entries=entries, elements=elements, head="fc", features=features, batch_norm=True)


def _vit(entries: int, elements: int, features: int, patch: int) -> Architecture:
    return Architecture(entries=entries, elements=elements, head="heads.head", features=features, patch=patch)


def _swin(entries: int, elements: int, features: int) -> Architecture:
    return Architecture(entries=entries, elements=elements, head="head", features=features)


def _mobilenet(entries: int, elements: int, features: int) -> Architecture:
    return Architecture(
        entries=entries,
        elements=elements,
        head="classifier.3",
        features=features,
        hidden=512,
        batch_norm=True,
    )


#: A unit test compares these numbers with torchvision's models.
ARCHITECTURES: dict[str, Architecture] = {
    "resnet18": _resnet(100, 11_186_112, 512),
    "resnet34": _resnet(180, 21_301_696, 512),
    "resnet50": _resnet(265, 23_561_152, 2048),
    "resnet101": _resnet(520, 42_605_504, 2048),
    "resnet152": _resnet(775, 58_295_232, 2048),
    "vit_b_16": _vit(149, 85_647_360, 768, 16),
    "vit_b_32": _vit(149, 87_416_832, 768, 32),
    "vit_l_16": _vit(293, 303_099_904, 1024, 16),
    "vit_l_32": _vit(293, 305_459_200, 1024, 32),
    "swin_v2_t": _swin(231, 27_637_122, 768),
    "swin_v2_s": _swin(447, 49_077_546, 768),
    "swin_v2_b": _swin(447, 87_014_952, 1024),
    "mobilenet_v3_large": _mobilenet(262, 2_996_352, 960),
    "mobilenet_v3_small": _mobilenet(206, 939_120, 576),
}


def find(name: str) -> Architecture:
    """The architecture of this name. Raises InvalidInput("model") if there is none."""
    if name not in ARCHITECTURES:
        raise InvalidInput("model", f"'{name}' is not supported; choose one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def check_image_size(name: str, image_size: int) -> None:
    """Raise InvalidInput("image_size") if the model does not support images of image_size × image_size pixels."""
    patch = find(name).patch
    if patch and image_size % patch:
        lower = max(patch, image_size - image_size % patch)
        raise InvalidInput(
            "image_size",
            f"{name} needs a multiple of {patch}, not {image_size}; choose {lower} or {lower + patch}.",
        )


def trains_on_one_image(name: str, image_size: int) -> bool:
    """Whether the model trains on a batch of one image. Batch norm then needs a feature map larger than 1 × 1."""
    return not (find(name).batch_norm and image_size <= 32)


def check_batch(name: str, batch_size: int, image_size: int) -> None:
    """Raise InvalidInput("batch_size") if the model cannot train on batches of this size."""
    if batch_size == 1 and not trains_on_one_image(name, image_size):
        raise InvalidInput(
            "batch_size",
            f"{name} cannot train on one image at a time at image_size {image_size}, because batch norm then "
            "sees a single number; choose a batch_size of 2 or more, or a larger image_size.",
        )


def in_head(key: str) -> bool:
    """Whether a state dict entry belongs to the last layers, which depend on the classes."""
    return key.startswith(_HEADS)


def backbone(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The entries that do not depend on the classes, the image size or torch's version."""
    return {
        name: shape
        for name, shape in shapes.items()
        if not in_head(name) and name != POSITIONS and not name.endswith(".num_batches_tracked")
    }


def identify(shapes: Shapes) -> str | None:
    """The name of the supported model whose backbone has these shapes; None if there is none."""
    kept = backbone(shapes)
    signature = (len(kept), sum(prod(shape) for shape in kept.values()))
    for name, architecture in ARCHITECTURES.items():
        if (architecture.entries, architecture.elements) == signature:
            return name
    return None


def misfit(shapes: Shapes, *, model: str, num_classes: int | None, image_size: int) -> str | None:
    """Why weights do not fit a model.

    Args:
        shapes: The shapes of the weights, by name.
        model: Name of the model.
        num_classes: None (start of a training) accepts any head and any image size.
        image_size: Side of the model's input in pixels.

    Returns:
        The rest of a sentence that begins with the file's name; None if the weights fit.
    """
    architecture = find(model)
    found = identify(shapes)
    if found is None:
        return f"holds {len(shapes)} weights, which fit no supported model; the model is {model}."
    if found != model:
        return f"holds weights of {found}, but the model is {model}; choose a weights file of {model}."
    if num_classes is None:
        return None
    head = {name: shape for name, shape in shapes.items() if in_head(name)}
    expected = architecture.head_shapes(num_classes)
    if head != expected:
        return _head_misfit(head, architecture, num_classes)
    if architecture.patch:
        positions = (image_size // architecture.patch) ** 2 + 1
        if shapes.get(POSITIONS) != (1, positions, architecture.features):
            return (
                f"was trained at another image_size than {image_size}, and {model} cannot change it "
                "afterwards; use the image_size of its training."
            )
    return None


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
