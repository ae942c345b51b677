"""The preprocessing commands. INPUT and OUTPUT are optional, because the --config file may name them."""
# ruff: noqa: PLC0415

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfuav_ray.cli.app import Config, Description, Detach, TaskIdOption, app, open_client

if TYPE_CHECKING:
    from rfuav_ray.api.requests import PreprocessingKind

# Paths are str here. Path('') is the working folder, and an unset variable in a script must not select that.
Output = Annotated[str | None, typer.Argument(metavar="OUTPUT", help="A new or empty folder.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same files; default 42.")]


@app.command()
def split(
    context: typer.Context,
    input_path: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="Folders INPUT/<class>/<image>; only read.")
    ] = None,
    output_path: Output = None,
    train_ratio: Annotated[float | None, typer.Option(help="Share of the training set; default 0.8.")] = None,
    val_ratio: Annotated[
        float | None, typer.Option(help="Share of the validation set; what is left is then a test set.")
    ] = None,
    seed: Seed = None,
    group_by_recording: Annotated[
        bool | None, typer.Option(help="Keep the frames of one recording in one set.")
    ] = None,
    task_id: TaskIdOption = None,
    description: Description = None,
    config: Config = None,
    detach: Detach = False,
) -> None:
    """Split a folder of class folders into train/, valid/ and test/."""
    _start_and_follow(context, "split", config, detach=detach)


@app.command()
def augment(
    context: typer.Context,
    dataset_path: Annotated[
        str | None, typer.Argument(metavar="DATASET", help="Holds train/ and/or valid/; only read.")
    ] = None,
    output_path: Annotated[
        str | None, typer.Argument(metavar="OUTPUT", help="A new or empty folder; default: DATASET_aug.")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="NAME",
            help="AdvancedBlur, CLAHE, ColorJitter, GaussNoise, ISONoise or Sharpen; "
            "give it again for more; default: all.",
        ),
    ] = None,
    seed: Seed = None,
    task_id: TaskIdOption = None,
    description: Description = None,
    config: Config = None,
    detach: Detach = False,
) -> None:
    """Write a data set with changed copies of its images."""
    _start_and_follow(context, "augment", config, detach=detach)


@app.command()
def crop(
    context: typer.Context,
    input_path: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="An image, or a folder with all below it; only read.")
    ] = None,
    output_path: Output = None,
    x: Annotated[int | None, typer.Option(help="Left edge, pixels.")] = None,
    y: Annotated[int | None, typer.Option(help="Upper edge, pixels.")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    task_id: TaskIdOption = None,
    description: Description = None,
    config: Config = None,
    detach: Detach = False,
) -> None:
    """Cut the same rectangle out of every image."""
    _start_and_follow(context, "crop", config, detach=detach)


@app.command()
def spectrogram(
    context: typer.Context,
    input_path: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="A recording, or a folder with all below it; only read.")
    ] = None,
    output_path: Output = None,
    sample_rate_hz: Annotated[
        float | None, typer.Option(help="Of recordings that don't say their own; default 100e6.")
    ] = None,
    data_type: Annotated[
        str | None, typer.Option(help="float32, int16, int8 or uint8; default: as the recording says.")
    ] = None,
    stft_points: Annotated[int | None, typer.Option(help="Default 1024.")] = None,
    window: Annotated[str | None, typer.Option(help="hamming, hann, blackman or boxcar; default hamming.")] = None,
    window_overlap: Annotated[
        float | None, typer.Option(help="Share of an STFT window that the next one covers again; default 0.5.")
    ] = None,
    duration_s: Annotated[float | None, typer.Option(help="Of one picture; default 0.1.")] = None,
    overlap: Annotated[
        float | None, typer.Option(help="Share of a picture that the next one shows again; default 0.")
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(metavar="INTEGER|none", help="Pixels a side; none: one for each STFT value; default 640."),
    ] = None,
    colormap: Annotated[str | None, typer.Option(help="jet, turbo, viridis or gray; default jet.")] = None,
    db_range: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="dB of the lowest and highest colour; default: each picture's own."),
    ] = None,
    center_frequency_hz: Annotated[
        float | None, typer.Option(help="Of recordings that don't say their own.")
    ] = None,
    task_id: TaskIdOption = None,
    description: Description = None,
    config: Config = None,
    detach: Detach = False,
) -> None:
    """Draw the spectrograms of IQ recordings."""
    _start_and_follow(context, "spectrogram", config, detach=detach)


def _start_and_follow(
    context: typer.Context, kind: "PreprocessingKind", config: Path | None, *, detach: bool
) -> None:
    from rfuav_ray.cli.run_config import given_fields, preprocessing_request
    from rfuav_ray.cli.tables import new_console
    from rfuav_ray.cli.watch import follow_preprocessing, start_preprocessing

    request = preprocessing_request(kind, config, context.params)
    with open_client(context) as client:
        task_id = start_preprocessing(client, kind, given_fields(request))
        if detach:
            print(task_id)
            return
        raise typer.Exit(follow_preprocessing(client, task_id, new_console()))
