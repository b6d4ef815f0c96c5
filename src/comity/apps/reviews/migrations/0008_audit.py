"""The log tells of periods: a side was reminded, its silence counted, a confirmation became void, it was frozen.

Triggers of the owner write these events, so that whatever changes the tables leaves its line.
"""

from typing import ClassVar

from django.db import migrations

TRIGGERS = """
CREATE FUNCTION comity_audit_consent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE other text := CASE NEW.side WHEN 'customer' THEN 'provider' ELSE 'customer' END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.comity_audit_nobody(NEW.relationship_id, 'period_deemed', 'period', NULL,
            jsonb_build_object('period', NEW.subject, 'side', NEW.side));
    ELSIF NEW.void_at IS NOT NULL AND OLD.void_at IS NULL THEN
        PERFORM public.comity_audit_nobody(NEW.relationship_id, 'confirmation_void', 'period', NULL,
            jsonb_build_object('period', NEW.subject, 'side', NEW.side));
    ELSIF NEW.reminded_at IS DISTINCT FROM OLD.reminded_at THEN
        PERFORM public.comity_audit_nobody(NEW.relationship_id, 'period_reminded', 'period', NULL,
            jsonb_build_object('period', NEW.subject, 'side', other));
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION comity_audit_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM public.comity_audit_nobody(NEW.relationship_id, 'period_frozen', 'period', NULL,
        jsonb_build_object('period', NEW.subject, 'number', NEW.number));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION comity_audit_consent(), comity_audit_entry() FROM PUBLIC;
CREATE TRIGGER comity_audit_deemed AFTER INSERT ON record_consent FOR EACH ROW
    WHEN (NEW.deemed AND NEW.subject_type = 'period') EXECUTE FUNCTION comity_audit_consent();
CREATE TRIGGER comity_audit_consent AFTER UPDATE ON record_consent FOR EACH ROW
    WHEN (NEW.subject_type = 'period') EXECUTE FUNCTION comity_audit_consent();
CREATE TRIGGER comity_audit_entry AFTER INSERT ON record_entry FOR EACH ROW
    WHEN (NEW.kind = 'frozen') EXECUTE FUNCTION comity_audit_entry();
"""


class Migration(migrations.Migration):
    """Three triggers."""

    dependencies: ClassVar = [
        ("reviews", "0007_record"), ("record", "0001_initial"), ("audit", "0004_periods"),
    ]  # fmt: skip
    operations: ClassVar = [migrations.RunSQL(TRIGGERS)]
