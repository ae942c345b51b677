"""What somebody does at the page."""

import re


def field(page, name, role="textbox"):
    return page.get_by_role(role, name=re.compile(f"^{name}( required)?$"))


def choose_kind(page, kind):
    page.get_by_role("tab", name=kind, exact=True).click()
    page.get_by_role("button", name=f"Start {kind}").wait_for()


def fill(page, **values):
    """Text and numbers by their field; a boolean is a checkbox."""
    page.locator("summary").click()
    for name, value in values.items():
        if isinstance(value, bool):
            field(page, name, "checkbox").set_checked(value)
        else:
            field(page, name, "spinbutton" if isinstance(value, (int, float)) else "textbox").fill(str(value))


def start(page, kind):
    """Returns the task's id, from the note that it was accepted."""
    page.get_by_role("button", name=f"Start {kind}").click()
    note = page.locator(".note", has_text="Accepted").last
    note.wait_for()
    task_id = re.search(r"Accepted: (\S+)", note.inner_text()).group(1)
    note.evaluate("note => note.remove()")
    return task_id


def fill_training(page, training, **changes):
    choose_kind(page, "Training")
    fields = training() | {"save_path": "runs"} | changes
    field(page, "model", "combobox").select_option(fields.pop("model"))
    field(page, "device", "combobox").select_option("cpu")
    del fields["device"]
    fill(page, **fields)


def row_of(page, task_id):
    return page.locator("tr", has=page.locator(f'a[href="#/tasks/{task_id}"]'))
