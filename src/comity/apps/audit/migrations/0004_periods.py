"""What becomes of a period is in the log; as what is nobody's doing, only functions of the owner write it."""

from typing import ClassVar

from django.db import migrations

ADDS = """
DO $do$ DECLARE app text := current_setting('comity.app_role'); BEGIN
    DROP POLICY audit_event_adds ON audit_event;
    EXECUTE format($policy$
        CREATE POLICY audit_event_adds ON audit_event FOR INSERT TO %I WITH CHECK (
            relationship_id = (SELECT comity_relationship()) AND person_id = (SELECT comity_person())
            AND side IS NOT DISTINCT FROM (SELECT comity_side())
            AND event <> ALL ('{relationship_founded,member_joined,member_let_go,invitation_made,invitation_withdrawn,
                neutral_proposed,neutral_agreed,role_changed,deputy_named,deputy_ended,access_reviewed,
                matter_reminded,matter_deemed,period_reminded,period_deemed,period_frozen,confirmation_void}'))
    $policy$, app);
END $do$;
"""


class Migration(migrations.Migration):
    """A policy with four more names."""

    dependencies: ClassVar = [("audit", "0003_wall")]
    operations: ClassVar = [migrations.RunSQL(ADDS)]
