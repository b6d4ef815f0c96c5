"""What axe says of a page, by the rules of WCAG 2.2 AA and its own best practice."""

RULES = {
    "resultTypes": ["violations"],  # all that is read; to list each element that passes takes longer than the rules
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}


def violations(page):
    """The address, rule and first element of each; the page has to run JavaScript."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=RULES).response["violations"]
    return [(page.url, one["id"], one["nodes"][0]["html"][:120]) for one in found]
