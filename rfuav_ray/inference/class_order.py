"""Which class name belongs to which output of the model."""

from rfuav_ray.api.requests.fields import ClassOrder
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.models.class_names import doubts, first_difference, is_sorted
from rfuav_ray.models.config import ModelConfig


def ordered(config: ModelConfig, class_order: ClassOrder, report: Report) -> ModelConfig:
    """The config with its class names in the order that the request wants.

    Args:
        config: The config as its file says it.
        class_order: Of the request.
        report: Receives a WARNING for each doubt about the names or their order.
    """
    for doubt in doubts(config.class_names):
        report(RunEvent(message=f"The config's class_names are doubtful: {doubt}.", level="WARNING"))
    if is_sorted(config.class_names):
        return config
    difference = first_difference(config.class_names)
    if class_order == "sorted":
        message = f"The class names are used in sorted order, as class_order says: {difference}."
        report(RunEvent(message=message))
        return config.sorted_classes()
    if config.has_doubtful_order:
        message = (
            f"The config's class_names are not in sorted order: {difference}. RFUAV's trainer numbers classes in "
            "sorted order, whatever its config lists. The config's order is used; class_order: sorted uses the "
            "sorted order."
        )
        report(RunEvent(message=message, level="WARNING"))
    return config
