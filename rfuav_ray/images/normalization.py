"""Normalization of a model's input images. Does not import torch."""

from typing import Annotated

from pydantic import BaseModel, Field

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Normalization(BaseModel, frozen=True):
    """Mean and standard deviation of the red, green and blue channels, for values 0..1."""

    mean: tuple[_Finite, _Finite, _Finite]
    std: tuple[_Positive, _Positive, _Positive]


#: the values that torchvision's ImageNet weights were trained with
IMAGENET = Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
