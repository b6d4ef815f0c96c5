"""URLs of sign-in: those of allauth's views that the room uses, and no others."""

from allauth.account import views as account
from allauth.socialaccount import views as elsewhere
from django.conf import settings
from django.urls import include, path, re_path
from django.views.generic import RedirectView

urlpatterns = [
    path("", account.login, name="account_login"),
    path("out/", account.logout, name="account_logout"),
    path("again/", account.reauthenticate, name="account_reauthenticate"),
    path("signup/", account.signup, name="account_signup"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/forgotten/", account.password_reset, name="account_reset_password"),
    path("password/forgotten/sent/", account.password_reset_done, name="account_reset_password_done"),
    # The mail is written by putting both in the place of `UID-KEY`: joined by anything else, its link leads nowhere.
    re_path(
        r"^password/forgotten/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/changed/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    # An address is who somebody is, and what an invitation is for: it is not changed by oneself.
    path("address/", RedirectView.as_view(pattern_name="account"), name="account_email"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    # What an organisation signs its own people in with.
    *(path("with/", include(f"allauth.socialaccount.providers.{one}.urls")) for one in settings.PROTOCOLS),
    path("with/cancelled/", elsewhere.login_cancelled, name="socialaccount_login_cancelled"),
    path("with/failed/", elsewhere.login_error, name="socialaccount_login_error"),
    # Asked for where somebody new is no one's guest, or their address is somebody else's: neither is let in.
    path("with/", RedirectView.as_view(pattern_name="account_login"), name="socialaccount_signup"),
    path("sessions/", include("allauth.usersessions.urls")),
    path("codes/", include("allauth.mfa.urls")),
]
