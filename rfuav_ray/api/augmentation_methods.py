"""The names of the augmentations. They end the names of the images that an augmentation makes."""

from typing import Literal

AugmentationMethod = Literal["AdvancedBlur", "CLAHE", "ColorJitter", "GaussNoise", "ISONoise", "Sharpen"]
AUGMENTATION_METHODS: tuple[AugmentationMethod, ...] = (
    "AdvancedBlur",
    "CLAHE",
    "ColorJitter",
    "GaussNoise",
    "ISONoise",
    "Sharpen",
)
