"""The words on screen keep to the terms of `docs/glossary.md` and to three patterns, in every catalogue and language.

A title (a key that ends in `title` or `head`) has at most three words. A button (a key that ends in `do`, or that a
template puts into a `<button>`) begins with a verb. A help (a key that ends in `about` or `help`) is one short
sentence. No sentence uses a word that stands in for a term of the trade, and none shows what only a machine reads.
"""

import re
from pathlib import Path

import pytest

from comity.apps.i18n import words_for
from comity.review.i18n.words import LOCALES

SOURCES = Path(__file__).resolve().parents[3] / "src" / "comity"


def words_in(text: str) -> frozenset[str]:
    """A list of words, written as a line of text."""
    return frozenset(text.split())


STAND_INS = {
    "en": (
        r"stands?",
        r"stood",
        r"tells?",
        r"told",
        r"says",
        r"anew",
        r"c[ao]me by",
        r"whose (doing|eyes)",
        r"the word of",
        r"set aside",
        r"beside it",
        r"held against",
        r"no more(?= *[.,;:]|$)",
        r"(bring|brings|brought|bringing) (it |them |records |a file )?in",
        r"(send|sends|sent) (it )?up",
        r"(throw|throws|threw|thrown) (it )?away",
        r"(take|takes|took|taken) (it |that )?back",
        r"(hold|holds|held) (it |something )?back",
        r"(keeps?|kept) to itself",
        r"not yours to",
        r"of no use",
        r"lets? (you|them) in",
        r"frozen|freezes?",
        r"that is none",
        r"this room",
    ),
    "es": (
        r"la palabra de",
        r"de quién depende",
        r"se sostienen?",
        r"apartad[oa]s?",
        r"(traer|traiga|trae) (registros|datos|un archivo|una exportación)",
        r"hacerlo entrar",
        r"decir algo",
        r"no le corresponde",
        r"congelad[oa]s?",
        r"(guardan?|guarda) para sí",
        r"fichas?",
        r"ficheros?",
        r"períodos?",
        r"lados?",
        r"esta sala|la sala",
        r"alivio",
        r"discut(ir|a|e)",
        r"en qué está",
    ),
}
MACHINE = {
    "a backtick": r"`",
    "an option of a command": r"(?<![\w-])--\w",
    "the syntax of a column or a table": r"\[\[|\w\[\w+[=\]]",
    "a name from the code": r"[a-z]+_[a-z_]+",
}
SHOWS_MACHINE_TEXT = {
    "pdf.unavailable": "a command prints it, and its cure is an option of that command",
    "head_frozen.mail": "the command is how the reader checks the digest that this mail is kept for",
    "head_restated.mail": "as head_frozen.mail",
    "head_calendar.mail": "as head_frozen.mail",
    "head_kpis.mail": "as head_frozen.mail",
    "head_ledger.mail": "as head_frozen.mail",
    "head_agreement.mail": "as head_frozen.mail",
    "head_priorities.mail": "as head_frozen.mail",
    "head_joint_order.mail": "as head_frozen.mail",
    "priorities_sealed.mail": "as head_frozen.mail",
    "routes.text_help": "the field is the text of a rules file",
    "refused.matters.incomplete_claim": "a program reads it: these are the names of the fields that it sends",
}

TITLE_WORDS = 3
LONG_TITLES = {
    "target_cost.title": "what a target costs is a term of the design",
    "correction.title": "the title of a matter in the record, not of a page",
}
# Spanish articles and prepositions are not counted: it needs them where English puts noun before noun.
UNCOUNTED = {
    "en": frozenset(),
    "es": words_in("a al con de del el en la las lo los o para por un una y"),
}

HELP_WORDS = {"en": 15, "es": 18}
LONG_HELP = {
    "how.about": "the legend of the signs in the table",
    "routes.text_help": "the syntax of the field",
    "silence_term.about": "the whole of what a side agrees to",
}

VERBS = {
    "en": words_in(
        "accept add agree answer calculate draft read waive "
        "change check claim comment confirm continue copy create delete dismiss "
        "dispute drop hand import invite join keep leave make mark match name propose refuse reject remove rename "
        "report revoke save seal search send set share show sign start stop switch try undo upload use view withdraw "
        "end acknowledge ask close decline describe escalate lower merge object raise reopen reply warn"
    ),
    "es": words_in(
        "aceptar activar avisar añadir firmar leer redactar dispensar "
        "buscar calcular cambiar cerrar comentar compartir comprobar confirmar continuar "
        "copiar crear dar dejar desactivar deshacer "
        "disputar eliminar enviar enviarme guardar hacer importar iniciar intentar invitar "
        "entrar mantener marcar mostrar nombrar preparar proponer quitar rechazar reclamar relacionar renunciar "
        "responder retirar revocar sellar subir terminar traspasar unirse usar ver "
        "abrir acusar advertir bajar comunicar contestar describir escalar objetar pedir plantear preguntar presentar "
        "reabrir unir"
    ),
}


def sentences(language: str) -> dict[str, str]:
    """Every sentence on screen of a language."""
    return dict(words_for(language)._sentences)


def counted(text: str, language: str) -> int:
    """How many words a sentence has; what is filled in counts as one."""
    filled = re.sub(r"\{[^}]*\}", "X", text)
    words = re.findall(r"[^\W_][\w\u2019'./-]*", filled)
    return len([word for word in words if word.lower() not in UNCOUNTED[language]])


def named(text: str) -> str:
    """A title without what is filled in."""
    return re.sub(r"\{[^}]*\}", "", text)


def on_buttons() -> set[str]:
    """The keys that a template puts into a button, and those whose name says that they are for one."""
    found: set[str] = set()
    for file in SOURCES.rglob("*.html"):
        for label in re.findall(r"<button[^>]*>(.*?)</button>", file.read_text(encoding="utf-8"), re.DOTALL):
            shown = re.sub(r'<span class="unseen">.*?</span>', "", label)
            found |= set(re.findall(r'words\("(\w+\.\w+)"', shown))
    for key in words_for("en")._sentences:
        family, _, name = key.rpartition(".")
        if name == "do" or (name.endswith("_do") and name != "to_do") or name.startswith("do_") or family == "move_do":
            found.add(key)
    return found


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_sentences_use_the_terms_of_the_glossary(language):
    pattern = re.compile(rf"\b({'|'.join(STAND_INS[language])})(?!\w)", re.IGNORECASE)
    found = {key: match[0] for key, text in sentences(language).items() if (match := pattern.search(named(text)))}
    assert found == {}


@pytest.mark.parametrize("language", sorted(LOCALES))
@pytest.mark.parametrize("what", sorted(MACHINE))
def test_sentences_hold_no_technical_names(language, what):
    texts = {key: named(text) for key, text in sentences(language).items() if key not in SHOWS_MACHINE_TEXT}
    assert {key: text for key, text in texts.items() if re.search(MACHINE[what], text)} == {}


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_a_title_has_at_most_three_words(language):
    titles = {key: text for key, text in sentences(language).items() if key.split(".")[-1] in {"title", "head"}}
    assert len(titles) > 25
    long = {key: text for key, text in titles.items() if counted(named(text), language) > TITLE_WORDS}
    assert {key: text for key, text in long.items() if key not in LONG_TITLES} == {}


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_a_button_begins_with_a_verb(language):
    buttons = on_buttons()
    assert {"upload.do", "people.let_go", "move_do.comment", "mfa.key_add_do", "raise.do_claim"} <= buttons
    texts = {key: words_for(language)._sentences[key] for key in buttons}
    assert {key: text for key, text in texts.items() if text.split()[0].lower() not in VERBS[language]} == {}


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_a_help_text_is_one_short_sentence(language):
    helps = {key: text for key, text in sentences(language).items() if re.search(r"[._](about|help)$", key)}
    assert len(helps) > 50
    several = re.compile(r"(?<!Max)(?<!Máx)[.?!] +\w")
    long = {key for key, text in helps.items() if counted(text, "en") > HELP_WORDS[language] or several.search(text)}
    assert {key: helps[key] for key in long if key not in LONG_HELP} == {}


@pytest.mark.parametrize("exceptions", [SHOWS_MACHINE_TEXT, LONG_TITLES, LONG_HELP])
def test_exceptions_name_existing_keys(exceptions):
    assert {key for key in exceptions if key not in words_for("en")._sentences} == set()
