"""Limits: how many runs of each kind a device takes, from the settings and from changes at run time. No I/O."""

from collections.abc import Mapping

from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.slots import INFERENCE, PREPROCESSING, TRAINING
from rfuav_ray.api.requests.fields import MAX_LIMIT
from rfuav_ray.settings import Settings

#: number of slots by device and kind
Limits = dict[str, dict[str, int]]


class LimitTable:
    """The limits of all devices: defaults from the settings, and changes made at run time.

    A change of `cuda` applies to every GPU, including GPUs that join later.
    """

    def __init__(self, settings: Settings) -> None:
        self._defaults: Limits = {
            CPU: {
                TRAINING: settings.max_training_concurrent_cpu,
                INFERENCE: settings.max_inference_concurrent_cpu,
                PREPROCESSING: settings.max_preprocessing_concurrent,
            },
            ANY_GPU: {
                TRAINING: settings.max_training_concurrent_gpu,
                INFERENCE: settings.max_inference_concurrent_gpu,
            },
        }
        self._changes: Limits = {}

    def of(self, device: str) -> dict[str, int]:
        if device == CPU:
            return self._defaults[CPU] | self._changes.get(CPU, {})
        return self._defaults[ANY_GPU] | self._changes.get(ANY_GPU, {}) | self._changes.get(device, {})

    def changed(self, limits: Mapping[str, Mapping[str, int]]) -> Limits:
        """Return all changes with `limits` added. They take effect only when `apply` gets them."""
        changes = {device: dict(kinds) for device, kinds in self._changes.items()}
        # `cuda` comes first: it overrides earlier changes of single GPUs, but not those of the same call.
        for device in sorted(limits, key=lambda name: name != ANY_GPU):
            if device == ANY_GPU:
                changes = {name: _without(kinds, limits[device], name) for name, kinds in changes.items()}
            changes[device] = changes.get(device, {}) | dict(limits[device])
        return {device: kinds for device, kinds in changes.items() if kinds}

    def apply(self, changes: Limits) -> None:
        """Put changes in force. Limits above MAX_LIMIT, which earlier versions may have stored, are reduced."""
        self._changes = {
            device: {kind: min(limit, MAX_LIMIT) for kind, limit in kinds.items()}
            for device, kinds in changes.items()
        }


def _without(kinds: dict[str, int], overridden: Mapping[str, int], device: str) -> dict[str, int]:
    if device == CPU:
        return kinds
    return {kind: limit for kind, limit in kinds.items() if kind not in overridden}
