"""The HTTP connection to the service, shared by the blocking and the async client."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from rfuav_ray.client.event_stream import RETRY_DELAYS_S, SILENCE_S, EventStream
from rfuav_ray.client.service_errors import ServiceUnreachable, reason_of
from rfuav_ray.errors import InvalidInput

DEFAULT_URL = "http://127.0.0.1:8000"


class ServiceConnection:
    _http_class: type[httpx2.Client] | type[httpx2.AsyncClient]

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
    ) -> None:
        """Prepare the connection; nothing is sent yet.

        Args:
            base_url: Address of the service.
            api_key: Key of the service, if it has any.
            timeout_s: Limit for connecting and for each answer. Log streams have a longer read timeout.
            retry_delays_s: Delays before the attempts to reopen a broken log stream.

        Raises:
            InvalidInput: The URL or the key is malformed.
        """
        self.base_url = _checked_url(base_url)
        self.timeout_s = timeout_s
        self._api_key = _checked_key(api_key)
        self._retry_delays_s = retry_delays_s
        self._http: Any = self._http_class(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {self._api_key}"} if self._api_key else None,
            timeout=timeout_s,
            # Connections to this machine must not use a proxy from the environment.
            trust_env=not _is_loopback(self.base_url),
        )

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            raise ServiceUnreachable(self.base_url, reason_of(error, self.timeout_s)) from error

    def _stream_options(self, stream: EventStream) -> dict[str, Any]:
        timeout = httpx2.Timeout(self.timeout_s, read=SILENCE_S)
        return {"headers": stream.request_headers(), "timeout": timeout}


def request_content(body: Mapping[str, Any] | None, params: Mapping[str, Any] | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if body is not None:
        # Callers may pass pathlib objects as paths.
        options["content"] = json.dumps(body, default=os.fspath)
        options["headers"] = {"Content-Type": "application/json"}
    if params is not None:
        options["params"] = {name: value for name, value in params.items() if value is not None}
    return options


def _checked_url(text: str) -> str:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise InvalidInput("url", f"'{text}' is not a URL: {error}") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInput("url", f"'{text}' must look like http://host:port or https://host.")
    return text.rstrip("/")


def _checked_key(key: str | None) -> str | None:
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise InvalidInput("api_key", "contains spaces, line breaks or non-ASCII characters; copy it again.")
    return key or None


def _is_loopback(url: str) -> bool:
    host = httpx2.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
