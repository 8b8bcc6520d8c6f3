import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """Words alone: `<code>` in a help text is a tag to the admin, which set the rest of the page in another font."""

    dependencies = [
        ("partners", "0004_partner_votes_counted"),
    ]

    operations = [
        migrations.AlterField(
            model_name="partner",
            name="code",
            field=models.CharField(
                help_text="Names its sandbox list. It does not change.",
                max_length=40,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[a-z0-9]+(-[a-z0-9]+)*\\Z", "Lower-case letters, digits and single hyphens."
                    )
                ],
                verbose_name="code",
            ),
        ),
    ]
