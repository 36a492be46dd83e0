"""The forms of a case's deeds on the operators' page."""

import re

from playwright.sync_api import Page, expect


def do(page: Page, deed: str, **fields: str) -> None:
    """Fill and send the form of `deed`, by the beginnings of its labels; it closes when it is done."""
    page.locator(f".case-deed[data-deed='{deed}']").click()
    form = page.locator(".case-form form")
    for label, value in fields.items():
        form.get_by_label(re.compile(f"^{label}", re.IGNORECASE)).fill(value)
    form.locator("button[type='submit']").click()
    expect(form).to_have_count(0)
