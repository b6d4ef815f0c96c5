"""What the pages are made of beside their templates."""

import json
import re

import pytest
from django import forms
from django.template import engines

from comity.web.passkeys import passkey_script


class Key(forms.Form):
    """As allauth asks for a passkey that is added."""

    name = forms.CharField()
    passwordless = forms.BooleanField()
    credential = forms.CharField()


def test_a_script_for_passkeys_is_told_the_ids_that_its_page_has():
    assert passkey_script("sign in") == (
        "loginForm",
        {"ids": {"login": "passkey_login", "credential": "mfa_credential"}},
    )
    name, told = passkey_script("add", Key(auto_id="of_%s"))
    assert name == "addForm"
    assert told["ids"] == {
        "add": "mfa_webauthn_add",
        "passwordless": "of_passwordless",
        "credential": "of_credential",
        "data": "js_data",
    }


@pytest.mark.parametrize("doing", ["second step", "once more"])
def test_who_shows_a_passkey_again_is_told_of_no_field_that_is_not_there(doing):
    class Again(forms.Form):
        credential = forms.CharField()

    name, told = passkey_script(doing, Again())
    assert name == "authenticateForm"
    assert set(told["ids"]) == {"authenticate", "credential", "data"}


def test_the_page_bears_what_the_script_is_told():
    """The script reads it as JSON."""
    template = '{% from "_passkey.html" import passkey with context %}{{ passkey("add", form, {"given": "<"}) }}'
    page = engines["ours"].from_string(template).render({"form": Key()})
    data, told = re.findall(r'type="application/json">([^<]*)</script>', page)
    assert json.loads(data) == {"given": "<"}
    assert json.loads(told) == passkey_script("add", Key())[1]
