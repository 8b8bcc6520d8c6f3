from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0006_hashlistentry_restored_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="entryreview",
            name="agreements",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="agree"),
        ),
        migrations.AddField(
            model_name="entryreview",
            name="disputes",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="dispute"),
        ),
        migrations.AlterField(
            model_name="entryreview",
            name="cause",
            field=models.CharField(
                choices=[
                    ("disputed", "two platforms dispute it, another one agrees"),
                    ("quarantined", "quarantined: restore or refuse it"),
                    ("over_cap", "disputed by a platform past its daily cap"),
                    ("held", "held before it was listed"),
                ],
                max_length=12,
                verbose_name="cause",
            ),
        ),
    ]
