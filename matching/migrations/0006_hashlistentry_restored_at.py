from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0005_listreader_resync_since"),
    ]

    operations = [
        migrations.AddField(
            model_name="hashlistentry",
            name="restored_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="restored at"),
        ),
    ]
