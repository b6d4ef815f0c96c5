"""What channels are called in people's files, in the languages of the headers that we know."""

import pytest

from comity.book.mappings.channels import suggested_channel


@pytest.mark.parametrize(
    ("channel", "values"),
    [
        ("voice", "Phone, Telephone, call, Inbound call, VOICE, Teléfono, Llamada entrante, Telefon, Anruf, Appel"),
        ("voice", "Téléphone, Chamada, Telefonata"),
        ("chat", "Chat, Live chat, WebChat, Chat en vivo, Chat en ligne"),
        ("mail", "E-Mail, email, Mail, Correo electrónico, Courriel, Correio eletrônico, Posta elettronica"),
        ("ticket", "Ticket, Web form, Service request, Formular, Solicitud, Incidencia, Demande, Pedido, Richiesta"),
        ("visit", "Visit, On-site, In person, Visita, Presencial, Vor Ort, Besuch, Sur place, In loco"),
    ],
)  # fmt: skip
def test_usual_names_of_a_channel_are_suggested(channel, values):
    assert {value: suggested_channel(value) for value in values.split(", ")} == dict.fromkeys(
        values.split(", "), channel
    )


@pytest.mark.parametrize("value", ["carrier pigeon", "WhatsApp", "Phone and chat", "", "outbound", "Web", "Twitter"])
def test_what_may_be_anything_is_not_guessed(value):
    assert suggested_channel(value) == ""
