from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "takeitdown.accounts"
    label = "accounts"

    def ready(self) -> None:
        from takeitdown.accounts import addresses, roles, second_factor, sessions  # noqa: F401  they listen

        roles.write_down_after_migrations()
