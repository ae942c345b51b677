"""JSON answers, encoded once and kept with their ETag."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from fastapi.responses import Response

from actors.store.row import TaskRow, record_of
from rfuav_ray.api.responses import TaskResponse, task_response

#: The cache keeps this many answers, of a few kilobytes each.
ANSWERS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JSON document, and the ETag that identifies exactly these bytes."""

    body: bytes
    etag: str

    def is_known_to(self, if_none_match: str) -> bool:
        """Whether the value of an If-None-Match header names this document."""
        names = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
        return self.etag in names or names == ["*"]


def encoded(body: bytes) -> Encoded:
    return Encoded(body, f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"')


@lru_cache(ANSWERS_KEPT)
def encoded_task(row: TaskRow, queue_position: int | None) -> Encoded:
    task: TaskResponse = task_response(record_of(row), queue_position=queue_position)
    return encoded(task.model_dump_json().encode())


def response(answer: Encoded, if_none_match: str) -> Response:
    """Build the HTTP response: 304 without a body when `if_none_match` names this answer."""
    headers = {"ETag": answer.etag}
    if answer.is_known_to(if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(answer.body, headers=headers, media_type="application/json")


def joined(answers: Iterable[Encoded]) -> bytes:
    """Join the answers into a JSON array."""
    return b"[" + b",".join(answer.body for answer in answers) + b"]"
