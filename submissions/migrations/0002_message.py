import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("submissions", "0001_first"),
    ]

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "author",
                    models.CharField(
                        choices=[("reporter", "reporter"), ("staff", "staff")], max_length=8, verbose_name="from"
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
                ("sent_on", models.DateField(verbose_name="sent on")),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="submissions.case",
                        verbose_name="case",
                    ),
                ),
            ],
            options={"verbose_name": "message", "verbose_name_plural": "messages", "ordering": ("pk",)},
        ),
    ]
