from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "takeitdown.accounts"
    label = "accounts"

    def ready(self) -> None:
        from takeitdown.accounts import second_factor, sessions  # noqa: F401  they listen
