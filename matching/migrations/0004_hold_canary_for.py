import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0003_entryreview"),
    ]

    operations = [
        migrations.AddField(
            model_name="hold",
            name="canary_for",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="matching.listreader",
            ),
        ),
    ]
