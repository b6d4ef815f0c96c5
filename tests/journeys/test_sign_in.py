"""Ways in besides a password: an organisation's own sign-in (OpenID Connect, SAML), and a passkey."""

import re

import pytest

from comity.apps.i18n import words_for

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(300)]
PHONE = {"viewport": {"width": 390, "height": 844}}
ENGLISH = words_for("en")


def heading(page):
    return page.locator("h1").inner_text()


def anew(served, **more):
    settings = {"java_script_enabled": False, "locale": "en-GB"} | more
    context = served.browser.new_context(base_url=served.address, **settings)
    context.route("**/*", lambda route: route.abort() if "jsdelivr" in route.request.url else route.continue_())
    return context.new_page()


def invited(served, by, email):
    page = served.enter(by)
    page.locator("details.me > summary").click()
    page.locator("details.me").get_by_role("link", name=re.compile("^People and access")).click()
    page.fill("input[name=email]", email)
    page.get_by_role("button", name=ENGLISH("invite.do_no_server")).click()
    assert f"Send this link to {email}; it works until" in page.locator("main").inner_text()
    assert page.locator("#link-to-copy").input_value() == served.link()
    return served.link()


def at_the_firm(page, sub):
    page.fill("input[name=sub]", sub)
    page.get_by_role("button", name="Authorize", exact=True).click()


def test_who_is_invited_comes_in_from_their_firms_own_sign_in_and_again(served):
    link = invited(served, "jonas", "rosa@helpline.example")
    page = anew(served)
    page.goto(link)
    assert page.locator("input[name=password]").count() == 0  # they have none here
    page.get_by_role("button", name="Sign in with Helpline").click()
    at_the_firm(page, "rosa")
    assert heading(page) == "You are invited"
    page.get_by_role("button", name="Join").click()
    assert "Rosa Kern" in page.get_by_role("banner").inner_text()
    assert "/r/" in page.url
    page.locator("details.me > summary").click()
    page.get_by_role("button", name="Sign out").click()
    again = anew(served, **PHONE)
    again.goto("/sign-in/")
    again.get_by_role("button", name="Sign in with Helpline").click()
    at_the_firm(again, "rosa")
    again.goto("/account/")
    assert heading(again) == "Rosa Kern"


@pytest.mark.parametrize(
    ("who", "why"),
    [("elsewhere", "an address of another organisation is not this one's to vouch for"), ("unasked", "not invited")],
)
def test_nobody_else_comes_in_from_there(served, who, why):
    page = anew(served)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with Helpline").click()
    at_the_firm(page, who)
    assert heading(page) == "By invitation only", why
    page.goto("/")
    assert heading(page) == "Sign in"


def test_who_turns_back_there_is_told(served):
    page = anew(served)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with Helpline").click()
    page.get_by_role("button", name="Deny").click()
    assert "sign-in did not work" in heading(page)
    page.goto("/")
    assert heading(page) == "Sign in"


def test_a_firm_that_speaks_saml_lets_its_own_people_in(served):
    link = invited(served, "marta", "olga@northwind.example")
    page = anew(served)
    page.goto(link)
    page.fill("input[name=name]", "Olga Norte")
    page.fill("input[name=password]", "a long enough word")
    page.get_by_role("button", name="Join").click()
    served.firm.person = "olga@northwind.example"
    assert at_saml(served) == "Olga Norte"
    served.firm.honest = False  # signed by somebody else
    assert at_saml(served) == "Sign in"
    served.firm.honest, served.firm.person = True, "marta@demo.example"
    assert at_saml(served) == "Sign in"


def at_saml(served):
    page = anew(served)
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with Northwind Energy").click()
    page.get_by_role("button", name="Go on").click()
    page.goto("/account/")
    return heading(page)


def test_a_passkey_is_added_and_lets_one_in_without_a_password(served):
    address = served.address.replace("127.0.0.1", "localhost")  # a key belongs to a name
    context = served.browser.new_context(base_url=address, locale="en-GB")
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/sign-in/")
    page.fill("input[name=login]", "nora@demo.example")
    page.fill("input[name=password]", "comity-demo-2026")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/sign-in/codes/")
    page.get_by_role("link", name="Add a passkey").click()
    page.fill("input[name=password]", "comity-demo-2026")  # it is asked once more
    page.get_by_role("button", name=ENGLISH("sign_in.go_on")).click()
    page.fill("input[name=name]", "Nora's laptop")
    page.check("input[name=passwordless]")
    page.get_by_role("button", name=ENGLISH("mfa.key_add_do")).click()
    page.wait_for_url("**/recovery-codes/")
    page.goto("/sign-in/codes/webauthn/")
    assert "Nora's laptop" in page.locator("main").inner_text()
    page.locator("details.me > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r"localhost:\d+/r/"))
    page.goto("/account/")
    assert heading(page) == "Nora Gil"
    # Beside a password: it is asked for second.
    other = context.new_page()
    context.clear_cookies()
    other.goto("/sign-in/")
    other.fill("input[name=login]", "nora@demo.example")
    other.fill("input[name=password]", "comity-demo-2026")
    other.get_by_role("button", name="Sign in", exact=True).click()
    assert heading(other) == ENGLISH("mfa.enter")
    assert complaints == []
    page.goto("/sign-in/")


def test_without_javascript_a_passkey_is_not_offered(served):
    page = anew(served)
    page.goto("/sign-in/")
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
