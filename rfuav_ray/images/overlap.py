"""Refuses folders that lie in one another: images would be on both sides, or results would become images."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.images.class_folders import composed


def check_apart(train_path: Path, val_path: Path) -> None:
    """Check that training and validation images lie apart, with links followed.

    Raises:
        InvalidInput: For `val_path`: both are the same folder, or lie in one another.
    """
    train, val = train_path.resolve(), val_path.resolve()
    if train == val:
        raise InvalidInput(
            "val_path",
            f"'{val}' is also train_path: the accuracy would be that on known images. Split the data set first.",
        )
    if val.is_relative_to(train) or train.is_relative_to(val):
        raise InvalidInput(
            "val_path",
            f"'{val}' and train_path '{train}' lie in one another, so images would be in both. Use others.",
        )


def check_results(train_path: Path, val_path: Path, results: Path) -> None:
    """Check that the folder for the results, which may be missing, does not lie among the images.

    Raises:
        InvalidInput: For `save_path`.
    """
    target = results.resolve()
    for path, field in ((train_path, "train_path"), (val_path, "val_path")):
        # The folders of classes may be links.
        for folder in (path.resolve(), *(entry.resolve() for entry in path.iterdir() if entry.is_dir())):
            if target.is_relative_to(folder):
                raise InvalidInput(
                    "save_path",
                    f"'{target}' lies in '{folder}', the images of {field}: its plots would become images of "
                    "later trainings. Choose another folder.",
                )


def check_output(source: Path, output: Path) -> None:
    """Check that the output of a preprocessing run does not lie in its input, with links followed.

    Raises:
        InvalidInput: For `output_path`: it is the input, or lies in it.
    """
    source, output = source.resolve(), output.resolve()
    if output == source:
        raise InvalidInput("output_path", f"'{output}' is also the input: choose another folder.")
    if output.is_relative_to(source):
        raise InvalidInput("output_path", f"'{output}' lies inside the input '{source}': choose another folder.")


def shared_classes(train_path: Path, val_path: Path, class_names: Sequence[str]) -> list[str]:
    """The classes whose folders in both data sets lead to the same place."""
    names_of_val = {composed(entry.name): entry for entry in val_path.iterdir()}
    return [
        name
        for name in class_names
        if (entry := names_of_val.get(composed(name))) and entry.resolve() == (train_path / name).resolve()
    ]
