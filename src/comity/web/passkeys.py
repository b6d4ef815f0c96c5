"""What allauth's scripts for passkeys are told: which of their forms a page has, and the ids of what it is made of."""

from django.forms import Form

# By what a page does: the form of the script, what the button is called there, and the button's id.
_FORMS = {
    "sign in": ("loginForm", "login", "passkey_login"),
    "second step": ("authenticateForm", "authenticate", "mfa_webauthn_authenticate"),
    "once more": ("authenticateForm", "authenticate", "mfa_webauthn_reauthenticate"),
    "add": ("addForm", "add", "mfa_webauthn_add"),
}


def passkey_script(doing: str, form: Form | None = None) -> tuple[str, dict[str, dict[str, str]]]:
    """The name of the script's form, and its data.

    :param doing: what the page does
    :param form: the fields that the browser fills in, where the page has them from a form
    """
    name, button, at = _FORMS[doing]
    if form is None:
        return name, {"ids": {button: at, "credential": "mfa_credential"}}
    fields = {field: form[field].auto_id for field in ("passwordless", "credential") if field in form.fields}
    return name, {"ids": {button: at} | fields | {"data": "js_data"}}
