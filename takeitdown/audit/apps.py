from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "takeitdown.audit"
    label = "audit"
