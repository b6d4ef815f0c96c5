"""Browser and operating system from the User-Agent header."""

import pytest

from comity.web.user_agent import parse_user_agent

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/131.0 Safari/537.36 Edg/131.0", ("Edge", "Windows")),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KIT} Version/18.1 Safari/605.1", ("Safari", "macOS")),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {KIT} CriOS/131.0", ("Chrome", "iPhone")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", ("Firefox", "Linux")),
        (f"Mozilla/5.0 (Linux; Android 14) {KIT} Chrome/131.0 Mobile Safari/537.36", ("Chrome", "Android")),
        ("curl/8.5.0", ("", "")),
    ],
)
def test_parse_user_agent_names_browser_and_system(header, names):
    assert parse_user_agent(header) == names
