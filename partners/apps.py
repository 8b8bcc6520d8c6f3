from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "partners"

    def ready(self) -> None:
        from partners import webhooks
        from partners.api import schema  # noqa: F401  so that the API's description knows our key

        webhooks.register_deeds()
