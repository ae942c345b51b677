"""The image size as configs write it."""

import re

_NUMBER = r"\s*(\d{1,6})\s*"
_PAIR = re.compile(rf"[(\[]?{_NUMBER},{_NUMBER},?\s*[)\]]?")


def square_side(value: object) -> object:
    """The side of a square that is written as two sides: `[224, 224]`, or `(224, 224)`, which is text in YAML.

    Args:
        value: The value in a config.

    Returns:
        The side in pixels. Every other value stays as it is.

    Raises:
        ValueError: It is a rectangle.
    """
    sides: tuple[object, ...] = ()
    if isinstance(value, str) and (match := _PAIR.fullmatch(value.strip())):
        sides = tuple(int(side) for side in match.groups())
    elif isinstance(value, list | tuple) and len(value) == 2:
        sides = tuple(value)
    if not sides:
        return value
    if sides[0] != sides[1]:
        raise ValueError(
            f"{sides[0]} × {sides[1]} is a rectangle, and the models take squares; give the side of a square"
        )
    return sides[0]
