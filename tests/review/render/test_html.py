"""The review as one page: whole by itself, every text escaped, well-formed, with every section."""

import base64
import hashlib
import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import quote

import pytest

from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings
from comity.review.render import html, render
from comity.review.render.errors import FORMATS, UnknownFormatError
from comity.review.render.html import RoomLinks, environment, render_body, render_reading
from comity.review.views.reading import find_reading, reading_key
from tests.builders import review as sample

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}
EACH = pytest.mark.parametrize("name", sorted(REVIEWS))
LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])


def page(make=sample.review, language="en"):
    return render(make(), "html", language).decode()


class Reader(HTMLParser):
    """Reads a page strictly: every element closed in its order, no attribute twice."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.refs, self.headings, self.texts = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in <{tag} {attrs}>"
        self.tags.append((tag, dict(attrs)))
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        self.refs += [given["href"]] if "href" in given else []
        self.refs += [f"#{given[name]}" for name in ("aria-labelledby", "aria-describedby") if name in given]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> out of order"

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@LANGUAGES
@EACH
def test_the_page_is_well_formed_and_its_references_lead_somewhere(name, language):
    html = page(REVIEWS[name], language)
    reader = read(html)
    assert html.startswith("<!doctype html>")
    assert f'<html lang="{language}">' in html
    assert len(reader.ids) == len(set(reader.ids))
    assert [ref for ref in reader.refs if not ref.startswith("#") or ref[1:] not in reader.ids] == []


@LANGUAGES
@EACH
def test_there_is_one_head_and_no_level_is_skipped(name, language):
    headings = read(page(REVIEWS[name], language)).headings
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


@EACH
def test_the_page_is_whole_by_itself(name):
    html = page(REVIEWS[name])
    reader = read(html)
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "input", "button", "video"}
    loading = {"src", "srcset", "data", "poster", "action", "background", "xlink:href", "style"}
    assert not [attrs for _, attrs in reader.tags if loading & attrs.keys()]
    assert not [attrs for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert {one[:23] for one in re.findall(r'url\("([^"]+)"\)', style)} == {"data:font/woff2;base64,"}
    assert style.count("url(") == 2
    assert "@import" not in style


@EACH
def test_a_strict_policy_allows_nothing_but_the_stylesheet_of_this_hash(name):
    html = page(REVIEWS[name])
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for t, a in read(html).tags if a.get("http-equiv") == "Content-Security-Policy")
    source = f"style-src 'sha256-{digest}'; font-src data:"
    assert policy == f"default-src 'none'; {source}; base-uri 'none'; form-action 'none'"


def test_what_keeps_a_sign_with_its_currency_leaves_hashes_and_names_as_they_are():
    written = environment().from_string("{{ a }} {{ b }}").render(a="sha256-KO+o2Sl/+=", b="A+B +\u20ac1 \u2212\u00a32")
    assert written == "sha256-KO+o2Sl/+= A+B +\u2060\u20ac1 \u2212\u2060\u00a32"


@LANGUAGES
@EACH
def test_no_text_from_records_is_markup_or_runs_backwards(name, language):
    html = page(REVIEWS[name], language)
    assert "<script" not in html
    assert "<img" not in html
    assert not [character for character in html if ord(character) < 32 and character != "\n"]
    assert "\u202e" not in html
    if name != "bare":
        assert sample.SCRIPT in "".join(read(html).texts)


def test_every_section_is_there():
    text = " ".join("".join(read(page()).texts).split())
    for title in (
        "Levels against target",
        "Formulas compared",
        "Readings",
        "Paid against received",
        "Missing data",
        "Deliveries due",
        "Reading the verdicts",
        "Data sources",
        "Imports, newest last",
        "Trend",
        "Definition",
        "What it cannot see",
        "Digest 9f3c41aa07d2",
    ):
        assert title in text


def test_what_could_not_be_formed_stands_in_the_table_of_readings_too():
    table = page().split('class="readings cards"')[1].split("</table>")[0]
    assert "Profit" in table
    assert "no verdict" in table


def test_charts_say_in_a_sentence_what_they_show():
    labels = [
        attrs["aria-label"]
        for _, attrs in read(page()).tags
        if attrs.get("role") in {"img", "group"} and "aria-label" in attrs
    ]
    forest = [label for label in labels if label.startswith("Satisfaction: as reported +0.11")]
    held = "\u22120.02, \u22120.08 to +0.04"
    assert forest == [f"Satisfaction: as reported +0.11; like for like {held}; smallest change worth acting on 0.08."]
    control = next(label for label in labels if "Natural limits" in label)
    assert "Outside them: Q2\u00a02026." in control


def test_a_bar_and_a_diamond_say_their_values_under_a_pointer_and_on_focus():
    tags = read(page()).tags
    stops = [attrs["aria-label"] for tag, attrs in tags if tag == "g" and attrs.get("tabindex") == "0"]
    assert "Like for like: \u22120.02 (\u22120.08 to +0.04)" in stops
    assert "Survivorship: +0.112, 3.889 to 4.001" in stops
    assert "As reported: +0.11" not in stops  # one stop a row
    assert "<title>As reported: +0.11</title>" in page()


def test_every_chart_is_named_or_hidden():
    for tag, attrs in read(page()).tags:
        if tag == "svg" and "class" in attrs:
            assert attrs.get("aria-hidden") == "true" or attrs.get("aria-label") or attrs["class"].startswith("ch ")


@LANGUAGES
@EACH
def test_landmarks_and_tables_are_named(name, language):
    html = page(REVIEWS[name], language)
    tags = read(html).tags
    kinds = [tag for tag, _ in tags]
    assert (kinds.count("main"), kinds.index("a") < kinds.index("main")) == (1, True)  # the way past the head
    assert all(attrs.get("aria-labelledby") for tag, attrs in tags if tag in {"section", "aside"})
    assert all(attrs.get("scope") in {"row", "col"} for tag, attrs in tags if tag == "th")
    assert kinds.count("caption") == kinds.count("table")
    assert [attrs for tag, attrs in tags if tag == "table" and "cards" in attrs["class"] and "role" not in attrs] == []


def test_a_withheld_count_is_never_a_number():
    text = " ".join("".join(read(page()).texts).split())
    assert "those who answered again after a pause (Return, fewer than 5)" in text


def test_a_persons_words_stand_with_the_draft_beside_and_whose_eyes_are_said():
    text = " ".join("".join(read(page(sample.worded)).texts).split())
    assert "Written by Marta Ruiz on 13\u00a0July\u00a02026" in "".join(read(page(sample.worded)).texts)
    assert "The draft." in text
    assert "View of Helpline: includes data that only Helpline sees." in text


def test_round_is_the_customer_and_square_is_the_provider():
    html = page()
    assert re.search(r'class="side customer"><svg[^>]*><circle class="customer-mark"', html)
    assert re.search(r'class="side provider"><svg[^>]*><rect class="provider-mark"', html)


def test_the_same_review_gives_the_same_bytes():
    assert page() == page()


def test_another_format_is_refused_by_name():
    with pytest.raises(UnknownFormatError, match=f"choose one of {', '.join(FORMATS)}"):
        render(sample.bare(), "docx")


def at(reading, review):
    return f"/reading/{quote(reading_key(reading, review))}/"


LINKS = RoomLinks(lambda kpi: f"/figure/{kpi}/", {}, at, lambda level, _review: f"/agreement/#clause-{level.kpi}")


@LANGUAGES
def test_in_a_room_each_reading_has_a_page_of_its_own(language):
    review, words = sample.review(), words_of(language)
    main, tail = render_body(review, words, LINKS)
    assert 'class="opened' not in main + tail
    keys = [reading_key(one, review) for one in review.readings]
    assert len(set(keys)) == len(keys)
    for key, reading in zip(keys, review.readings, strict=True):
        assert find_reading(review, key) is reading
        assert f'href="{at(reading, review)}"' in main
        seen = read(render_reading(review, words, key, LINKS))
        assert seen.headings[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(seen.headings))
        assert [tag for tag, given in seen.tags if (given.get("class") or "").startswith("opened")] == ["section"]
        assert set(seen.ids) >= {one[1:] for one in seen.refs if one.startswith("#")}
    assert render_reading(review, words, "nothing", LINKS) is None


def test_at_the_end_of_a_room_s_review_stands_how_to_read_it():
    main, tail = render_body(sample.review(), words_of("en"), LINKS)
    assert 'id="h-how"' not in main
    assert tail.index('id="h-origin"') < tail.index('id="h-how"')


def test_the_web_page_and_the_whole_paper_say_that_it_is_final_by_whom_and_what_is_disputed():
    kpi = next(one.kpi for one in sample.review().levels if one.met is False)
    done = Proceedings(
        (
            Confirmation(Side.CUSTOMER, "Marta Ruiz", date(2026, 7, 10)),
            Confirmation(Side.PROVIDER, "", date(2026, 7, 14)),
        ),
        final_on=date(2026, 7, 14),
        entry=(2, "ab" * 32),
        matters=(
            AskedMatter("dispute", "Not so", Side.PROVIDER, "x", Side.CUSTOMER, None, kpi, url="/r/1/", mark="M1"),
        ),
        other_causes=(kpi,),
        causes_url="/r/2/?kpi={kpi}",
    )
    for paper in (False, True):
        text = html.render(sample.review(), words_of("en"), paper=paper, proceedings=done).replace("\u00a0", " ")
        for said in (
            "Final since 14 July 2026.",
            "confirmed by Marta Ruiz on 10 July 2026.",
            "Entry 2 of the record",
            "M1",
        ):
            assert said in text
        assert 'href="/' not in text  # a file leads nowhere
    assert "Final since" not in html.render(sample.review(), words_of("en"))
