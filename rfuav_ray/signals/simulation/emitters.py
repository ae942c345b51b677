"""The simulated emitters: eight kinds to learn, two that no training sees, and the neighbours in the band.

They are generic and imitate no product. They are made for 20 MS/s and spectrograms of about 20 ms.
"""

from rfuav_ray.signals.simulation.hopping import HoppingRemote
from rfuav_ray.signals.simulation.ofdm import OfdmLink
from rfuav_ray.signals.simulation.single_carrier import AnalogVideo, Telemetry
from rfuav_ray.signals.simulation.waveforms import Emitter

EMITTERS: dict[str, Emitter] = {
    "ofdm_5mhz_video": OfdmLink(bandwidth_hz=5e6, subcarrier_spacing_hz=30e3, bursts=((1.6e-3, 0.4e-3),)),
    "ofdm_10mhz_video": OfdmLink(bandwidth_hz=10e6, subcarrier_spacing_hz=15e3, bursts=((4.3e-3, 0.7e-3),)),
    # Differs from ofdm_10mhz_video only in its bursts.
    "ofdm_10mhz_duplex": OfdmLink(
        bandwidth_hz=10e6, subcarrier_spacing_hz=15e3, bursts=((1.8e-3, 0.7e-3), (0.6e-3, 0.9e-3))
    ),
    "ofdm_16mhz_burst": OfdmLink(
        bandwidth_hz=16e6, subcarrier_spacing_hz=60e3, bursts=((0.7e-3, 0.3e-3), (0.7e-3, 2.3e-3))
    ),
    "gfsk_fast_shuffle": HoppingRemote(
        bandwidth_hz=1e6, channels=15, channel_spacing_hz=1e6, hop_s=1e-3, dwell_s=0.6e-3, order="shuffle"
    ),
    # Differs from gfsk_fast_shuffle only in its order.
    "gfsk_fast_zigzag": HoppingRemote(
        bandwidth_hz=1e6, channels=15, channel_spacing_hz=1e6, hop_s=1e-3, dwell_s=0.6e-3, order="zigzag"
    ),
    "gfsk_slow_sweep": HoppingRemote(
        bandwidth_hz=2e6, channels=5, channel_spacing_hz=3e6, hop_s=2.5e-3, dwell_s=1.7e-3, order="sweep"
    ),
    "chirp_slow_shuffle": HoppingRemote(
        bandwidth_hz=0.8e6,
        channels=10,
        channel_spacing_hz=1.5e6,
        hop_s=4e-3,
        dwell_s=3e-3,
        order="shuffle",
        modulation="chirp",
    ),
}

#: kinds for tests of what a model says to the unknown: no demo and no training uses them
HELD_OUT: dict[str, Emitter] = {
    "fm_analog_video": AnalogVideo(deviation_hz=5e6, pixel_rate_hz=1e6),
    "qpsk_3mhz_telemetry": Telemetry(
        symbol_rate_hz=2.4e6, rolloff=0.25, bursts=((0.9e-3, 0.35e-3), (0.25e-3, 1.5e-3))
    ),
}

WIFI = OfdmLink(
    bandwidth_hz=16.6e6,
    subcarrier_spacing_hz=312.5e3,
    bursts=((0.4e-3, 2.5e-3), (0.1e-3, 1.5e-3)),
    jitter=0.9,
)
BLUETOOTH = HoppingRemote(
    bandwidth_hz=1e6, channels=79, channel_spacing_hz=1e6, hop_s=625e-6, dwell_s=366e-6, order="shuffle"
)
