"""What channels are called in people's files, and which of ours each is.

In English, Spanish, German, French, Portuguese and Italian, as the headers in `synonyms.toml`. A suggestion only: whose
file it is says what a value means, and may keep a channel of its own.
"""

import re
from functools import lru_cache

from comity.book.mappings.synonyms import words_of
from comity.core.kpi_templates import CHANNELS

_SAID = {
    "voice": (
        "voice|voip|phone( call)?|tele ?phone|telephony|(inbound |incoming )?calls?|hot ?line|cti|"
        "voz|telefono|telefonico|telefonia|llamadas?( entrantes?)?|"
        "telefon(isch|ie)?|anrufe?|sprache|"
        "appels?( entrants?)?|voix|"
        "telefone|chamadas?|ligac(ao|oes)|"
        "telefonic[ao]|telefonat[ae]|chiamat[ae]|voce"
    ),
    "chat": "(live |web |online )?chats?|livechat|webchat|chat (en vivo|en ligne|ao vivo|dal vivo)|tchat|clavardage",
    "mail": (
        "e ?mails?|mails?|correos?( electronicos?)?|correio( eletronico)?|courriels?|courrier electronique|"
        "posta elettronica|mel"
    ),
    "ticket": (
        "tickets?|tiques?|tiquetes?|cases?|casos?|web ?forms?|(online )?forms?|requests?|service requests?|incidents?|"
        "(web ?)?formulare?|vorgang|vorgange|storungen?|storung|anfragen?|"
        "formularios?( web)?|incidencias?|solicitud(es)?|"
        "formulaires?( web)?|demandes?|billets?|"
        "chamados?|incidentes?|pedidos?|solicitac(ao|oes)|"
        "modul[oi]( web)?|richiest[ae]|segnalazion[ei]|(self ?service )?portal"
    ),
    "visit": (
        "(site |field )?visits?|on ?site|in person|face to face|walk ins?|counter|branch|"
        "visitas?|presencial(es)?|en persona|oficina|tienda|"
        "besuche?|vor ort( termin)?|personlich|schalter|filiale|"
        "visites?|sur (place|site)|en personne|guichet|"
        "no local|pessoalmente|balcao|"
        "visit[ae]|in loco|sportello|di persona"
    ),
}
_PATTERNS = {channel: re.compile(pattern) for channel, pattern in _SAID.items()}


@lru_cache(maxsize=1024)
def suggested_channel(value: str) -> str:
    """The channel of ours that a value seems to be; empty where it fits none, or several."""
    words = words_of(value)
    fitting = [channel for channel in CHANNELS if _PATTERNS[channel].fullmatch(words)]
    return fitting[0] if len(fitting) == 1 else ""
