"""What the page says of the service."""

import json

from playwright.sync_api import expect

NOTICE = "The task store '/srv/state/rfuav.db' was damaged. <b>The backup</b> took its place."


def test_connection_panel_shows_the_notices_of_the_service(open_page, service, client):
    page = open_page(service)
    panel = page.get_by_role("region", name="Connection")
    expect(panel.locator(".facts")).to_contain_text("production")
    expect(panel.locator(".note")).to_have_count(0)
    info = json.dumps(client.info() | {"notices": [NOTICE]})
    page.route("**/api/v1/info", lambda route: route.fulfill(body=info, content_type="application/json"))
    page.reload()
    expect(panel.locator(".note")).to_have_text(NOTICE)
