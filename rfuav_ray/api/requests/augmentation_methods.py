"""The names of the methods that augment images; the names of augmented images end with them."""

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
