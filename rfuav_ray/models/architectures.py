"""Facts about the supported models that must be known without loading torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from rfuav_ray.errors import InvalidInput

Shapes = Mapping[str, tuple[int, ...]]

POSITIONS = "encoder.pos_embedding"
#: what the last layers of all these models are called in a state dict
_HEADS = ("fc.", "heads.", "head.", "classifier.")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One torchvision model whose last layer tells our classes apart."""

    #: entries of the backbone's state dict and the numbers in them: what tells the models apart
    entries: int
    elements: int
    #: the last layer's name in the state dict, and what it gets from the backbone
    head: str
    features: int
    #: MobileNetV3's head has a hidden layer of this width
    hidden: int | None = None
    #: ViT cuts a picture into squares of this size
    patch: int | None = None
    #: a batch norm layer sees one number for each channel when an image of 32 × 32 comes alone
    batch_norm: bool = False

    def head_shapes(self, num_classes: int) -> dict[str, tuple[int, ...]]:
        """The state dict's entries for the head that we put on the backbone."""
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


#: A unit test compares these figures with torchvision's models.
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
    """The architecture of this name; InvalidInput("model") when there is none."""
    if name not in ARCHITECTURES:
        raise InvalidInput("model", f"'{name}' is not supported; choose one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def check_image_size(name: str, image_size: int) -> None:
    """InvalidInput("image_size") when the model cannot work on squares of this size (pixels)."""
    patch = find(name).patch
    if patch and image_size % patch:
        lower = max(patch, image_size - image_size % patch)
        raise InvalidInput(
            "image_size",
            f"{name} needs a multiple of {patch}, not {image_size}; choose {lower} or {lower + patch}.",
        )


def trains_on_one_image(name: str, image_size: int) -> bool:
    """Whether a batch may hold a single image: batch norm needs a feature map larger than 1 × 1 for it."""
    return not (find(name).batch_norm and image_size <= 32)


def check_batch(name: str, batch_size: int, image_size: int) -> None:
    """InvalidInput("batch_size") when the model cannot train on batches of this size."""
    if batch_size == 1 and not trains_on_one_image(name, image_size):
        raise InvalidInput(
            "batch_size",
            f"{name} cannot train on one image at a time at image_size {image_size}, because batch norm then "
            "sees a single number; choose a batch_size of 2 or more, or a larger image_size.",
        )


def in_head(key: str) -> bool:
    """Whether a state dict's entry belongs to the last layers, which depend on the classes."""
    return key.startswith(_HEADS)


def backbone(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The entries that depend neither on the classes nor on the image size, nor on torch's version."""
    return {
        name: shape
        for name, shape in shapes.items()
        if not in_head(name) and name != POSITIONS and not name.endswith(".num_batches_tracked")
    }


def identify(shapes: Shapes) -> str | None:
    """The supported model whose state dict has these shapes, whatever its head."""
    kept = backbone(shapes)
    signature = (len(kept), sum(prod(shape) for shape in kept.values()))
    for name, architecture in ARCHITECTURES.items():
        if (architecture.entries, architecture.elements) == signature:
            return name
    return None


def misfit(shapes: Shapes, *, model: str, num_classes: int | None, image_size: int) -> str | None:
    """Why these weights don't fit the model, as the rest of a sentence about their file; None when they do.

    Without `num_classes` (the start of a training) any head and any image size do.
    """
    architecture = find(model)
    found = identify(shapes)
    if found is None:
        return f"holds {len(shapes)} weights that are those of no supported model; the model is {model}."
    if found != model:
        return f"holds weights of {found}, but the model is {model}; name a weights file of {model}."
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
                f"was trained at another image_size than {image_size}, which {model} cannot change "
                "afterwards; give the image_size of its training."
            )
    return None


def _head_misfit(head: Shapes, architecture: Architecture, num_classes: int) -> str:
    last = head.get(f"{architecture.head}.weight", ())
    if last and head == architecture.head_shapes(last[0]):
        return f"tells {last[0]} classes apart, but num_classes is {num_classes}; use files of one training."
    found = ", ".join(f"{name} {shape}" for name, shape in head.items()) or "none"
    expected = architecture.head_shapes(num_classes)
    wanted = ", ".join(f"{name} {shape}" for name, shape in expected.items())
    return f"has other last layers ({found}) than this service builds ({wanted})."
