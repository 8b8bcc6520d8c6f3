from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "partners"

    def ready(self) -> None:
        from partners import applications, onboarding, webhooks
        from partners.api import schema  # noqa: F401  so that the API's description knows our key
        from partners.console import account_events

        account_events.listen()
        applications.register_deeds()
        onboarding.register_deeds()
        webhooks.register_deeds()
