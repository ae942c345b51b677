"""What the report of an evaluation says beside its numbers: settings, warnings and reliability diagrams."""

from collections.abc import Sequence

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.evaluation.calibration import ReliabilityBin, reliability
from rfuav_ray.evaluation.measured import Measured
from rfuav_ray.evaluation.report.files import About
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.objects.shown import shown

#: fields of a request that say nothing about the numbers
_UNTOLD = {"description", "name", "copy_to", "on_existing", "priority", "save_path", "task_id"}
#: also where they are the defaults
_ALWAYS_TOLD = {"data_path", "cfg_path", "weight_path", "device", "precision", "known_false_alarm"}


def about(request: EvaluationRequest, config: ModelConfig, numbers: Measured, warnings: Sequence[str]) -> About:
    """What stands beside the numbers of `numbers.report`."""
    told = request.model_dump(mode="json", include=_ALWAYS_TOLD)
    told |= request.model_dump(mode="json", exclude=_UNTOLD, exclude_defaults=True)
    settings = {"model": config.model, "image_size": config.image_size, **told}
    if request.snr_sweep is not None:
        sweep = request.snr_sweep.model_dump(exclude_none=True)
        settings["snr_sweep"] = ", ".join(f"{name} {value:g}" for name, value in sweep.items())
    return About(
        config.model, shown(settings), tuple(dict.fromkeys(map(shown, warnings))), _reliability(config, numbers)
    )


def keeping_warnings(warnings: list[str], report: Report) -> Report:
    """A report that adds the messages of warnings to a list, and passes everything on."""

    def keep(event: RunEvent) -> None:
        if event.level != "INFO" and event.message:
            warnings.append(event.message)
        report(event)

    return keep


def _reliability(config: ModelConfig, numbers: Measured) -> list[tuple[str, list[ReliabilityBin]]]:
    calibration, measuring = numbers.report["calibration"], numbers.measuring
    if calibration is None or measuring is None:
        test = numbers.test
        return [("as it is", reliability(test.probabilities(config.temperature), test.labels))]
    before, after = measuring.probabilities(1.0), measuring.probabilities(calibration["temperature"])
    return [
        ("before", reliability(before, measuring.labels)),
        (f"with temperature {calibration['temperature']:.3g}", reliability(after, measuring.labels)),
    ]
