"""Password reset: the link in the mail sets a new password once."""

import re

import pytest
from django.test import Client

from tests.room import cast, sent_mails

pytestmark = pytest.mark.gate
NEW = "a wholly new word of mine"


def test_password_reset_link_works_once():
    person = cast().people["provider_member"]
    browser = Client()
    assert browser.post("/sign-in/password/forgotten/", {"email": person.email}).status_code == 302
    bodies = "\n".join(one.body for one in sent_mails())  # of the cast's events others may follow
    link = re.findall(r"http://[^/]+(/sign-in/password/forgotten/\S+)", bodies)[-1]
    page = browser.get(link, follow=True)
    assert 'name="password1"' in page.content.decode()
    where = page.redirect_chain[-1][0]
    assert link != where  # the mail's token is not in the URL of the form
    assert browser.post(where, {"password1": NEW, "password2": NEW}).status_code == 302
    signed_in = Client().post("/sign-in/", {"login": person.email, "password": NEW})
    assert signed_in.headers["Location"] == "/"
    assert 'name="password1"' not in Client().get(link, follow=True).content.decode()
