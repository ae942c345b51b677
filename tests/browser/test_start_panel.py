"""The page learns the kinds of tasks from the service, and has a form for each."""

import pytest
from playwright.sync_api import expect

from rfuav_ray.api.kinds import KINDS
from tests.browser.actions import choose_kind, field

pytestmark = pytest.mark.timeout(180)

DESCRIPTION = "**/openapi.json"


def test_each_kind_of_the_registry_has_a_form_and_a_filter(open_page, service):
    page = open_page(service)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(len(KINDS))
    assert tabs.evaluate_all("tabs => tabs.map(tab => tab.id)") == [f"start-{kind}" for kind in KINDS]
    filters = page.get_by_role("combobox", name="All kinds").locator("option")
    assert filters.evaluate_all("options => options.map(option => option.value)") == ["", *KINDS]
    for kind, record in KINDS.items():
        page.locator(f"#start-{kind}").click()
        names = page.locator("#start-form code")
        expect(names).to_have_count(len(record.request.model_fields))
        assert set(names.all_text_contents()) == set(record.request.model_fields)


def test_a_kind_that_the_page_has_no_word_for_shows_its_name(open_page, service):
    def with_another_kind(route):
        answer = route.fetch()
        description = answer.json()
        crop = description["paths"][KINDS["crop"].path]["post"]
        description["paths"]["/api/v2/preprocessing/resample"] = {"post": crop | {"x-task-kind": "resample"}}
        route.fulfill(response=answer, json=description)

    page = open_page(service)
    page.route(DESCRIPTION, with_another_kind)
    page.reload()
    choose_kind(page, "resample")
    expect(field(page, "input_path")).to_be_visible()


def test_the_forms_appear_when_the_service_answers_late(open_page, service):
    page = open_page(service)
    page.route(DESCRIPTION, lambda route: route.fulfill(status=503), times=1)
    page.reload()
    choose_kind(page, "Split")
    expect(field(page, "input_path")).to_be_visible()
