"""The class names of a model config: their form, their order, and what is doubtful about them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rfuav_ray.images.class_folders import composed


def in_order(class_names: object) -> object:
    """The names by their numbers, from a list, or from a map of each name to its index.

    Raises:
        ValueError: The value has another form.
    """
    if isinstance(class_names, list | tuple) and all(isinstance(name, str) for name in class_names):
        return class_names
    if not isinstance(class_names, dict):
        raise ValueError("class_names must be a list of names, or a map from each name to its index")
    if not all(isinstance(index, str) and index.isdecimal() for index in class_names.values()):
        raise ValueError("class_names is a map, so each name needs its index (0, 1, …) as its value")
    names_by_index = {int(index): name for name, index in class_names.items()}
    if sorted(names_by_index) != list(range(len(class_names))):
        raise ValueError(f"the indices in class_names must be 0 to {len(class_names) - 1}, each of them once")
    return [names_by_index[index] for index in range(len(class_names))]


def is_sorted(class_names: Sequence[str]) -> bool:
    """Whether the names are in the order in which torchvision's ImageFolder numbers class folders."""
    return list(class_names) == sorted(class_names)


def first_difference(class_names: Sequence[str]) -> str:
    """The first class whose name in sorted order is another one, for lists that are not sorted."""
    pairs = enumerate(zip(class_names, sorted(class_names), strict=True))
    return next(
        f"class {index} is '{own}' in the config's list but '{other}' in sorted order"
        for index, (own, other) in pairs
        if own != other
    )


def doubts(class_names: Sequence[str]) -> Iterator[str]:
    """What a reader of the predictions may take for one class, or for another one."""
    for index, name in enumerate(class_names):
        if name != name.strip():
            yield f"the name of class {index} begins or ends with a space: '{name}'"
    alike = defaultdict(list)
    for index, name in enumerate(class_names):
        alike[composed(name).strip()].append(index)
    for name, indices in alike.items():
        if len(indices) > 1:
            where = " and ".join(map(str, indices))
            same = len({class_names[index] for index in indices}) == 1
            how = "have the same name" if same else "have names that look the same"
            yield f"classes {where} {how}: '{name}'. Only class_index tells them apart"
