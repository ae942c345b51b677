"""Reports that stop a run."""

from rfuav_ray.events import Report, RunEvent


def stopping_after(batches: int, error: type[BaseException]) -> Report:
    """A report that raises the error when it has seen so many batches of pictures."""
    seen: list[bool] = []

    def report(event: RunEvent) -> None:
        seen.append(event.metrics is not None)
        if sum(seen) == batches:
            raise error

    return report
