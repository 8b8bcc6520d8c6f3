from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "takeitdown.approvals"
    label = "approvals"
