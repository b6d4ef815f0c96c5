"""Which columns of a source look like somebody's personal data, and so enter a book only on purpose."""

import re

_PERSON = (
    r"agent|caller|client|contact|customer|employee|full|first|last|sur|given|family|middle|nick|user|recipient|"
    r"requester|requestor|respondent|assignee|submitter|person|patient|guest|member"
)
_PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"({_PERSON})[ _.-]?name|name of (the )?({_PERSON})|nombre( y apellidos)?|apellidos?|vorname|nachname", "a name"),
    (r"recipient(first|last)name|request[eo]r|reporter|assignee|submitter|display ?name|agent", "a person"),
    (r"(.*\b|.*_)?e-?mail([ _.-]?address)?|recipientemail|correo( electr[oó]nico)?", "an e-mail address"),
    (
        (
            r"(.*[ _.-])?(tele)?phone([ _.-]?(number|no\.?))?|mobile([ _.-]?(number|no\.?))?|msisdn|ani|cli|"
            r"caller[ _.-]?id|customerendpoint\.address|tel[eé]fono|m[oó]vil"
        ),
        "a telephone number",
    ),
    (r"ip|ip ?addr(ess)?|ipaddr|client[ _.-]?ip|remote[ _.-]?addr", "an IP address"),
    (
        (
            r"(location)?(lat(itude)?|lon(gitude)?|lng)|geo.*|coordinates|(home|street|postal|billing)?[ _.-]?address|"
            r"post ?code|zip( ?code)?|location_(street_name|zipcode)|direcci[oó]n"
        ),
        "a place",
    ),
    (
        (
            r"comments?( \(\d+\))?|description|short[ _]description|notes?|work[ _]notes|body|text|verbatim|remarks?|"
            r"free[ _.-]?text|message|transcript|closure_reason|comentarios?|q\d+_text"
        ),
        "free text",
    ),
    (
        r"date of birth|birth ?(day|date)|dob|(national )?(id card|passport|ssn|social security).*|dni|iban",
        "an identity",
    ),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), what) for pattern, what in _PATTERNS)


def personal_data_in(header: str) -> str | None:
    """What personal data a header promises, or None; it judges by the header alone."""
    plain = " ".join(header.removeprefix("re:").split()) if not header.startswith("re:") else ""
    return next((what for pattern, what in _COMPILED if plain and pattern.fullmatch(plain)), None)
