"""Numbers of a signed text as the reader's language writes them, with every digit that was signed.

A figure of a review is rounded for its reader; a price or a target that two people sign is not: one that differs in its
last digit is another text, so it reads otherwise.
"""

from decimal import Context, Decimal, localcontext

from babel import Locale, numbers

from comity.review.i18n.words import LOCALES, MINUS, NO_BREAK, Number, Words, clean

_EXACT = Context(prec=80)  # a kept number has 30 digits at most
_CENTS = 2
_CODE_LENGTH = 3


def exact_number(value: object, words: Words, least_places: int = 0) -> Number:
    """Return a kept number with all its decimals.

    :param value: a whole number, or a number as the text of its digits
    :param least_places: zeros are added up to as many decimals
    """
    number = Decimal(str(value))
    places = max(least_places, _places(number))
    with localcontext(_EXACT):
        text = numbers.format_decimal(
            abs(number), format=_pattern(places), locale=_locale(words), decimal_quantization=False
        )
    form = _locale(words).plural_form(abs(number))
    return Number(f"{MINUS}{text}" if number < 0 else text, form)


def exact_percent(value: object, words: Words) -> str:
    """Return a kept share (0 to 1) in per cent, with a no-break space."""
    return f"{exact_number(in_per_cent(value), words)}{NO_BREAK}%"


def in_per_cent(value: object) -> Decimal:
    """Return a share times a hundred, exactly, in plain digits."""
    with localcontext(_EXACT):
        return Decimal(f"{Decimal(str(value)).scaleb(_CENTS):f}")


def exact_money(value: object, currency: str, words: Words) -> str:
    """Return an amount in its currency, cents written in pairs; of an unknown currency with its name behind."""
    number = Decimal(str(value))
    places = max(_CENTS, _places(number)) if _places(number) else 0
    locale = _locale(words)
    if len(currency) != _CODE_LENGTH or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        return f"{exact_number(value, words, places)}{NO_BREAK}{clean(currency)}".strip()
    pattern = locale.currency_formats["standard"].pattern.split(";")[0].replace("#,##0.00", _pattern(places))
    with localcontext(_EXACT):
        text = numbers.format_currency(
            abs(number), currency, format=pattern, locale=locale, currency_digits=False, decimal_quantization=False
        )
    return (MINUS if number < 0 else "") + text.replace(" ", NO_BREAK)


def _pattern(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")


def _places(number: Decimal) -> int:
    exponent = number.normalize(_EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _locale(words: Words) -> Locale:
    return Locale.parse(LOCALES[words.language])
