"""Makes the tables, as the owner: `python -m comity.web.making`. The server itself never has the owner's password."""

import os

import django
from django.core.management import call_command
from django.db import connections

# Tables of nobody's relationship: the app may do what it likes with their rows.
OPEN = (
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
    """Bring the tables up to date, and give the app its rights on those that belong to nobody's relationship."""
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
            if table.startswith(OPEN) and table != "django_migrations":
                quoted = connections["owner"].ops.quote_name(table)
                cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quoted} TO {name}")
        cursor.execute(f"GRANT SELECT ON django_migrations TO {name}")
        # No worker runs while tables are made: what one was at when it was stopped is to be done again.
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")


if __name__ == "__main__":
    main()
