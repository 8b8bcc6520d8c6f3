"""Wiring that happens once the applications are known."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "takeitdown.staff_site.StaffSite"


class TakeItDownConfig(AppConfig):
    name = "takeitdown"

    def ready(self) -> None:
        from takeitdown import checks  # noqa: F401  registers the system checks
        from takeitdown.celery import app  # noqa: F401  the app that every shared_task belongs to
