"""URLs of the parties: those outside relationships, and those within one."""

from django.urls import path

from comity.apps.parties import views

outside = [
    path("begin/", views.begin, name="begin"),
    path("join/<str:token>/", views.join, name="join"),
    path("set-up/<str:token>/", views.set_up, name="set_up"),
    path("account/", views.account, name="account"),
    path("account/tokens/", views.make_token, name="make_token"),
    path("account/tokens/<uuid:token>/revoke/", views.revoke_token, name="revoke_token"),
]
urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/invite/", views.invite, name="invite"),
    path("people/organisation/", views.use_organisation, name="use_organisation"),
    path("people/invitations/<uuid:invitation>/withdraw/", views.withdraw, name="withdraw_invitation"),
    path("people/invitations/<uuid:invitation>/agree/", views.agree, name="agree_invitation"),
    path("people/invitations/<uuid:invitation>/renew/", views.renew, name="renew_invitation"),
    path("people/<uuid:membership>/", views.membership_page, name="their_place"),
    path("people/<uuid:membership>/firm/", views.set_firm, name="set_firm"),
    path("people/<uuid:membership>/role/", views.change_role, name="change_role"),
    path("people/<uuid:membership>/stand-in/", views.stand_in, name="stand_in"),
    path("people/access.csv", views.access, name="access"),
    path("people/reviewed/", views.review_access, name="review_access"),
    path("people/<uuid:membership>/let-go/", views.let_go, name="let_go"),
]
