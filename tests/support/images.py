"""Images of two classes that a small network tells apart: stripes across and stripes down, with noise."""

import cv2
import numpy as np

CLASSES = ("horizontal", "vertical")


def write_image(path, class_name, rng):
    stripes = np.tile((np.arange(48) // 4 % 2 * 200).astype(np.float32), (48, 1))
    image = stripes if class_name == "vertical" else stripes.T
    noisy = np.clip(image + rng.normal(20, 15, image.shape), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), noisy)
