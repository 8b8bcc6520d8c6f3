"""Where the report page sends fingerprints."""

from django.urls import path

from submissions.api import views

urlpatterns = [
    path("", views.open_case, name="open_case"),
    path("add/", views.add_files, name="add_files"),
]
