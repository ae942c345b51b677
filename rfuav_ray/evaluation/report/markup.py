"""Pieces of HTML. Every text goes through `escaped`: names of classes and files may hold markup."""

import html
from collections.abc import Iterable, Sequence

from rfuav_ray.events import clean


def escaped(text: object) -> str:
    return html.escape(clean(str(text)))


def section(name: str, title: str, *content: str) -> str:
    """A part of the page with a heading. `content` is HTML; without any there is no section."""
    inside = "\n".join(one for one in content if one)
    return f'<section id="{name}">\n<h2>{escaped(title)}</h2>\n{inside}\n</section>' if inside else ""


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def bullets(texts: Iterable[str], kind: str = "") -> str:
    items = "".join(f"<li>{escaped(text)}</li>" for text in texts)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, texts: int = 1) -> str:
    """A table. The first `texts` columns hold words, the others numbers. A cell of `Html` is not escaped."""
    aligned = [' class="text"' if number < texts else "" for number in range(len(head))]
    heads = "".join(f'<th scope="col"{kind}>{escaped(one)}</th>' for one, kind in zip(head, aligned, strict=True))
    lines = "".join(
        "<tr>" + "".join(_cell(one, kind) for one, kind in zip(row, aligned, strict=True)) + "</tr>\n"
        for row in rows
    )
    content = f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{content}</table></div>'


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def bar(value: float, low: float | None = None, high: float | None = None) -> Html:
    """A value of 0 to 1 as a mark on a track, with its interval. The number stands beside it."""
    span = ""
    if low is not None and high is not None:
        span = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
    return Html(f'<span class="bar" aria-hidden="true">{span}<b style="left:{100 * value:.1f}%"></b></span>')


def figure(drawing: str, caption: str) -> str:
    """`drawing` is HTML."""
    return f"<figure>{drawing}<figcaption>{escaped(caption)}</figcaption></figure>"


def _cell(content: object, kind: str) -> str:
    return f"<td{kind}>{content if isinstance(content, Html) else escaped(content)}</td>"
