"""Figures as SVG inside a page. What is black takes the colour of the page's text, for dark pages."""

import io
import re
import warnings

from matplotlib.figure import Figure

from rfuav_ray.evaluation.report.markup import escaped

_PREFIX = re.compile(r'(\bid="|href="#|url\(#)')


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """An SVG element. Texts are drawn as shapes, so that it looks the same everywhere.

    Args:
        figure: Its background is left out.
        name: Distinguishes the ids of this element from those of others in the page: letters.
        description: What the figure shows, for those who cannot see it.
    """
    text = io.StringIO()
    with warnings.catch_warnings():
        # The names of classes are in the tables of the page, too.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for axes in figure.axes:
            axes.patch.set_visible(False)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    element = text.getvalue()
    element = element[element.index("<svg") :].replace("#000000", "currentColor")
    element = _PREFIX.sub(rf"\1{name}-", element)
    return element.replace("<svg ", f'<svg role="img" aria-label="{escaped(description)}" ', 1)
