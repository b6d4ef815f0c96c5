"""An invitation for a neutral person has no word until a lead of the other side has agreed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [
        ("parties", "0010_standing"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="digest",
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="agreed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="parties.membership",
            ),
        ),
    ]
