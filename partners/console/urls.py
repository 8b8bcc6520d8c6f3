"""The partner's own pages. Until they are there, a page that says what works by API today."""

from __future__ import annotations

from django.urls import path

from partners.console import views

app_name = "console"
urlpatterns = [
    path("", views.opens_later, name="overview"),
    path("login/", views.opens_later, name="login"),
]
