"""What browsers may load and run for a page: nothing from other hosts. Nothing shows the page in a frame."""

import base64
import hashlib
import re

_FRAME = "frame-ancestors 'none'; base-uri 'none'"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

#: of the web page and its files: nothing inline, no form that a browser sends by itself
OF_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    f"form-action 'none'; {_FRAME}"
)


def of_documentation(html: bytes) -> str:
    """The policy of a page that draws /openapi.json: its own inline scripts run, by their hashes, and no others.

    Both programs that draw it write styles into the page. ReDoc searches in a worker that it makes itself.
    """
    hashes = [hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(html)]
    scripts = " ".join(["'self'", *(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self' data:; worker-src blob:; connect-src 'self'; form-action 'self'; {_FRAME}"
    )
