"""Facts about the supported models. Does not import torch."""

from dataclasses import dataclass

from rfuav_ray.errors import InvalidInput
from rfuav_ray.models.weights import layouts
from rfuav_ray.models.weights.layouts import Layout, Shape

POSITIONS = "encoder.pos_embedding"
#: prefixes of the last layers' names in the state dicts of all these models
_HEADS = ("fc.", "heads.", "head.", "classifier.")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A supported torchvision model. Its last layer is replaced to fit the number of classes."""

    #: names and shapes of the weights that depend neither on the classes nor on the image size
    backbone: Layout
    #: the last layer's name in the state dict, and the number of features that the backbone gives
    head: str
    features: int
    #: width of the hidden layer in MobileNetV3's head
    hidden: int | None = None
    #: side of a ViT's patches, in pixels
    patch: int | None = None
    #: whether some batch norm layer sees a single value per channel for a batch of one image of 32 × 32 pixels
    batch_norm: bool = False

    def head_shapes(self, num_classes: int) -> Layout:
        """The state dict entries of the head that `build_model` puts on the backbone."""
        last_input = self.hidden or self.features
        shapes: Layout = {
            f"{self.head}.weight": (num_classes, last_input),
            f"{self.head}.bias": (num_classes,),
        }
        if self.hidden:
            shapes["classifier.0.weight"] = (self.hidden, self.features)
            shapes["classifier.0.bias"] = (self.hidden,)
        return shapes

    def positions_shape(self, image_size: int) -> Shape:
        """The shape of a ViT's position embeddings: one for each patch, and one for the class token."""
        assert self.patch is not None
        return 1, (image_size // self.patch) ** 2 + 1, self.features


def _resnet(*blocks: int, bottleneck: bool) -> Architecture:
    backbone = layouts.resnet(blocks, bottleneck=bottleneck)
    return Architecture(backbone=backbone, head="fc", features=2048 if bottleneck else 512, batch_norm=True)


def _vit(patch: int, width: int, depth: int) -> Architecture:
    backbone = layouts.vit(patch=patch, width=width, depth=depth)
    return Architecture(backbone=backbone, head="heads.head", features=width, patch=patch)


def _swin(width: int, blocks: tuple[int, ...], heads: tuple[int, ...]) -> Architecture:
    return Architecture(backbone=layouts.swin_v2(width, blocks, heads), head="head", features=8 * width)


def _mobilenet(blocks: tuple[layouts.MobileBlock, ...]) -> Architecture:
    return Architecture(
        backbone=layouts.mobilenet_v3(blocks),
        head="classifier.3",
        features=6 * blocks[-1].out,
        hidden=512,
        batch_norm=True,
    )


#: A unit test compares them with torchvision's models.
ARCHITECTURES: dict[str, Architecture] = {
    "resnet18": _resnet(2, 2, 2, 2, bottleneck=False),
    "resnet34": _resnet(3, 4, 6, 3, bottleneck=False),
    "resnet50": _resnet(3, 4, 6, 3, bottleneck=True),
    "resnet101": _resnet(3, 4, 23, 3, bottleneck=True),
    "resnet152": _resnet(3, 8, 36, 3, bottleneck=True),
    "vit_b_16": _vit(16, 768, 12),
    "vit_b_32": _vit(32, 768, 12),
    "vit_l_16": _vit(16, 1024, 24),
    "vit_l_32": _vit(32, 1024, 24),
    "swin_v2_t": _swin(96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "swin_v2_s": _swin(96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "swin_v2_b": _swin(128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "mobilenet_v3_large": _mobilenet(layouts.MOBILENET_V3_LARGE),
    "mobilenet_v3_small": _mobilenet(layouts.MOBILENET_V3_SMALL),
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
