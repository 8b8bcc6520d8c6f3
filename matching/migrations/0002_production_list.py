"""The production list's row, so that reports are taken before the sequencer has ever run."""

from django.db import migrations


def make(apps, schema_editor):
    apps.get_model("matching", "HashList").objects.get_or_create(
        name="production", defaults={"chain": b"", "set_sum": bytes(2048)}
    )


class Migration(migrations.Migration):
    dependencies = [("matching", "0001_first")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
