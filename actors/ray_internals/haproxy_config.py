"""HAProxy's configuration as Ray Serve writes it, and its correction.

A configuration that has another structure than the known one is refused: an unknown part could listen on all
addresses. HAProxy starts through this module, so it imports only the standard library when it is loaded.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: They would listen on all addresses.
_LEFT_OUT = ("frontend prometheus", "listen stats")
#: the backend for requests that no application takes
_NO_API = "backend default_backend"
#: each is there exactly once, beside the backends of applications
_SECTIONS = Counter(["global", "defaults", "frontend http_frontend", _NO_API, *_LEFT_OUT])


class UnknownConfiguration(Exception):
    """Ray Serve writes another configuration than the known one."""


@dataclass(frozen=True)
class Additions:
    """Lines for sections that Ray has written, and whole sections."""

    defaults: Sequence[str] = ()
    frontend: Sequence[str] = ()
    sections: str = ""


def corrected(
    configuration: str, *, address: str, answers: Mapping[int, str], added: Additions, elsewhere: str = ""
) -> str:
    """Correct a configuration: only the API listens, errors have its format, and requests are not logged.

    Args:
        configuration: The text that Ray has written.
        address: Where the API listens for clients, without the port.
        answers: HAProxy's own error answers by status, in HAProxy's words. 503 is also for requests before there
            is an API.
        added: What HAProxy does beyond that.
        elsewhere: The answer to what no application takes, where the API is one of them: it is below a prefix.

    Raises:
        UnknownConfiguration: The text has unknown sections, or the lines to be replaced are not as expected.
    """
    sections = [text for text in re.split(r"^(?=\S)", configuration, flags=re.MULTILINE) if text]
    names = [_name(text) for text in sections]
    found = Counter(name for name in names if name == _NO_API or not name.startswith("backend "))
    if other := (found - _SECTIONS) + (_SECTIONS - found):
        raise UnknownConfiguration(f"sections that are new, missing or repeated: {', '.join(other)}")
    corrections: dict[str, Callable[[str], str]] = {
        "global": _global,
        "defaults": lambda text: _defaults(text, answers, added.defaults),
        "frontend http_frontend": lambda text: _frontend(text, address, added.frontend),
        _NO_API: lambda text: _no_api(text, elsewhere or answers[503]),
    } | dict.fromkeys(_LEFT_OUT, lambda _text: "")
    text = "".join(corrections.get(name, str)(text) for name, text in zip(names, sections, strict=True))
    return text + added.sections


def _global(text: str) -> str:
    _take(text, "stats socket ", r"/\S+ mode .*")  # A socket for the network would give HAProxy away.
    kept, _ = _take(text, "log ", ".*")  # Ray logs every request to a syslog, which most machines lack.
    return kept


def prefix_of(application: str, configuration: str) -> str | None:
    """The prefix of the paths that an application of Ray Serve takes, with a slash at its end.

    None: the configuration does not have it, or the prefix has other characters than those of a plain path.
    """
    rule = rf"^    acl is_http-{re.escape(application)} path_beg (/[A-Za-z0-9._~/-]*)$"
    found = re.search(rule, configuration, flags=re.MULTILINE)
    return found and found[1]


def connections(configuration: str) -> int:
    """How many connections HAProxy takes. Raises UnknownConfiguration if the text does not say it."""
    found = re.findall(r"^    maxconn (\d+)$", configuration, flags=re.MULTILINE)
    if len(found) != 1:
        raise UnknownConfiguration(f"'maxconn': {found}")
    return int(found[0])


def _defaults(text: str, answers: Mapping[int, str], added: Sequence[str]) -> str:
    kept, _ = _take(text, "errorfile ", r"50[234] \S+", count=3)
    _take(text, "timeout http-request ", "", count=0)
    return kept + _lines(*added, *(f"http-error {answer}" for answer in answers.values()))


def _frontend(text: str, address: str, added: Sequence[str]) -> str:
    kept, (bind,) = _take(text, "bind ", r"\S+:\d+")
    _, _, port = bind.rpartition(":")
    # First, because HAProxy applies rules in their order. HTTP/2 has other ways to keep it waiting.
    name, _, rules = kept.partition("\n")
    return f"{name}\n" + _lines(f"bind {address}:{port} proto h1", *added) + rules


def _lines(*texts: str) -> str:
    return "".join(f"    {text}\n" for text in texts)


def _no_api(text: str, answer: str) -> str:
    kept, _ = _take(text, "http-request return status 404 ", ".*")
    if kept.strip() != _NO_API:
        raise UnknownConfiguration(f"'{_NO_API}' has other lines than a 404")
    return f"{kept}    http-request return {answer}\n"


def _take(text: str, word: str, rest: str, count: int = 1) -> tuple[str, list[str]]:
    """Take out the lines that begin with `word`: `count` lines whose rest matches `rest`.

    Returns:
        The text without these lines, and the rest of each.
    """
    lines = text.splitlines(keepends=True)
    found = [line.strip().removeprefix(word) for line in lines if line.lstrip().startswith(word)]
    if len(found) != count or not all(re.fullmatch(rest, line) for line in found):
        raise UnknownConfiguration(f"'{word}…' in '{_name(text)}': {found}")
    return "".join(line for line in lines if not line.lstrip().startswith(word)), found


def _name(section: str) -> str:
    return section.partition("\n")[0].strip()


def write_sample(folder: Path, *, with_api: bool = True) -> Path:
    """Let the installed Ray write a configuration into the folder, for a check before the start.

    Raises:
        UnknownConfiguration: Ray's code for it is unknown.
    """
    try:
        from ray.serve._private.haproxy import (  # noqa: PLC0415
            BackendConfig,
            HAProxyApi,
            HAProxyConfig,
            ServerConfig,
        )

        api = BackendConfig(
            name="http-api",
            path_prefix="/",
            app_name="api",
            servers=[ServerConfig("replica", "127.0.0.1", 1)],
            fallback_server=ServerConfig("proxy", "127.0.0.1", 2),
        )
        config = HAProxyConfig(
            socket_path=str(folder / "admin.sock"),
            server_state_base=str(folder),
            server_state_file=str(folder / "server-state"),
            metrics_enabled=False,
        )
        file = folder / "haproxy.cfg"
        HAProxyApi(config, {api.name: api} if with_api else {}, str(file))._generate_config_file_internal()  # noqa: SLF001
    except Exception as error:
        raise UnknownConfiguration(f"Ray Serve's code for HAProxy is unknown ({error!r})") from error
    return file
