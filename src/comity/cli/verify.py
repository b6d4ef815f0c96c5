"""`comity verify`: check a record that was taken out of a room, without the room."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.cli.review import refuse

if TYPE_CHECKING:
    from comity.core.chain import Entry

_RECORD = "record.json"  # in a copy
_LARGEST_RECORD = 1_000_000_000  # bytes of an archive's record, which may be packed a thousandfold


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A record.json, a copy or an evidence pack from the room; or a seal that it mailed.",
            show_default=False,
        ),
    ],
    head: Annotated[
        str | None,
        typer.Option(help="A digest that you kept earlier; it must match one entry.", show_default=False),
    ] = None,
    stamp: Annotated[
        Path | None,
        typer.Option(help="A time authority's reply (RFC 3161), as `comity stamp` keeps it.", show_default=False),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help="With --stamp: the authority's root certificate, and those between, PEM.", show_default=False
        ),
    ] = None,
    seal: Annotated[
        Path | None,
        typer.Option(help="A seal of priorities that the room mailed; the record must hold it.", show_default=False),
    ] = None,
) -> None:
    """Check that no entry of a record was changed, removed or inserted; exit 1 when one was.

    Without --head this proves only that the record is consistent in itself. With a digest that you kept, it also
    proves that every entry up to that one is the entry that you confirmed. With a stamp it proves that the entry that
    was stamped, and all before it, existed at that time. With a seal it proves that what the record holds of your
    side's priorities is what was sealed; a seal alone is checked against its own digest. Where the record holds the
    ledger, it is checked too: every entry has its counter-entry, and what is open is counted again from the steps.
    """
    from comity.core import chain  # noqa: PLC0415 - late, for a quick cold start

    try:
        text = _record_text(file)
        alone = _seal(text)
        if alone is not None:
            typer.echo(f"{file}: {_told_seal(file, alone)}")
            return
        entries = chain.parse_record(text)
        last = chain.verify(entries, None if head is None else head.strip().lower())
        sealed = None if seal is None else _sealed_entry(seal, entries)
        _check_ledger(file, entries)
        packed = _check_pack(file, entries)
        signed = None if stamp is None else _signed(stamp, authority, [entry.digest for entry in entries])
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    except chain.BrokenChainError as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(1) from None
    except (KeyError, zipfile.BadZipFile):
        raise refuse(f"{file} holds no record.json") from None
    except (chain.NotARecordError, UnicodeDecodeError) as error:
        raise refuse(f"{file} is not a record: {error}") from None
    typer.echo(f"{file}: {_count(len(entries))} of the relationship {_clean(chain.relationship_of(entries))}")
    _tell_entries(entries)
    typer.echo(f"No entry was changed; the last digest is {last}")
    if packed is not None:
        typer.echo(packed)
    if sealed is not None:
        typer.echo(f"Entry {sealed} holds the priorities that this seal was made of")
    if signed is not None:
        digest, at = signed
        covered = len(entries) - chain.entries_after(entries, digest)
        typer.echo(f"A time authority signed the digest of entry {covered} at {at:%Y-%m-%d %H:%M:%S} UTC")
    if head is None:
        typer.echo(
            "This proves only that the record is consistent in itself, not that it is the record you confirmed: "
            "compare a digest that you kept with --head. It stands in the mail that came with each entry; where "
            "no mail came, compare the last digest with the one that the other side gets from its own copy."
        )
        return
    _tell_kept(entries, head.strip().lower())


def _tell_kept(entries: Sequence["Entry"], head: str) -> None:
    """Say up to which entry a kept digest reaches."""
    from comity.core import chain  # noqa: PLC0415 - as above

    later = chain.entries_after(entries, head)
    kept = len(entries) - later
    typer.echo(f"The digest that you kept is the one of entry {kept}: up to it, the record is the one you confirmed.")
    if later:
        typer.echo(
            f"{_count(later)} after it {'is' if later == 1 else 'are'} not covered by that digest: "
            "compare them with a newer digest."
        )


def _record_text(file: Path) -> str:
    """The record in a file, or in the copy that a side took out of a room."""
    if file.is_dir():  # a copy that was unpacked, or the book in it
        file = next((one for one in (file / _RECORD, file.parent / _RECORD) if one.is_file()), file / _RECORD)
    if not zipfile.is_zipfile(file):
        return file.read_text(encoding="utf-8")
    with zipfile.ZipFile(file) as packed:
        member = packed.getinfo(_RECORD)
        if member.file_size > _LARGEST_RECORD:
            raise refuse(f"the record in {file} is too large; unpack it and verify record.json")
        return packed.read(member).decode("utf-8")


def _seal(text: str) -> dict[str, Any] | None:
    """The seal in a file; None where it is something else."""
    from comity.core.agreements.priorities import SEAL_SCHEMA  # noqa: PLC0415 - as above

    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    is_seal = isinstance(document, dict) and document.get("schema") == SEAL_SCHEMA
    return document if is_seal else None


def _told_seal(file: Path, seal: Mapping[str, Any]) -> str:
    """What a seal is of, once its digest is checked."""
    from comity.core import chain  # noqa: PLC0415 - as above

    if not chain.is_sealed(seal):
        typer.echo(f"{file}: its digest is not that of its random bits and its content", err=True)
        raise typer.Exit(1)
    content = seal["content"]
    side, of = (content.get(name) for name in ("side", "round")) if isinstance(content, dict) else ("?", "?")
    return _clean(f"the seal of the {side} side in round {of} is whole; its digest is {seal['digest']}")


def _sealed_entry(file: Path, entries: Sequence["Entry"]) -> int:
    """The number of the entry that holds a seal."""
    seal = _seal(_record_text(file))
    if seal is None:
        raise refuse(f"{file} is not a seal that a room mailed")
    _told_seal(file, seal)
    for entry in entries:
        content = entry.content.get("content") if entry.content.get("kind") == "priorities" else None
        if isinstance(content, dict):
            held = content["seals"].values()
            if any(one["digest"] == seal["digest"] and one["content"] == seal["content"] for one in held):
                return entry.number
    typer.echo(f"{file}: no entry of the record holds this seal", err=True)
    raise typer.Exit(1)


def _tell_entries(entries: Sequence["Entry"]) -> None:
    """Say what each entry is; of those of the ledger, which are many, how many there are."""
    others = [entry for entry in entries if entry.content.get("kind") != "posted"]
    for entry in others:
        typer.echo(f"  {entry.number}  {_told(entry.content)}")
    if len(others) < len(entries):
        said = "each has its counter-entry, and what is open was counted again"
        typer.echo(f"{_count(len(entries) - len(others))} of the ledger: {said}")


def _check_ledger(file: Path, entries: Sequence["Entry"]) -> None:
    """Check the ledger that a record holds, and count what is open of it from its steps."""
    from comity.core.ledger.recorded import UnreadableEntryError  # noqa: PLC0415 - as above
    from comity.core.matters.owed import differences_in_record  # noqa: PLC0415 - as above

    try:
        wrong = differences_in_record(entries)
    except UnreadableEntryError as error:
        wrong = [str(error)]
    for sentence in wrong:
        typer.echo(f"{file}: {_clean(sentence)}", err=True)
    if wrong:
        raise typer.Exit(1)


def _check_pack(file: Path, entries: Sequence["Entry"]) -> str | None:
    """Check an evidence pack against its record, and say what it is of; None for what is none."""
    from comity.core.matters.packs import DOCUMENT, differences  # noqa: PLC0415 - as above

    if not zipfile.is_zipfile(file):
        return None
    with zipfile.ZipFile(file) as packed:
        if DOCUMENT not in packed.namelist():
            return None
        if packed.getinfo(DOCUMENT).file_size > _LARGEST_RECORD:
            raise refuse(f"the pack in {file} is too large")
        try:
            pack = json.loads(packed.read(DOCUMENT))
        except (ValueError, RecursionError):
            raise refuse(f"{DOCUMENT} in {file} is not JSON") from None
        digests = {name: _digest(packed, name) for name in packed.namelist() if name != DOCUMENT}
    wrong = differences(pack, digests, entries)
    for sentence in wrong:
        typer.echo(f"{file}: {_clean(sentence)}", err=True)
    if wrong:
        raise typer.Exit(1)
    content = pack["content"]
    said = f"{len(content['steps'])} steps, {len(pack['files'])} files"
    return _clean(f"Evidence of “{content['matter']['title']}” is whole: {said}; its digest is {pack['digest']}")


def _digest(packed: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with packed.open(name) as part:
        while block := part.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _signed(stamp: Path, authority: Path | None, digests: list[str]) -> tuple[str, datetime]:
    from comity.cli.stamp import StampError, stamped  # noqa: PLC0415 - as above

    if authority is None:
        raise refuse("--stamp needs --authority: give the root certificate that you trust")
    try:
        return stamped(stamp, authority, digests)
    except StampError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _count(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"


def _told(content: Mapping[str, Any]) -> str:
    """An entry in a line: kind, period, and who confirmed it."""
    said = [_word(one) for one in content.get("words", ()) if isinstance(one, dict)]
    what = f"{content.get('period') or content.get('subject', '?')} {content.get('kind', '?')}"
    return _clean(f"{what}: {'; '.join(said)}" if said else f"{what}, by an entry that does not say who confirmed it")


def _word(word: Mapping[str, Any]) -> str:
    who = "by silence" if word.get("by_silence") else f"{word.get('name')} ({word.get('role')})"
    return f"{word.get('side')}, {who}, {word.get('at')}"


def _clean(text: str) -> str:
    from comity.review.i18n.words import clean  # noqa: PLC0415 - as above

    return clean(text.replace("\n", " "))
