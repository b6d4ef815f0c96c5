"""URLs of KPIs."""

from django.urls import path

from comity.apps.kpis import views

urlpatterns = [
    path("kpis/", views.kpis, name="kpis"),
    path("kpis/propose/", views.propose, name="propose_kpis"),
    path("kpis/withdraw/", views.withdraw, name="withdraw_kpis"),
    path("kpis/agree/", views.agree, name="agree_kpis"),
]
