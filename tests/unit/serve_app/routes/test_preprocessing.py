"""A kind of preprocessing has its route, with the fields of its request, from its record."""

from dataclasses import replace
from typing import cast

from fastapi import APIRouter, FastAPI
from pydantic import Field

from rfuav_ray.api.kinds import KINDS, TaskKind
from rfuav_ray.api.requests import ImageCropRequest
from serve_app.routes.preprocessing import add_start


class WiderRequest(ImageCropRequest):
    added: int = Field(3, ge=1, description="a field that is new")


def test_preprocessing_add_start_a_new_kind_and_its_field_are_in_the_description_of_the_api():
    router = APIRouter()
    add_start(
        replace(KINDS["crop"], name=cast("TaskKind", "wider"), request=WiderRequest, summary="Cut wider."), router
    )
    app = FastAPI()
    app.include_router(router)
    described = app.openapi()
    assert described["paths"]["/wider"]["post"]["description"] == "Cut wider."
    assert described["paths"]["/wider"]["post"]["x-task-kind"] == "wider"
    added = described["components"]["schemas"]["WiderRequest"]["properties"]["added"]
    assert added | {"title": ""} == {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "title": "",
        "description": "a field that is new",
    }
