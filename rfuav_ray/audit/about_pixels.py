"""What the pixels of images say, in sentences."""

from rfuav_ray.audit.findings import Findings, Sentence, Verdict, images
from rfuav_ray.audit.pixels.baseline import Baseline

#: the share of look-alikes above which a verdict is `suspicious`. Independent pictures of the data sets that were
#: measured gave none; docs/decisions/0061-verdicts-of-an-audit.md
MOST_LOOK_ALIKES = 0.01
#: The part of chance's errors that the nearest neighbour leaves. Pictures of one recording on both sides left 2 %,
#: independent ones 19 to 48 %. What names tell apart is doubted only if there is next to no error.
FEWEST_ERRORS, FEWEST_ERRORS_IF_TOLD = 0.05, 0.01
LARGEST_IMBALANCE = 10


def about_look_alikes(count: int, of: int, example: str, findings: Findings) -> list[Sentence]:
    """A sentence about images that show the picture of another part.

    Args:
        count: How many there are.
        of: Of how many: the images outside of the first part.
        example: One pair.
        findings: What the names say.
    """
    if not count:
        return []
    share = f"{100 * count / of:.2g} %"
    verdict: Verdict = "suspicious" if count > MOST_LOOK_ALIKES * of else "clean"
    if len(findings.parts) == 1:
        what = (
            f"{images(count)} ({share}) {_show(count)} the picture of another one, which a random split would part"
        )
    else:
        rest = " and ".join(findings.parts[1:])
        what = f"{images(count)} of {rest} ({share}) {_show(count)} the picture of one in another part"
    why = "copies that were re-encoded, resized or changed a little, or a signal that repeats itself exactly"
    return [(verdict, f"{what}: {why} ({example}).")]


def about_baseline(baseline: Baseline | None, findings: Findings) -> list[Sentence]:
    """A sentence about what the nearest neighbour reaches."""
    if baseline is None:
        return [("clean", "There are too few images to say how far coarse pixels go.")]
    whose = "a random fifth" if baseline.is_split_here else " and ".join(findings.parts[1:])
    sample = f" ({baseline.asked} images, among {baseline.known})" if baseline.is_sample else ""
    text = (
        f"The nearest neighbour in 16 x 16 grey pixels names {100 * baseline.accuracy:.0f} % of {whose}{sample} "
        f"right; chance is {100 * baseline.chance:.0f} %."
    )
    is_told = not findings.untold and not findings.are_named_alike
    fewest = FEWEST_ERRORS_IF_TOLD if is_told else FEWEST_ERRORS
    if 1 - baseline.accuracy > fewest * (1 - baseline.chance):
        return [("clean", text)]
    doubt = "A model that does as well may know the recordings instead of the classes."
    return [("suspicious", f"{text} {doubt}")]


def about_imbalance(imbalance: float) -> list[Sentence]:
    """A sentence about classes of very different sizes."""
    if imbalance < LARGEST_IMBALANCE:
        return []
    what = f"The largest class has {imbalance:.3g} times the images of the smallest"
    return [("clean", f"{what}: look at macro_f1, not at accuracy.")]


def about_unreadable(count: int, total: int) -> list[Sentence]:
    return [("clean", f"{images(count)} of {total} cannot be read.")] if count else []


def _show(count: int) -> str:
    return "shows" if count == 1 else "show"
