"""Sets of KPIs may be put to both sides; leads give a side's consent, and an entry of the record closes a set."""

from typing import ClassVar

from django.db import migrations

KIND = "INSERT INTO record_kind (subject_type, kind, settles, roles) VALUES ('kpis', 'kpis', true, '{lead}')"


class Migration(migrations.Migration):
    """One row."""

    initial = True
    dependencies: ClassVar = [("record", "0001_initial")]
    operations: ClassVar = [migrations.RunSQL(KIND)]
