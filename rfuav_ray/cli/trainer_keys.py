"""The keys of other trainers' configs, foremost RFUAV's, as fields of a training request."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rfuav_ray.api.requests.unknown_fields import nearest
from rfuav_ray.models.image_size import square_side

#: other names of the fields
KEYS = {
    "train_path": ("train", "train_data", "train_dir", "data_path"),
    "val_path": ("val", "valid", "valid_path", "val_data", "val_dir"),
    "save_path": ("save_dir", "output", "output_dir"),
    "batch_size": ("batch", "bs"),
    "num_epochs": ("epochs", "epoch"),
    "learning_rate": ("lr",),
    "weight_path": ("weights", "weight", "checkpoint"),
    "image_size": ("img_size", "imgsz"),
    "num_classes": ("nc",),
}
#: what a training does instead of what these keys say
UNUSED = {
    "class_names": "the classes are the names of the class folders, in sorted order",
    "optimizer": "a training uses Adam",
}
_FIELD_OF = {key: name for name, keys in KEYS.items() for key in keys}


@dataclass(frozen=True, kw_only=True)
class ConfigFields:
    """What a config says."""

    #: the fields of the request that have a value, and the keys that the config has for them
    fields: dict[str, Any] = field(default_factory=dict)
    key_of: dict[str, str] = field(default_factory=dict)
    #: a message for each key that cannot be used, and for each that is not used
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def training_fields(content: Mapping[str, Any], names: Collection[str]) -> ConfigFields:
    """Give the keys of a training's config the names of the request's fields, which are `names`."""
    # RFUAV's configs write Python's None, which is text in YAML.
    given = {key: value for key, value in content.items() if value is not None and value != "None"}
    strange = [key for key in content if key not in {*names, *_FIELD_OF, *UNUSED}]
    known = ConfigFields(problems=unknown(strange, names, also=_FIELD_OF))
    for key in content:
        if key in UNUSED:
            known.notes.extend([f"{key} is not used: {UNUSED[key]}"] if key in given else [])
        elif key in given and (key in names or key in _FIELD_OF):
            _add(known, _FIELD_OF.get(key, key), key, given[key])
    return known


def _add(known: ConfigFields, name: str, key: str, value: object) -> None:
    if name == "image_size":
        try:
            value = square_side(value)
        except ValueError as error:
            known.problems.append(f"{key}: {error}")
            return
    if name in known.fields and _number(known.fields[name]) != _number(value):
        known.problems.append(
            f"{known.key_of[name]} and {key} both mean {name}, and their values differ: {known.fields[name]} and "
            f"{value}; keep one"
        )
    known.fields.setdefault(name, value)
    known.key_of.setdefault(name, key)


def _number(value: object) -> object:
    """The number in a text, such as 1e-4, which YAML reads as text."""
    try:
        return float(str(value))
    except ValueError:
        return value


def unknown(keys: Sequence[str], names: Collection[str], also: Collection[str] = ()) -> list[str]:
    """Say that keys are unknown, each with the nearest name, or with all names if some key has no near one.

    Args:
        keys: The unknown keys.
        names: The fields of the request.
        also: Other names of the fields.
    """
    near = {key: nearest(key, [*names, *also]) for key in keys}
    problems = [f"unknown field '{key}'" + (f"; did you mean '{near[key]}'?" if near[key] else "") for key in keys]
    if not all(near.values()):
        problems[-1] += f"; the fields are {', '.join(names)}"
    return problems
