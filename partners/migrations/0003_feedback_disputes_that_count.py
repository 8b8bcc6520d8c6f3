from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_onboarding_webhooks_selftests"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="feedback",
            index=models.Index(
                condition=models.Q(("counts", True), ("opinion", "dispute")),
                fields=["partner", "given_at"],
                name="disputes_that_count",
            ),
        ),
    ]
