from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0004_hold_canary_for"),
    ]

    operations = [
        migrations.AddField(
            model_name="listreader",
            name="resync_since",
            field=models.DateTimeField(blank=True, null=True, verbose_name="has to take a whole copy since"),
        ),
    ]
