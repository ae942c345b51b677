"""The spectrogram of RFUAV's own tool (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py)."""

import io

import matplotlib.pyplot as plt
import numpy as np
import scipy.signal
from PIL import Image as PilImage

from rfuav_ray.signals.stored_samples import Samples
from rfuav_ray.signals.styles.colors import Image


def spectrogram(samples: Samples, points: int = 1024) -> Image:
    """Draw with matplotlib and the parameters of the tool: RGB uint8 (1440, 1920, 3)."""
    _, _, spectrum = scipy.signal.stft(
        samples, window=scipy.signal.windows.hamming(points), nperseg=points, return_onesided=False
    )
    with np.errstate(divide="ignore"):
        db = 10 * np.log10(np.abs(np.fft.fftshift(spectrum, axes=0)))
    figure = plt.figure()
    plt.imshow(db, aspect="auto", origin="lower", cmap="jet")
    plt.axis("off")
    plt.subplots_adjust(left=0, right=1, bottom=0, top=1)
    file = io.BytesIO()
    plt.savefig(file, format="png", dpi=300)
    plt.close(figure)
    return np.array(PilImage.open(file).convert("RGB"))
