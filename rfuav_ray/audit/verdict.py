"""The verdict of an audit: the gravest of its sentences decides."""

from collections.abc import Sequence

from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.findings import Sentence, Verdict
from rfuav_ray.events import RunEvent, clean

_GRAVEST_FIRST: tuple[Verdict, ...] = ("leaks", "suspicious", "clean")


def verdict_of(sentences: Sequence[Sentence]) -> AuditVerdict:
    """Sort the sentences, of which there must be one at least."""
    ordered = sorted(sentences, key=lambda one: _GRAVEST_FIRST.index(one[0]))
    return {"verdict": ordered[0][0], "sentences": [clean(text) for _, text in ordered]}


def told(judged: AuditVerdict, what: str) -> RunEvent:
    """The event that tells a verdict: a WARNING unless it is `clean`.

    Args:
        judged: The verdict.
        what: Begins the message, such as `Audit`.
    """
    message = f"{what}: {judged['verdict']}. {' '.join(judged['sentences'])}"
    return RunEvent(message=message, level="INFO" if judged["verdict"] == "clean" else "WARNING")
