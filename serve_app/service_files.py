"""What the service keeps on this machine, and that other users can neither read nor change it."""

import os

from rfuav_ray.machine.private_files import check_folder, make_private, private_folder
from rfuav_ray.settings import Settings

#: settings that hold secrets
SECRETS = ("api_keys", "database_url")


def forget_secrets() -> None:
    """Take the secrets out of the environment: every process that is started from here would inherit them."""
    for name in [name for name in os.environ if name.lower().removeprefix("rfuav_") in SECRETS]:
        del os.environ[name]


def keep_private(settings: Settings) -> None:
    """Make STATE_DIR private and LOG_FILE readable by its owner alone, also those of earlier releases.

    The results of tasks are not the service's: they get the modes that the user's umask gives.

    Raises:
        RfuavError: One of them belongs to another user, or other users could replace it.
    """
    check_folder(settings.log_file.parent, "LOG_FILE", may_be_shared=True)
    if settings.log_file.exists():
        check_folder(settings.log_file, "LOG_FILE")
    private_folder(settings.state_dir, "STATE_DIR")
    for file in settings.log_file.parent.glob(f"{settings.log_file.name}*"):
        make_private(file)
