"""A job that has begun holds its queueing lock no longer.

The lock keeps a second job of its name from waiting beside the first. A job that runs may be put back (its worker died,
it is tried again) while another of its name has begun to wait; with the lock still in its row that failed, for all
jobs that were to be put back with it.
"""

from typing import ClassVar

from django.db import migrations

RELEASE = """
UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE status <> 'todo' AND queueing_lock IS NOT NULL;
CREATE FUNCTION comity_release_queueing_lock() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.queueing_lock := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER comity_release_queueing_lock BEFORE UPDATE OF status ON procrastinate_jobs FOR EACH ROW
    WHEN (OLD.status = 'todo' AND NEW.status <> 'todo') EXECUTE FUNCTION comity_release_queueing_lock();
"""


class Migration(migrations.Migration):
    """One trigger on the table of jobs."""

    dependencies: ClassVar = [("outbox", "0001_initial"), ("procrastinate", "0041_post_retry_failed_job")]
    operations: ClassVar = [migrations.RunSQL(RELEASE)]
