"""Writes docs/openapi.json, the description of the REST API: `make docs/openapi.json`."""

import json
from pathlib import Path

from rfuav_ray.settings import Settings
from serve_app.api import create_app

FILE = Path(__file__).parent / "openapi.json"


def description() -> str:
    return json.dumps(create_app(Settings(_env_file=None)).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(description(), encoding="utf-8")
