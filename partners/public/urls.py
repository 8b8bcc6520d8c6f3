"""Pages for platforms that need no login, below a language."""

from __future__ import annotations

from django.urls import path

from partners.public import views

app_name = "platforms"
urlpatterns = [
    path("", views.home, name="home"),
    path("terms/", views.terms_in_force, name="terms"),
    path("terms/<slug:version>/", views.terms_of_version, name="terms_of_version"),
    path("apply/", views.apply, name="apply"),
    path("apply/sent/", views.sent, name="sent"),
    path("application/<str:token>/", views.application, name="application"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
    path("welcome/", views.welcome, name="welcome"),
]
