"""The logos that each side's slides and PDF show: files of the book, decoded and written anew before anybody sees them.

`logos/customer.png` and `logos/provider.png` in the book's folder, or `.jpg`. Either side, and whoever has a copy of
the book, may have put one there: what is shown is never the file itself, but its pixels as a small PNG.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from comity.book.errors import UnusableFileError
from comity.book.storage.atomic import write_bytes
from comity.core.values import Side

FOLDER = "logos"
SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_BYTES = 1_000_000
MAX_SIDE_PX = 4000
MAX_RATIO = 6  # of the longer side to the shorter one: beyond it a logo leaves no room for the name beside it
FITTED_PX = (800, 320)  # the box that a logo is made to fit
# Each scan of a progressive JPEG goes over all pixels again: a small file of thousands of them would take hours.
# Ordinary ones have about ten, and the preview within a photograph a few more.
_MAX_SCANS = 100
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The parts of a PNG that make up its pixels. Of the others a small one may unpack to gigabytes, and Pillow's own limit
# holds only until WeasyPrint has told it, for the whole process, to put up with broken images.
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


class LogoFault(StrEnum):
    """Why a file is of no use as a logo."""

    TOO_LARGE = "too_large"
    NO_IMAGE = "no_image"
    DIMENSIONS = "dimensions"
    SHAPE = "shape"


_FAULT_SENTENCES = {
    LogoFault.TOO_LARGE: f"is larger than {MAX_BYTES // 1_000_000} MB; save it smaller",
    LogoFault.NO_IMAGE: "is no PNG or JPEG; save the logo as a PNG",
    LogoFault.DIMENSIONS: f"has more than {MAX_SIDE_PX:,} pixels on a side; save it smaller",
    LogoFault.SHAPE: f"is more than {MAX_RATIO} times as long on one side as on the other; use another form",
}


class UnusableLogoError(UnusableFileError):
    """A file that is of no use as a logo.

    :ivar fault: why
    """

    def __init__(self, fault: LogoFault, *, file: Path | str = "") -> None:
        """Say why, and what to do."""
        super().__init__(_FAULT_SENTENCES[fault], file=file)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as it is shown: a PNG without metadata, that fits FITTED_PX, and its size in pixels."""

    png: bytes
    width: int
    height: int


def decode_logo(content: bytes, file: Path | str = "") -> Logo:
    """The logo in a PNG or JPEG: its pixels alone, upright, made to fit FITTED_PX.

    The size that a file claims is read before any of its pixels, so that a small file cannot fill the memory.

    :param file: how an error calls it
    :raises UnusableLogoError: for anything else, and beyond the limits
    """
    from PIL import Image, ImageOps  # noqa: PLC0415 - late, for a quick cold start

    if len(content) > MAX_BYTES:
        raise UnusableLogoError(LogoFault.TOO_LARGE, file=file)
    try:
        content = _whole_image(content)
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
            _check_size(*opened.size, file)
            if opened.format == "JPEG":
                opened.draft(None, (2 * FITTED_PX[0], 2 * FITTED_PX[1]))  # decoded smaller, where that is quicker
            has_alpha = "A" in opened.getbands() or "transparency" in opened.info
            pixels = ImageOps.exif_transpose(opened).convert("RGBA" if has_alpha else "RGB")
    except UnusableLogoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableLogoError(LogoFault.DIMENSIONS, file=file) from None
    except Exception:  # noqa: BLE001 - the decoders raise almost anything for a file that was made to break them
        raise UnusableLogoError(LogoFault.NO_IMAGE, file=file) from None
    pixels.thumbnail(FITTED_PX)
    pixels.info = {}  # a colour profile, a comment or whatever else would be written too
    out = io.BytesIO()
    pixels.save(out, "PNG", optimize=True)
    return Logo(out.getvalue(), *pixels.size)


def _whole_image(content: bytes) -> bytes:
    """The image without what is beside its pixels, as far as that is dangerous.

    :raises ValueError: for what is no PNG or JPEG, or breaks off
    """
    if not content.startswith(_PNG_SIGNATURE):
        if _END_OF_IMAGE not in content or content.count(_START_OF_SCAN) > _MAX_SCANS:
            raise ValueError
        return content
    kept, at, kind = [_PNG_SIGNATURE], len(_PNG_SIGNATURE), b""
    while kind != b"IEND":
        kind, end = content[at + 4 : at + 8], at + 12 + int.from_bytes(content[at : at + 4])
        if end > len(content):
            raise ValueError
        if kind in _PIXEL_CHUNKS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def _check_size(width: int, height: int, file: Path | str) -> None:
    if max(width, height) > MAX_SIDE_PX:
        raise UnusableLogoError(LogoFault.DIMENSIONS, file=file)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise UnusableLogoError(LogoFault.SHAPE, file=file)


def read_logos(folder: Path) -> dict[Side, Logo]:
    """The logos of a book by side; a side whose file is missing or of no use has none."""
    logos = {}
    for side in Side:
        files = _files_of(folder, side)
        try:
            if files:
                logos[side] = _read(folder, files[0])
        except (UnusableLogoError, OSError):
            continue
    return logos


def logo_notes(folder: Path) -> Iterator[str]:
    """What is wrong with the logos of a book, a sentence a file."""
    counted = {side: _files_of(folder, side) for side in Side}
    for file in _listed(folder):
        name = f"{FOLDER}/{file.name}"
        side = next((side for side, files in counted.items() if file in files), None)
        if side is None:
            yield f"{name}: is not shown; a logo is called {' or '.join(f'{one}.png' for one in Side)}"
        elif file != counted[side][0]:
            yield f"{name}: is not shown, because {counted[side][0].name} is there too; keep one of them"
        else:
            try:
                _read(folder, file)
            except UnusableLogoError as error:
                yield error.called(name)
            except OSError as error:
                yield f"{name}: cannot be read: {error.strerror or error}"


def _read(folder: Path, file: Path) -> Logo:
    with file.open("rb") as opened:
        return decode_logo(opened.read(MAX_BYTES + 1), file.relative_to(folder))


def _files_of(folder: Path, side: Side) -> list[Path]:
    """The files that may be a side's logo, the one that counts first."""
    files = [file for file in _listed(folder) if file.stem == side.value and file.suffix.lower() in SUFFIXES]
    return sorted(files, key=lambda file: SUFFIXES.index(file.suffix.lower()))


def _listed(folder: Path) -> list[Path]:
    """The files of the folder by name, without hidden ones."""
    try:
        files = sorted((folder / FOLDER).iterdir())
    except OSError:  # none there, or a file of that name
        return []
    return [file for file in files if file.is_file() and not file.name.startswith(".")]


def write_logo(folder: Path, side: Side, png: bytes | None) -> None:
    """Put a side's logo into a book in the place of the one that is there, or take it out.

    :param png: as `decode_logo` gives it; None: the side has no logo any more
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    target = folder / FOLDER / f"{side.value}.png"
    if png is not None:
        write_bytes(target, png)
    for file in _files_of(folder, side):
        if png is None or file != target:
            file.unlink()
