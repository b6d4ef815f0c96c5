"""What an agreed change was expected to bring, what came, and what each side says of its benefit."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import queries
from comity.apps.agreements.models import Baseline
from comity.apps.agreements.outcomes import afterwards
from comity.apps.agreements.refusals import Code
from comity.core.agreements.afterwards import Came
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.values import Side
from tests.builders.changes import agreed, attempt, content, moved_to, proposed, refused, row, sign
from tests.builders.levels import KPI
from tests.room import cast, forget_mails, run_jobs, sent_mails, superuser

pytestmark = pytest.mark.gate
FIRST_DAY = date(2026, 6, 1)
BASELINE = afterwards.BASELINE_TASK


def in_time(month):
    """How many of ten calls of a day are answered in time: 4 to 6 until May, 9 from June on."""
    return 9 if month >= 6 else 4 + month % 3


def calls():
    """Ten calls on each of 28 days a month, from January to September."""
    yield "contact_id,opened_at,queue,channel,answered_at,resolved_at"
    for month in range(1, 10):
        for day in range(1, 29):
            for number in range(10):
                wait = 5 if number < in_time(month) else 50
                at = f"2026-{month:02}-{day:02}T10:00"
                yield f"{month}-{day}-{number},{at}:00Z,help,voice,{at}:{wait:02}Z,"


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(calls()))
    made.tokens = {}
    cache.clear()
    return made


def expecting(them, **more):
    """A change of June, proposed on 20 May, that expects a higher service level."""
    with transaction.atomic():
        kpi = queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id
    expects = [{"figure": kpi, "direction": "up", "size": "0.2", "by": "2026-09-30", **more}]
    says = {"customer_benefit": "Fewer complaints.", "provider_benefit": "Fewer repeats.", "expects": expects}
    made = content(SetField(kpi, "target", "0.9"), first_day=FIRST_DAY, expects_nothing="", **says)
    pk = proposed(them, "customer_lead", made)
    moved_to(pk, "agreements_step", 1, timezone.now().replace(month=5, day=20))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk, retroactive=True)
    return pk


def found(them, pk, who="auditor"):
    with transaction.atomic():
        member = them.at(who)
        now = queries.situation(member)
        (one,) = afterwards.expectations(member, queries.change_state(member, row(pk), now), now)
    return one


def test_the_baseline_is_stored_when_both_have_signed_and_stays(them):
    """January to April before 20 May: 5, 6, 4 and 5 of ten calls in time; 9 from June to August."""
    pk = expecting(them)
    assert found(them, pk).baseline is None
    run_jobs(BASELINE)
    one = found(them, pk)
    assert (one.baseline.count, one.baseline.mean) == (4, pytest.approx(0.5))
    assert one.baseline.low < 0.5 < one.baseline.high
    assert (one.after.came, one.after.value) == (Came.MET, pytest.approx(0.9))
    with transaction.atomic():
        person = them.at("customer_lead").membership.person_id
    afterwards.keep_baseline(person, them.relationship, Side.CUSTOMER, pk)
    with transaction.atomic():
        them.at("auditor")
        assert Baseline.objects.count() == 1


def test_what_came_stands_on_the_page_of_the_change(them):
    pk = expecting(them, size="0.6")
    run_jobs(BASELINE)
    for who in ("customer_lead", "provider_member", "auditor"):
        page = them.client(who).get(them.url(f"agreement/changes/{pk}/")).content.decode()
        assert "Expected and came" in page
        assert "partly met" in page
        assert "50.0" in page
        assert "90.0" in page


def test_a_figure_that_is_no_kpi_is_said_to_be_none(them):
    pk = expecting(them, figure="joy")
    run_jobs(BASELINE)
    one = found(them, pk)
    assert (one.baseline, one.after) == (None, None)
    page = them.client("auditor").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "No KPI of this name is counted here" in page


def test_other_changes_of_the_kpi_in_these_months_are_named(them):
    pk = expecting(them)
    run_jobs(BASELINE)
    with transaction.atomic():
        kpi = queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id
    other = content(SetField(kpi, "material", "0.03"), first_day=date(2026, 7, 1))
    agreed(them, "provider_lead", other, retroactive=True)
    with transaction.atomic():
        them.at("auditor")
        number = row(pk).number
    assert found(them, pk).others[-1:] == (number + 1,)


def test_each_side_says_for_itself_whether_it_had_its_benefit_and_one_sided_ones_stand_out(them):
    pk = expecting(them)
    forget_mails()
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    address = them.url(f"agreement/changes/{pk}/")
    assert "Did your side have its benefit?" in customer.get(address).content.decode()
    assert customer.post(address + "benefit/", {"answer": "yes"}).status_code == 302
    (mail,) = sent_mails()
    assert mail.to == [them.people["provider_lead"].email]
    assert "Answer for your side too" in mail.body
    refused(Code.REASON, lambda: afterwards.say_benefit(them.at("provider_lead"), row(pk), "no"))
    refused(Code.NOT_YOURS, lambda: afterwards.say_benefit(them.at("provider_analyst"), row(pk), "yes"))
    provider.post(address + "benefit/", {"answer": "no", "because": "Repeats went up."})
    page = customer.get(address).content.decode()
    assert "One-sided" in page
    assert "Repeats went up." in page
    today = provider.get(them.url()).content.decode()
    assert "Did it bring your side its benefit?" not in today


def test_who_may_not_read_a_change_says_nothing_of_its_benefit(them):
    """A lead says it, and reads all that leads sign: unless others of the side sign for what they alone read."""
    with transaction.atomic():
        kpi = queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id
    kept = content(SetField(kpi, "target", "0.9"), SetField(kpi, "seen_by", ["lead"]), first_day=FIRST_DAY)
    pk = agreed(them, "customer_lead", kept, retroactive=True)
    address = them.url(f"agreement/changes/{pk}/")
    assert "benefit/" in them.client("provider_lead").get(address).content.decode()
    with superuser() as everybody:
        everybody.execute(
            "UPDATE agreements_step SET content = replace(content::text, '[\"lead\"]', '[\"executive\"]')::jsonb "
            "WHERE change_id = %s",
            [pk],
        )
    assert "benefit/" not in them.client("provider_lead").get(address).content.decode()
    refused(Code.NOT_READABLE, lambda: afterwards.say_benefit(them.at("provider_lead"), row(pk), "yes"))


def test_a_side_is_asked_on_today_until_it_has_said(them):
    pk = expecting(them)
    assert "Did it bring your side its benefit?" in them.client("provider_lead").get(them.url()).content.decode()
    with transaction.atomic():
        member = them.at("provider_lead")
        now = queries.situation(member)
        ((state, silent),) = afterwards.unsaid(member, now)
    assert (state.row.pk, silent) == (pk, list(Side))


def test_nothing_is_said_before_three_whole_months_have_passed(them):
    with transaction.atomic():
        kpi = queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id
    first_day = timezone.now().date() - timedelta(days=50)
    pk = agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=first_day), retroactive=True)
    refused(Code.NOT_NOW, lambda: afterwards.say_benefit(them.at("customer_lead"), row(pk), "yes"))
    page = them.client("customer_lead").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "Each side can answer from" in page
    assert "Did your side have its benefit?" not in page


def test_nobody_answers_for_the_other_side_nor_changes_what_was_stored(them):
    pk = expecting(them)
    run_jobs(BASELINE)
    word = (
        "INSERT INTO agreements_benefitword (id, change_id, relationship_id, side, person_id, at, answer, because) "
        "VALUES (gen_random_uuid(), %s, %s, %s, %s, now(), %s, '')"
    )
    person = them.people["provider_lead"].pk
    for side, answer in (("customer", "yes"), ("provider", "perhaps")):
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, "provider_lead", word, pk, them.relationship, side, person, answer)
    for sql in (
        "UPDATE agreements_baseline SET mean = 0",
        "DELETE FROM agreements_baseline",
        "UPDATE agreements_benefitword SET answer = 'yes'",
        "DELETE FROM agreements_benefitword",
    ):
        with pytest.raises(DatabaseError, match="permission denied"):
            attempt(them, "provider_lead", sql)
    other = (
        "INSERT INTO agreements_baseline (id, change_id, relationship_id, side, person_id, at, figure, unit, count, "
        "mean) VALUES (gen_random_uuid(), %s, %s, 'provider', %s, now(), 'service_level', 'share', 12, 0.1)"
    )
    with pytest.raises(DatabaseError, match="one_baseline_of_a_figure"):
        attempt(them, "provider_lead", other, pk, them.relationship, person)
