import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0007_entryreview_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="AdditionsInHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(verbose_name="hour")),
                ("additions", models.PositiveIntegerField(default=0, verbose_name="additions")),
                ("accepted_at", models.DateTimeField(blank=True, null=True, verbose_name="accepted by staff at")),
                (
                    "hash_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="additions_by_hour",
                        to="matching.hashlist",
                    ),
                ),
            ],
            options={
                "verbose_name": "additions in an hour",
                "verbose_name_plural": "additions by hour",
                "constraints": [
                    models.UniqueConstraint(fields=("hash_list", "hour"), name="one_count_per_list_and_hour")
                ],
            },
        ),
    ]
