from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0003_feedback_disputes_that_count"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="votes_counted",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
