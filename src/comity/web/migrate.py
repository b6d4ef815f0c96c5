"""Run the migrations as the database's owner: `python -m comity.web.migrate`.

A process of its own, because the server itself never has the owner's password.
"""

import os

import django
from django.core.management import call_command
from django.db import connections

# Tables without row-level security, which belong to no relationship: the app's role gets all rights on their rows.
UNPROTECTED_TABLE_PREFIXES = (
    "django_",
    "auth_",
    "account_",
    "mfa_",
    "usersessions_",
    "axes_",
    "parties_person",
    "procrastinate_",
    "socialaccount_",
)


def main() -> None:
    """Migrate, and grant the app's role its rights on tables that belong to no relationship."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
    django.setup()
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_setting('comity.app_role')")
        (app,) = cursor.fetchone()
        name = connections["owner"].ops.quote_name(app)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
        for table in connections["owner"].introspection.table_names(cursor):
            if table.startswith(UNPROTECTED_TABLE_PREFIXES) and table != "django_migrations":
                quoted = connections["owner"].ops.quote_name(table)
                cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quoted} TO {name}")
        cursor.execute(f"GRANT SELECT ON django_migrations TO {name}")
        # No worker runs during migrations: a job still marked as running was interrupted and has to run again.
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")


if __name__ == "__main__":
    main()
