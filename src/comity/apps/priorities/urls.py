"""URLs of priorities, below the agreement."""

from django.urls import path

from comity.apps.priorities import views

urlpatterns = [
    path("agreement/priorities/", views.priorities, name="priorities"),
    path("agreement/priorities/start/", views.start, name="start_priorities"),
    path("agreement/priorities/<uuid:round>/", views.priority_round, name="priority_round"),
    path("agreement/priorities/<uuid:round>/save/", views.save, name="save_priorities"),
    path("agreement/priorities/<uuid:round>/seal/", views.seal, name="seal_priorities"),
    path("agreement/priorities/<uuid:round>/withdraw/", views.withdraw, name="withdraw_priorities"),
    path("agreement/priorities/<uuid:round>/order/", views.propose_order, name="propose_order"),
    path("agreement/priorities/<uuid:round>/agree/", views.agree_order, name="agree_order"),
    path("agreement/priorities/<uuid:round>/draft/", views.draft_order, name="draft_order"),
]
