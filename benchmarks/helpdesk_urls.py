"""The addresses of `helpdesk_site`; a settings module cannot hold them, for they need the apps."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("", include("helpdesk.urls", namespace="helpdesk"))]
