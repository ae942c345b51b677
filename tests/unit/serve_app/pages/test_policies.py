import base64
import hashlib

import pytest
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from serve_app.api import create_app
from serve_app.pages.policies import of_documentation


def test_policies_scripts_of_the_page_run_and_no_others():
    script = b"\nconst a = 1;\n"
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    policy = of_documentation(b'<script src="/a.js"></script><script>' + script + b"</script>")
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "script-src 'self';" in of_documentation(b'<script src="/a.js"></script>')


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_policies_the_documentation_is_in_no_frame_and_loads_from_here_alone(path):
    page = TestClient(create_app(Settings(_env_file=None))).get(path)
    policy = page.headers["content-security-policy"]
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    script_policy = policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in script_policy and "http" not in policy
