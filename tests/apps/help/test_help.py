"""Glossary and concepts as pages: the documentation's own files, and nothing that runs."""

import re
from pathlib import Path

import pytest

from comity.apps.help.queries import (
    CONCEPTS,
    TASKS,
    Concept,
    concept_html,
    pages,
    screen_words,
    term,
    terms,
    translated,
)
from comity.apps.i18n import words_for
from tests.builders.levels import KPI, contacts
from tests.room import cast

pytestmark = pytest.mark.gate
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def browser():
    return cast().client("customer_member")


def test_every_term_of_the_glossary_is_shown_once(browser):
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    nouns = re.findall(r"^\*\*([^*]+)\*\*", text, re.MULTILINE)
    assert [one.noun for one in terms()] == nouns
    page = browser.get("/help/glossary/").content.decode()
    assert [page.count(f'id="{one.anchor}"') for one in terms()] == [1] * len(nouns)


def test_the_glossary_explains_the_words_that_pages_use_of_contacts_and_changes():
    nouns = {one.noun for one in terms()}
    pages_say = {"flow out", "callback", "voicemail", "ended by the system", "definition file", "too small to act on"}
    assert pages_say | {"spare capacity in the plan", "locked forecast", "template"} <= nouns


def test_words_on_screen_are_shown_in_both_languages():
    words = {one.concept: (one.en, one.es) for one in screen_words()}
    assert words["to contest a figure"] == ("dispute", "disputa, disputar")
    assert len(words) > 40


def test_what_is_in_english_alone_says_so_to_a_spanish_reader(browser):
    for path in ("/help/", "/help/glossary/", "/help/concepts/"):
        page = browser.get(path, headers={"accept-language": "es"}).content.decode()
        assert words_for("es")("help.english") in page
        assert 'lang="en"' in page.partition("<main")[2]
        assert words_for("en")("help.english") not in browser.get(path).content.decode()


def test_what_is_done_step_by_step_is_read_in_the_readers_language(browser):
    """Both languages have the same pages with the same steps, rows and commands, and neither says it is in English."""
    for source in TASKS:
        files = [(ROOT / "docs" / f"{translated(source, one)}.md").read_text(encoding="utf-8") for one in ("en", "es")]
        for mark in (r"^\d+\. ", r"^\|", r"^## ", r"`comity [a-z]+", r"`/api/"):
            counts = [len(re.findall(mark, text, re.MULTILINE)) for text in files]
            assert counts[0] == counts[1], (source, mark)
        name = source.rpartition("/")[2]
        page = browser.get(f"/help/{name}/", headers={"accept-language": "es"}).content.decode()
        assert 'class="prose" lang="es"' in page
        assert words_for("es")("help.english") not in page


@pytest.mark.parametrize("name", [one.rpartition("/")[2] for one in (*TASKS, *CONCEPTS)])
def test_a_concept_page_links_to_pages_of_the_room_alone(browser, name):
    page = browser.get(f"/help/{name}/").content.decode()
    links = re.findall(r'href="([^"]+)"', page.partition('class="prose"')[2].partition("<footer")[0])
    assert all(link.startswith(("/help/", "#")) for link in links), links
    assert all(browser.get(link).status_code == 200 for link in links if link.startswith("/"))
    assert pages("en")[name].title in page.replace("&#39;", "'")


def test_a_page_that_is_not_for_both_sides_is_not_there(browser):
    for name in ("running", "security", "nothing", "..%2Fsettings"):
        assert browser.get(f"/help/{name}/").status_code == 404


def test_markup_in_a_page_is_escaped():
    html = concept_html(Concept("x", "X", "<script>1</script> [a](javascript:alert(1)) ![b](c.png)"), lambda _: None)
    assert "<script" not in html
    assert "javascript:" not in re.sub(r"<[^>]*>", "", html) or "href" not in html
    assert "<img" not in html


def test_what_is_this_leads_to_a_term_of_the_glossary():
    asked = {
        noun
        for file in (ROOT / "src").rglob("templates/**/*.html")
        for noun in re.findall(r'what_is\("([^"]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert {"matter", "log"} <= asked
    assert [term(noun).noun for noun in asked] == list(asked)
    for language in ("en", "es"):  # said to whoever cannot see which section the link stands in
        assert {noun for noun in asked if not words_for(language).has(f"help_noun.{noun}")} == set()


def test_what_is_this_is_asked_in_the_readers_language():
    them = cast()
    page = them.client("customer_lead").get(them.url("matters/"), headers={"accept-language": "es"}).content.decode()
    assert "¿Qué es esto? asunto" in page
    assert "¿Qué es esto? matter" not in page


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_task_names_buttons_and_headings_as_they_are_on_screen(language):
    """What a page puts in italics is on screen, word for word, in one of the catalogues."""
    shown = set(words_for(language)._sentences.values())
    for source in TASKS:
        text = (ROOT / "docs" / f"{translated(source, language)}.md").read_text(encoding="utf-8")
        named = re.findall(r"(?<![*])\*([^*\n]+)\*(?![*])", text)
        assert named, source
        missing = [one for one in named if not any(one == said.partition(" {")[0] for said in shown)]
        assert missing == [], source


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("", "today"),
        ("records/", "import-a-file"),
        ("review/", "close-a-month"),
        ("kpis/", "agree-on-kpis"),
        ("people/", "invite-people"),
        ("matters/raise/dispute/?period=2026-06", "dispute-a-figure"),
        ("/account/", "use-the-api"),
    ],
)
def test_a_page_links_to_how_it_works(path, page):
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    assert (
        f'href="/help/{page}/"'
        in them.client("customer_lead").get(path if path.startswith("/") else them.url(path)).content.decode()
    )
