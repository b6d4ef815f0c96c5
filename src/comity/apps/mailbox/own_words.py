"""What somebody wrote in a reply, without what they quoted and without their signature.

`mail-parser-reply` finds where English replies end. What it leaves out is found here: the lines by which Spanish mail
programs introduce a quote, quoted lines, and replies that stand below or between what they answer.
"""

import re

from mailparser_reply import EmailReplyParser

MAX_CHARACTERS = 40_000  # of a text that is looked at
# Longer lines introduce no quote, and the parser's patterns would search them for minutes: it is given a mark instead.
_LONG_LINE = re.compile(r"^[^\n]{500,}$", re.MULTILINE)
_MARK = re.compile(r"\ue000(\d+)\ue001")
_PARSER = EmailReplyParser(languages=["en", "es"])
# "On 1 Dec 2026, at 10:02, Comity <...> wrote:", which programs break over at most three lines.
_INTRODUCES_QUOTE = re.compile(
    r"^[>\s]{0,9}(?:On|El|Le|Am)\s[^\n]{1,300}(?:\n[>\s]{0,9}[^\n]{0,300}){0,2}?"
    r"(?:wrote|escribió|schrieb|écrit)\s?:[ \t]*$",
    re.MULTILINE,
)
# The head of a mail that is quoted without marks: sender, and within a few lines when it was sent or to whom.
_QUOTED_HEAD = re.compile(
    r"^[*_\s]{0,3}(?:From|De|Von)[*_]{0,2}:[^\n]{1,300}\n(?:[^\n]{0,300}\n){0,3}?"
    r"[*_\s]{0,3}(?:Sent|Date|Enviado(?: el)?|Fecha|To|Para|Gesendet)[*_]{0,2}:",
    re.MULTILINE,
)
_SEPARATOR = re.compile(
    r"^\s{0,9}(?:_{10,}|-{2,}\s?(?:Original Message|Mensaje original|Forwarded message|Mensaje reenviado)\s?-{2,})\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^--[ \t]*$", re.MULTILINE)
_SENT_FROM = re.compile(
    r"^(?:Sent from my|Enviado desde mi|Get Outlook for|Obtener Outlook para|Sent from Outlook)\b[^\n]{0,80}$",
    re.MULTILINE,
)


def own_words(text: str) -> str:
    """Return what somebody wrote in a reply, without quotes and signature; empty where nothing is left.

    Of a reply between the lines of what it answers, the lines of the reply.
    """
    text = text.replace("\r\n", "\n").replace("\xa0", " ").translate({0xE000: None, 0xE001: None})
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    text = text[:MAX_CHARACTERS].strip()
    below = _below_quote(text)
    if below is not None:
        return _without_signature(below)
    long_lines = _LONG_LINE.findall(text)
    numbers = iter(range(len(long_lines)))
    marked = _LONG_LINE.sub(lambda _: f"\ue000{next(numbers)}\ue001", text)
    reply = _MARK.sub(lambda mark: long_lines[int(mark[1])], _PARSER.parse_reply(marked) or "")
    for pattern in (_SEPARATOR, _QUOTED_HEAD):
        reply = pattern.split(reply, maxsplit=1)[0]
    introduced = _INTRODUCES_QUOTE.search(reply)
    if introduced is not None and _is_quote(reply[introduced.end() :]):
        reply = reply[: introduced.start()] + "\n" + _unquoted(reply[introduced.end() :])
    return _without_signature(_unquoted(reply))


def _below_quote(text: str) -> str | None:
    """Return a reply that stands below or between what it quotes, at the beginning of a text; None for others."""
    introduced = _INTRODUCES_QUOTE.match(text)
    rest = text[introduced.end() :] if introduced else text
    if (introduced or text.startswith(">")) and _is_quote(rest):
        return _unquoted(rest)
    return None


def _is_quote(text: str) -> bool:
    return text.lstrip().startswith(">")


def _unquoted(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">")).strip()


def _without_signature(text: str) -> str:
    for pattern in (_SIGNATURE, _SENT_FROM):
        text = pattern.split(text, maxsplit=1)[0]
    return re.sub(r"\n{3,}", "\n\n", text).strip()
