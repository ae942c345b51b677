"""Names and shapes of the weights of torchvision's models, without their last layers. Does not import torch.

A unit test compares each layout with torchvision's model.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

Shape = tuple[int, ...]
Layout = dict[str, Shape]
_Entries = Iterator[tuple[str, Shape]]


class MobileBlock(NamedTuple):
    """One block of MobileNetV3: kernel size, channels between its layers and behind it, with attention or not."""

    kernel: int
    expanded: int
    out: int
    attention: bool = False


#: Table 1 and table 2 of the paper (arXiv:1905.02244), as torchvision builds them
MOBILENET_V3_LARGE = (
    MobileBlock(3, 16, 16),
    MobileBlock(3, 64, 24),
    MobileBlock(3, 72, 24),
    *(MobileBlock(5, expanded, 40, True) for expanded in (72, 120, 120)),
    *(MobileBlock(3, expanded, 80) for expanded in (240, 200, 184, 184)),
    *(MobileBlock(3, expanded, 112, True) for expanded in (480, 672)),
    *(MobileBlock(5, expanded, 160, True) for expanded in (672, 960, 960)),
)
MOBILENET_V3_SMALL = (
    MobileBlock(3, 16, 16, True),
    *(MobileBlock(3, expanded, 24) for expanded in (72, 88)),
    *(MobileBlock(5, expanded, 40, True) for expanded in (96, 240, 240)),
    *(MobileBlock(5, expanded, 48, True) for expanded in (120, 144)),
    *(MobileBlock(5, expanded, 96, True) for expanded in (288, 576, 576)),
)


def resnet(blocks: Sequence[int], *, bottleneck: bool) -> Layout:
    """A ResNet with this number of blocks in each of its four stages."""
    return dict(_resnet(blocks, bottleneck))


def vit(*, patch: int, width: int, depth: int) -> Layout:
    """A vision transformer, without its position embeddings, which depend on the image size."""
    return dict(_vit(patch, width, depth))


def swin_v2(width: int, blocks: Sequence[int], heads: Sequence[int]) -> Layout:
    """A Swin transformer V2 with windows of 8 × 8: blocks and attention heads of each stage."""
    return dict(_swin_v2(width, blocks, heads))


def mobilenet_v3(blocks: Sequence[MobileBlock]) -> Layout:
    """A MobileNetV3."""
    return dict(_mobilenet_v3(blocks))


def _resnet(blocks: Sequence[int], bottleneck: bool) -> _Entries:
    yield "conv1.weight", (64, 3, 7, 7)
    yield from _batch_norm("bn1", 64)
    before = 64
    for stage, count in enumerate(blocks, 1):
        width = 32 * 2**stage
        out = 4 * width if bottleneck else width
        # The kernel sizes of a block's convolutions, and the channels behind each.
        convs = ((1, width), (3, width), (1, out)) if bottleneck else ((3, width), (3, out))
        for index in range(count):
            block, channels = f"layer{stage}.{index}", before
            for number, (kernel, behind) in enumerate(convs, 1):
                yield f"{block}.conv{number}.weight", (behind, channels, kernel, kernel)
                yield from _batch_norm(f"{block}.bn{number}", behind)
                channels = behind
            if index == 0 and (stage > 1 or before != out):
                yield f"{block}.downsample.0.weight", (out, before, 1, 1)
                yield from _batch_norm(f"{block}.downsample.1", out)
            before = out


def _vit(patch: int, width: int, depth: int) -> _Entries:
    yield "class_token", (1, 1, width)
    yield "conv_proj.weight", (width, 3, patch, patch)
    yield "conv_proj.bias", (width,)
    for index in range(depth):
        layer = f"encoder.layers.encoder_layer_{index}"
        yield from _layer(f"{layer}.ln_1", width)
        yield f"{layer}.self_attention.in_proj_weight", (3 * width, width)
        yield f"{layer}.self_attention.in_proj_bias", (3 * width,)
        yield from _layer(f"{layer}.self_attention.out_proj", width, width)
        yield from _layer(f"{layer}.ln_2", width)
        yield from _layer(f"{layer}.mlp.0", 4 * width, width)
        yield from _layer(f"{layer}.mlp.3", width, 4 * width)
    yield from _layer("encoder.ln", width)


def _swin_v2(width: int, blocks: Sequence[int], heads: Sequence[int]) -> _Entries:
    yield from _layer("features.0.0", width, 3, 4, 4)
    yield from _layer("features.0.2", width)
    for stage, (count, head_count) in enumerate(zip(blocks, heads, strict=True)):
        if stage:
            yield f"features.{2 * stage}.reduction.weight", (2 * width, 4 * width)
            yield from _layer(f"features.{2 * stage}.norm", 2 * width)
            width *= 2
        for index in range(count):
            block = f"features.{2 * stage + 1}.{index}"
            yield from _layer(f"{block}.norm1", width)
            yield f"{block}.attn.logit_scale", (head_count, 1, 1)
            yield f"{block}.attn.relative_coords_table", (1, 15, 15, 2)
            yield f"{block}.attn.relative_position_index", (64 * 64,)
            yield from _layer(f"{block}.attn.qkv", 3 * width, width)
            yield from _layer(f"{block}.attn.proj", width, width)
            yield from _layer(f"{block}.attn.cpb_mlp.0", 512, 2)
            yield f"{block}.attn.cpb_mlp.2.weight", (head_count, 512)
            yield from _layer(f"{block}.norm2", width)
            yield from _layer(f"{block}.mlp.0", 4 * width, width)
            yield from _layer(f"{block}.mlp.3", width, 4 * width)
    yield from _layer("norm", width)


def _mobilenet_v3(blocks: Sequence[MobileBlock]) -> _Entries:
    yield from _conv("features.0", 16, 3, 3)
    before = 16
    for index, block in enumerate(blocks, 1):
        layer = 0
        if block.expanded != before:
            yield from _conv(f"features.{index}.block.{layer}", block.expanded, before, 1)
            layer += 1
        yield from _conv(f"features.{index}.block.{layer}", block.expanded, 1, block.kernel)
        layer += 1
        if block.attention:
            squeezed = _multiple_of_8(block.expanded / 4)
            yield from _layer(f"features.{index}.block.{layer}.fc1", squeezed, block.expanded, 1, 1)
            yield from _layer(f"features.{index}.block.{layer}.fc2", block.expanded, squeezed, 1, 1)
            layer += 1
        yield from _conv(f"features.{index}.block.{layer}", block.out, block.expanded, 1)
        before = block.out
    yield from _conv(f"features.{len(blocks) + 1}", 6 * before, before, 1)


def _layer(name: str, out: int, *others: int) -> _Entries:
    """A linear layer or a convolution with a bias; without `others` a layer norm."""
    yield f"{name}.weight", (out, *others)
    yield f"{name}.bias", (out,)


def _conv(name: str, out: int, before: int, kernel: int) -> _Entries:
    """A convolution and its batch norm."""
    yield f"{name}.0.weight", (out, before, kernel, kernel)
    yield from _batch_norm(f"{name}.1", out)


def _batch_norm(name: str, channels: int) -> _Entries:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and at least 90 % of the number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
