"""A picture of every page of the room: `make shots` writes them into shots/, with an index.html that shows them all.

The pages come from the room's own list of addresses. One that is added stops the command, and a quick test, until it
is said here who looks at it and what stands in its address, or that it is no page.
"""

import base64
import hashlib
import hmac
import html
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

PASSWORD = "comity-demo-2026"
OUT = Path(__file__).resolve().parents[2] / "shots"
# Language, width, colours: both languages as most people see it, English for the rest.
VIEWS = (("en", 1440, "light"), ("en", 1440, "dark"), ("en", 390, "light"), ("en", 390, "dark"), ("es", 1440, "light"))

NOBODY, HALF = "nobody", "half-in"  # not signed in; the password given, the code not yet
LEADS = ("marta", "jonas")
INSIDE = (*LEADS, "ruth")  # the neutral is the auditor, who reads all that crosses the line
CODES = "tom"  # has one-time codes switched on for the pictures


@dataclass
class Found:
    """What stands in addresses: found by using the room before the pictures are taken."""

    relationship: str = ""
    matters: list[str] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    rounds: list[str] = field(default_factory=list)
    word: str = ""
    set_up: str = ""
    place: str = ""
    reset: tuple[str, str] = ("", "")


def _once(_: Found) -> Iterable[dict[str, str]]:
    return [{}]


@dataclass(frozen=True)
class Page:
    """Who looks at a page; what stands in its address, once for each picture; and what is asked beside it."""

    who: tuple[str, ...]
    parts: Callable[[Found], Iterable[dict[str, str]]] = _once
    asked: tuple[str, ...] = ("",)
    opened: bool = False  # a picture more, with all that is folded open
    status: int = 200
    sends: bool = False  # to another address, where the page is


PAGES = {
    # Within a relationship
    "today": Page(INSIDE),
    "review": Page(INSIDE, asked=("", "?view=joint"), opened=True),
    "figure": Page(INSIDE, lambda _: [{"kpi": "service_level"}], asked=("?period=2026-06",)),
    "reading": Page(INSIDE, lambda _: [{"reading": "satisfaction"}, {"reading": "service_level"}]),
    "compare": Page(INSIDE),
    "by_mail": Page(("marta",)),
    "attribution": Page(INSIDE, opened=True),
    "matters": Page(INSIDE),
    "matter": Page(INSIDE, lambda found: [{"matter": one} for one in found.matters]),
    "move": Page(LEADS, lambda found: [{"matter": one, "move": "agree"} for one in found.matters], sends=True),
    "confirm": Page(("marta",), asked=("?period=2026-06",), sends=True),
    "raise_what": Page(LEADS),
    "raise": Page(LEADS, lambda _: [{"kind": one} for one in ("dispute", "claim", "action", "need", "proposal")]),
    "moves": Page(INSIDE),
    "ledger": Page(INSIDE, asked=("", "?age=0")),
    "ledger_agreed": Page(INSIDE),
    "told": Page(INSIDE),
    "records": Page(INSIDE),
    "delivery": Page(("jonas",), lambda found: [{"delivery": one} for one in found.deliveries], opened=True),
    "match_columns": Page(("jonas",), lambda found: [{"delivery": found.deliveries[-1]}]),
    "people": Page(INSIDE),
    "kpis": Page(INSIDE, asked=("", "?template=contact_centre")),
    "agreement": Page(INSIDE),
    "agreement_change": Page(LEADS, lambda found: [{"change": one} for one in found.changes]),
    "agreement_limits": Page(("marta",)),
    "first_text": Page(("marta",)),
    "agreement_measures": Page(INSIDE),
    "priorities": Page(INSIDE),
    "priority_round": Page(INSIDE, lambda found: [{"round": one} for one in found.rounds], opened=True),
    "seal_priorities": Page(("marta",), lambda found: [{"round": found.rounds[-1]}]),
    "sign_change": Page(("marta",), lambda found: [{"change": found.changes[-1]}]),
    "sign_elsewhere": Page(("marta",), lambda found: [{"change": found.changes[-1]}]),
    "change_evidence": Page(LEADS, lambda found: [{"change": found.changes[-1]}]),
    "replies": Page(INSIDE, asked=("", "?country=ES&region=CT")),
    "their_place": Page(("marta",), lambda found: [{"membership": found.place}]),
    "log": Page(INSIDE, asked=("", "?what=reads")),
    "search": Page(INSIDE, asked=("", "?q=service")),
    # Outside
    "portfolio": Page(INSIDE, asked=("?all=1",)),
    "waiting": Page(INSIDE),
    "begin": Page(("marta",)),
    "display": Page(("marta",)),
    "help": Page(("marta",)),
    "glossary": Page(("marta",)),
    "concept": Page(("marta",), lambda _: [{"page": "concepts"}]),
    "join": Page((NOBODY,), lambda found: [{"token": found.token}]),
    "set_up": Page((NOBODY,), lambda found: [{"token": found.set_up}]),
    "routes": Page(("marta",)),
    "account": Page(("marta",)),
    "account_login": Page((NOBODY,)),
    "account_logout": Page(("marta",)),
    "account_signup": Page((NOBODY,)),
    "account_inactive": Page((NOBODY,)),
    "account_reauthenticate": Page(("marta",)),
    "account_change_password": Page(("marta",)),
    "account_reset_password": Page((NOBODY,)),
    "account_reset_password_done": Page((NOBODY,)),
    "account_reset_password_from_key": Page(
        (NOBODY,),
        lambda found: [{"uidb36": found.reset[0], "key": found.reset[1]}, {"uidb36": "0", "key": "over"}],
        sends=True,
    ),
    "account_reset_password_from_key_done": Page((NOBODY,)),
    "usersessions_list": Page(("marta",)),
    "mfa_index": Page(("marta", CODES)),
    "mfa_activate_totp": Page(("marta",)),
    "mfa_deactivate_totp": Page((CODES,)),
    "mfa_view_recovery_codes": Page((CODES,)),
    "mfa_generate_recovery_codes": Page((CODES,)),
    "mfa_reauthenticate": Page((CODES,)),
    "mfa_list_webauthn": Page(("marta",)),
    "mfa_add_webauthn": Page(("marta",)),
    "socialaccount_login_cancelled": Page((NOBODY,)),
    "socialaccount_login_error": Page((NOBODY,), status=401),
    "mfa_authenticate": Page((HALF,)),
}
NO_PAGES = {
    # what changes something, and shows a page that stands above
    "sort", "move_export", "save_view", "delete_view", "style",
    "begin_sample", "end_sample",
    "end_relationship", "switch_sample", "propose_days_off", "propose_kpis", "agree_kpis", "withdraw_kpis",
    "answer_told", "propose_opening", "propose_reversal", "propose_ledger_calendar", "agree_ledger", "drop_ledger",
    "settle_opened",
    "use_organisation", "logo",
    "begin_change", "save_change", "share_change", "drop_change", "propose_change", "waive_change", "end_change",
    "mark_reason", "begin_from_template", "begin_from_list",
    "start_priorities", "save_priorities", "withdraw_priorities", "propose_order", "agree_order", "draft_order",
    "begin_from_own",
    "take_out_change",
    "ask_first", "answer_first", "say_benefit", "say_decided", "note_amounts",
    "remark_change", "take_remark", "withdraw_remark",
    "make_token", "revoke_token", "set_notifications", "set_language", "restate", "comment_period",
    "begin_book", "make_copy", "upload",
    "move_delivery", "mark", "disclose", "say_complete", "change_terms", "answer_terms",
    "invite", "withdraw_invitation", "renew_invitation",
    "agree_invitation", "let_go", "change_role", "set_firm",
    "stand_in", "change_format", "review_access", "try_again", "propose_calendar", "agree_calendar", "silence",
    # files
    "review_file", "compare_file", "figure_contacts", "figures_file", "copy_archive", "record", "rejects",
    "rejected_rows", "changes", "ledger_entries", "ledger_statement", "pack",
    "agreement_file", "signed_file",
    "mfa_download_recovery_codes", "evidence", "access", "log_file",
    "kpi_list_file", "own_template",
    # sends elsewhere: an address is not changed; nobody is without a password
    "account_email", "account_set_password", "socialaccount_signup",
    # is for whoever has no relationship, as nobody of the demo: journeys/test_first_month goes through it
    "first_run",
    # asks for a key that is there, or belongs to an organisation's sign-in
    "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn", "mfa_login_webauthn",
    "openid_connect_login", "openid_connect_callback",
}  # fmt: skip


def addresses() -> dict[str, set[str]]:
    """The name of every address of the room but the API's, and what stands in it."""
    import django
    from django.urls import URLPattern, get_resolver

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
    os.environ.setdefault("COMITY_SECRET_KEY", "of the pictures")
    django.setup()

    def walk(patterns, above):
        for one in patterns:
            parts = above | set(one.pattern.converters)
            if isinstance(one, URLPattern):
                yield one.name, parts
            elif str(one.pattern) != "api/":
                yield from walk(one.url_patterns, parts)

    return dict(walk(get_resolver().url_patterns, set()))


def missing(names: Iterable[str]) -> str:
    """What is wrong with the lists above; empty where nothing is."""
    names = set(names)
    said = [f"{name} is new: say in {Path(__file__).name} who looks at it, or that it is no page"
            for name in sorted(names - PAGES.keys() - NO_PAGES)]  # fmt: skip
    said += [f"{name} is gone: take it out of {Path(__file__).name}" for name in sorted(PAGES.keys() | NO_PAGES)
             if name not in names]  # fmt: skip
    return "\n".join(said)


def parted(said: Iterable[str]) -> tuple[list[str], bool, tuple[int, int]]:
    """Which pages are asked for, whether pictures that lie there stay, and which part of how many is taken.

    :param said: beginnings of pages' names, `--resume`, `--part=2/5`
    :raises ValueError: for a part that is none
    """
    only, resume, part = [], False, (1, 1)
    for one in said:
        if one == "--resume":
            resume = True
        elif one.startswith("--part="):
            number, of = one.removeprefix("--part=").split("/")
            part = int(number), int(of)
        else:
            only.append(one)
    if not 1 <= part[0] <= part[1]:
        raise ValueError(part)
    return only, resume or part[1] > 1 or bool(only), part


def main(*said: str) -> int:
    """Take them all, or those that are asked for (see `parted`); 1 where one could not be taken.

    Asked for some, or for the rest, it leaves the other pictures where they lie. The index tells of those that are
    there whenever it ends, so that what was broken off is looked at, and gone on with.
    """
    # Beside this file. By the name of `tests` a command finds what an installed package has under it, and not ours.
    from opening import CHROMIUM, chromium, opened

    if CHROMIUM is None:
        return _stop("no Chromium is here; `make setup` says how it comes")
    known = addresses()
    if wrong_lists := missing(known):
        return _stop(wrong_lists)
    only, keeps, (part, parts) = parted(said)
    if not keeps:
        shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(exist_ok=True)
    is_rest = "--resume" in said
    _say("two years of records, and a room to show them in")
    everything, wrong = [], []
    try:
        with chromium() as browser, opened(browser) as served:
            found = _prepare(served)
            looking = dict.fromkeys(who for page in PAGES.values() for who in page.who)
            everything = [(who, *told) for who in looking for told in _paths(who, found, known)]
            asked_for = [
                one for number, one in enumerate(everything)
                if number % parts == part - 1
                and (not only or any(one[1].startswith(name) for name in only))
                and not (is_rest and _is_there(one[0], one[2]))
            ]  # fmt: skip
            for who in looking:
                own = [told for first, *told in asked_for if first == who]
                if own:
                    page = _arrive(served, who)
                    for name, label, path, asked in own:
                        wrong += _taken(page, served.address, who, name, label, path, asked)
                    page.context.close()
    finally:
        there = [(who, label) for who, _, label, *_ in everything if _is_there(who, label)]
        (OUT / "index.html").write_text(_index(there), encoding="utf-8")
        _say(f"{len(there) * len(VIEWS)} pictures: {OUT / 'index.html'}")
    return _stop("\n".join(wrong)) if wrong else 0


def _is_there(who: str, label: str) -> bool:
    """Whether all views of a page lie there."""
    return all((OUT / _file(who, label, *view)).is_file() for view in VIEWS)


def _paths(who, found, known):
    """What one person looks at: the page's name, the picture's, the path, and the page."""
    from django.urls import reverse

    for name, page in PAGES.items():
        if who not in page.who:
            continue
        fills = list(page.parts(found))
        if not fills:
            yield name, name, None, page
        for number, parts in enumerate(fills):
            more = {"relationship": found.relationship} if "relationship" in known[name] else {}
            path = reverse(name, kwargs=parts | more)
            for asked in page.asked:
                label = "-".join(filter(None, (name, str(number + 1) if len(fills) > 1 else "", asked.strip("?"))))
                yield name, re.sub(r"[^a-z0-9_-]", "-", label), path + asked, page
                if page.opened and not asked:
                    yield name, f"{label}-opened", path, page


def _taken(page, address, who, name, label, path, asked):
    """All views of one page, asked for once more where it was not there in time: one slow page stops no other."""
    from playwright.sync_api import Error

    for tries in (1, 2):
        try:
            return _take(page, address, who, name, label, path, asked)
        except (Error, AssertionError) as error:
            said = str(error).partition("\n")[0]
            _say(f"{who:8} {label}: {said}, try {tries}")
    return [f"{name} as {who}: {path} did not come: {said}"]


def _take(page, address, who, name, label, path, asked):
    """All views of one page. Returns what is wrong with it."""
    if path is None:
        return [f"{name}: nothing was found to stand in its address"]
    wrong, began = [], time.monotonic()
    for language in dict.fromkeys(language for language, _, _ in VIEWS):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": address}])
        answer = _go(page, path)
        if answer.status != asked.status or page.url.split("?")[0] != answer.url.split("?")[0]:
            return [f"{name} as {who}: {path} answered {answer.status}"]
        if answer.request.redirected_from is not None and not asked.sends:
            return [f"{name} as {who}: {path} sends to {page.url}"]
        if page.get_attribute("html", "lang") != language:
            return [f"{name} as {who}: {path} does not speak {language}"]
        if label.endswith("-opened"):
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        for spoken, width, colours in VIEWS:
            if spoken != language:
                continue
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=colours)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                wrong.append(f"{name} as {who}: {path} is {wide} wide in a window of {width}")
            page.screenshot(path=OUT / _file(who, label, spoken, width, colours), full_page=True)
    _say(f"{who:8} {label} ({time.monotonic() - began:.1f} s)")
    return wrong


def _go(page, path):
    """Open a page; where it is asked for, say once more who it is."""
    answer = page.goto(path)
    if "/sign-in/again/" in page.url and "/sign-in/again/" not in path:
        page.fill("input[name=password]", PASSWORD)
        page.click("main button.main")
        answer = page.goto(path)
    if answer is not None and answer.status == HTTPStatus.ACCEPTED:  # a review that is being computed
        from opening import current  # as `shoot` does: it is run as a script

        current(page)
        answer = page.goto(path)
    return answer


def _file(who, label, language, width, colours):
    return f"{who}-{label}-{width}-{colours}-{language}.png"


def _arrive(served, who):
    """A page of somebody who looks."""
    if who == NOBODY:
        page = served.browser.new_context(base_url=served.address).new_page()
        page.set_default_timeout(120_000)  # as those who are signed in
        return page
    page = served.sign_in(CODES if who == HALF else who, java_script_enabled=True)
    if who == CODES:
        page.fill("input[name=code]", _recovery.pop())
        page.click("main button")
    return page


# What has to be there before there is something to show ----------------------------------------------------------

_recovery: list[str] = []


def _prepare(served) -> Found:
    found = Found()
    page = served.enter("jonas", java_script_enabled=True)
    home = page.url
    found.relationship = re.search(r"/r/([^/]+)/", home)[1]
    found.deliveries = [_bring(page, home, *one) for one in (("november.csv", True), ("december.csv", False))]
    page.goto(f"{home}people/")
    page.fill("input[name=email]", "new.person@example.org")
    page.locator("form[action$='/invite/'] button").first.click()
    found.token = re.search(r"/join/([^/\s]+)/", served.link())[1]
    comity = Path(sys.executable).parent / "comity"

    def link(*command):
        printed = subprocess.run([comity, *command, "--data", served.data], check=True, capture_output=True, text=True)
        return printed.stdout

    found.set_up = re.search(r"/set-up/([^/\s]+)/", link("invite", "other@example.org"))[1]
    reset = link("reset", "nora@demo.example")
    found.reset = re.search(r"/forgotten/([^-/\s]+)-([^/\s]+)/", reset).groups()
    page.context.close()
    page = served.enter("marta", java_script_enabled=True)
    _bring(page, home, "november.csv", True, took=300)  # otherwise than the provider had it: a correction is opened
    page.goto(f"{home}matters/")
    links = page.locator("main a[href*='/matters/']").evaluate_all("all => all.map(one => one.pathname)")
    found.matters = list(dict.fromkeys(one for link in links for one in re.findall(r"/matters/([0-9a-f-]{36})/", link)))
    found.changes = [_draft(page, home)]
    found.rounds = [_round(served, page, home), _begun(page, home)]
    page.goto(f"{home}people/")
    found.place = re.search(r"/people/([0-9a-f-]{36})/", page.locator("main tbody a").first.get_attribute("href"))[1]
    page.context.close()
    _switch_codes_on(served)
    return found


def _draft(page, home):
    """A change of the agreement that is proposed. Returns its id."""
    page.goto(f"{home}agreement/")
    page.locator("form[action$='/begin/'] button").click()
    change = re.search(r"/changes/([0-9a-f-]{36})/", page.url)[1]
    page.fill("input[name=first_day]", "2099-01-01")
    page.fill("input[name=title]", "Open until ten")
    page.fill("textarea[name=reason]", "One caller in five finds the lines closed after eight.")
    page.select_option("select[name=carried_out_by]", "provider")
    page.fill("textarea[name=expects_nothing]", "Fewer complaints, which nobody counts yet.")
    page.locator("form[action$='/save/'] button").first.click()
    page.goto(f"{home}agreement/changes/{change}/?add=calendar")
    page.fill("input[name=zone]", "Europe/Madrid")
    page.fill("input[name=open_mon__0__opens]", "08:00")
    page.fill("input[name=open_mon__0__closes]", "22:00")
    page.locator("section[aria-labelledby=h-clause] button").first.click()
    page.locator("form[action$='/propose/'] button").click()
    return change


def _round(served, page, home):
    """A round of priorities in which both sides have sealed, with a joint order that is proposed. Returns its id."""
    of_round = _begun(page, home)
    other = served.enter("jonas", java_script_enabled=True)
    other.goto(f"{home}agreement/priorities/{of_round}/")
    _ordered(other, turned=True)
    for one in (page, other):
        one.goto(f"{home}agreement/priorities/{of_round}/seal/")
        one.locator("main form button.main").click()
    other.goto(f"{home}agreement/priorities/{of_round}/")
    for at in range(other.locator("input[name^=at_]").count()):
        other.fill(f"input[name=at_{at}]", str(at + 1))
        other.fill(f"input[name=customer_{at}]", "Marta")
        other.fill(f"input[name=provider_{at}]", "Jonas")
    other.locator("form[action$='/order/'] button").click()
    other.context.close()
    return of_round


def _begun(page, home):
    """A round of priorities, with one side's draft. Returns its id."""
    page.goto(f"{home}agreement/priorities/")
    page.locator("form[action$='/start/'] button").click()
    of_round = re.search(r"/priorities/([0-9a-f-]{36})/", page.url)[1]
    _ordered(page)
    return of_round


def _ordered(page, *, turned=False):
    boxes = page.locator("input[name^=place_]")
    number = boxes.count()
    for at in range(number):
        page.fill(f"input[name=place_{at}]", str(number - at if turned else at + 1))
    page.fill("input[name=need_1]", "A forecast by queue" if turned else "Fewer people who call twice")
    page.fill("input[name=believed_1]", "Shorter queues" if turned else "Fewer changes of the forecast")
    page.locator("form[action$='/save/'] button").first.click()


def _bring(page, home, name, whole, took=180):
    """A file on its way in: one that is in, one that somebody has still to look at. Returns its number."""
    rows = ["contact_id,opened_at,queue,channel,answered_at,resolved_at,handle_s"]
    rows += [f"{name}-{n},2026-06-02T10:{n:02}:00Z,help,voice,2026-06-02T10:{n:02}:09Z,,{took + n}" for n in range(20)]
    rows += [f"{name}-late,2026-06-02T10:00:00Z,help,voice,yesterday,,200"]
    page.goto(f"{home}records/")
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/csv", "buffer": "\n".join(rows).encode()})
    page.locator("form[action$='/upload/'] button").click()
    _settle(page)
    if whole:
        page.locator("button[value=bring]").click()
        _settle(page)
    return re.search(r"/records/([0-9a-f-]{36})/", page.url)[1]


def _settle(page):
    """Until what runs in the background has run; the page asks again by itself."""
    page.wait_for_selector("meta[http-equiv=refresh]", state="detached", timeout=60_000)


def _switch_codes_on(served):
    page = served.sign_in(CODES, java_script_enabled=True)
    _go(page, "/sign-in/codes/totp/activate/")
    secret = re.search(r"\b[A-Z2-7]{32}\b", page.locator("main").inner_text())[0]
    page.fill("input[name=code]", _code(secret))
    page.click("main button")
    _go(page, "/sign-in/codes/recovery-codes/")
    _recovery.extend(re.findall(r"\b[0-9a-f]{8}\b", page.locator("main").inner_text()))
    page.context.close()


def _code(secret: str) -> str:
    """A one-time code, as RFC 6238 makes it."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    (number,) = struct.unpack(">I", digest[digest[-1] & 15 :][:4])
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"


# Telling ---------------------------------------------------------------------------------------------------------


def _index(taken) -> str:
    heads = "".join(f"<th>{width} {colours} {language}</th>" for language, width, colours in VIEWS)
    rows = []
    for who, label in taken:
        cells = "".join(
            f'<td><a href="{file}"><img loading="lazy" src="{file}" alt=""></a></td>'
            for file in (html.escape(_file(who, label, *view)) for view in VIEWS)
        )
        rows.append(f"<tr><th>{html.escape(label)}<br><small>{html.escape(who)}</small></th>{cells}</tr>")
    style = (
        "body{font:14px system-ui;margin:16px}th{text-align:left;vertical-align:top;padding:4px 12px 4px 0}"
        "thead th{position:sticky;top:0;background:#fff}td{vertical-align:top;padding:0 8px 16px 0}"
        "img{width:240px;max-height:400px;object-fit:cover;object-position:top;border:1px solid #ccc}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>The room, page by page</title>'
        f"<style>{style}</style><table><thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></html>\n"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"shots: {text}\n")
    sys.stdout.flush()


def _stop(text: str) -> int:
    sys.stderr.write(f"shots: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
