"""The two typefaces of pages and files: subsets as WOFF2, made once on each machine from the installed packages.

Nobody's machine has to have a font, and no browser asks elsewhere for one. The packages hold whole families under the
SIL Open Font License 1.1, which allows subsets; the name "Source" is reserved to the original, so that what is made of
it bears another.
"""

import base64
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FOLDER_SETTING = "COMITY_FONTS"
STYLESHEET = "fonts.css"
# What English, Spanish and the names of Europe need, and the signs of our pages: arrows, minus, marks, diamonds.
CHARACTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x218, 0x21C),
    *range(0x2009, 0x2028),
    *(0x202F, 0x2030, 0x2032, 0x2033, 0x2039, 0x203A, 0x2044, 0x2122, 0x2212, 0x2236, 0x2248, 0x2260, 0x2264, 0x2265),
    *range(0x20A0, 0x20C1),  # signs of currencies
    *range(0x2190, 0x219A),
    *range(0x25A0, 0x2600),
    *(0x2713, 0x2717),
)
FEATURES = ("calt", "case", "ccmp", "kern", "liga", "locl", "lnum", "mark", "mkmk", "pnum", "tnum")
_WORD_JOINER, _ZERO_WIDTH_SPACE = 0x2060, 0x200B  # the former, which our texts have, looks like the latter
_RECIPE = 1  # raised with what is kept of a font below, so that addresses change
_LIGHTEST, _BOLDEST = 400, 700
_FAMILY_NAMES, _POSTSCRIPT_NAMES = (1, 4, 16), (6, 25)  # of the table `name`


@dataclass(frozen=True, slots=True)
class Font:
    """A typeface: what its subset is made of."""

    family: str  # as stylesheets name it
    package: str
    file: str
    optical_size: float  # the design that is kept: points
    weights: tuple[int, ...]  # on paper, where each is a file: WeasyPrint's own cut of a range bears the time


FONTS = (
    Font("Inter", "fontpkg-inter", "files/Inter[opsz,wght].ttf", 14, (400, 500, 600)),
    Font("Comity Serif", "fontpkg-source-serif-4", "files/SourceSerif4[opsz,wght].ttf", 20, (400, 700)),
)


@cache
def file_name(font: Font, weight: int | None = None) -> str:
    """The name of a subset's file, which is another for other contents: what has it may keep it for ever.

    :param weight: of one weight alone
    """
    versions = [metadata.version(name) for name in (font.package, "fonttools")]
    made_of = repr((_RECIPE, font, CHARACTERS, FEATURES, versions))
    name = font.family.lower().replace(" ", "-") + ("" if weight is None else f"-{weight}")
    return f"{name}.{hashlib.sha256(made_of.encode()).hexdigest()[:12]}.woff2"


def folder() -> Path:
    """Where the subsets lie: where COMITY_FONTS says, beside this module in an image, else in the user's cache."""
    if os.environ.get(FOLDER_SETTING):
        return Path(os.environ[FOLDER_SETTING])
    beside = Path(__file__).with_name("made_fonts")
    if beside.is_dir():
        return beside
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(home) if home else Path.home() / ".cache") / "comity" / "fonts"


def are_prepared() -> bool:
    """Whether the subsets of this version lie where they are read."""
    place = folder()
    return not _missing(place) and (place / STYLESHEET).is_file() and (place / STYLESHEET).read_bytes() == _sheet()


def prepare() -> Path:
    """Make what is not there yet, which takes some seconds; a folder of this process's own where the cache is closed.

    :returns: the folder with the subsets and with their stylesheet
    """
    try:
        return _prepare(folder())
    except OSError:
        os.environ[FOLDER_SETTING] = tempfile.mkdtemp(prefix="comity-fonts-")  # for the processes that we start, too
        return _prepare(folder())


def _prepare(place: Path) -> Path:
    sheet, text, missing = place / STYLESHEET, _sheet(), _missing(place)
    if not missing and sheet.is_file() and sheet.read_bytes() == text:
        return place
    place.mkdir(parents=True, exist_ok=True)
    for font in missing:
        for weight, content in make_subsets(font):
            _write(place / file_name(font, weight), content)
    _write(sheet, text)
    return place


def _sheet() -> bytes:
    return "".join(_face(font, file_name(font), f"{_LIGHTEST} {_BOLDEST}") for font in FONTS).encode()


def _missing(place: Path) -> list[Font]:
    return [
        font for font in FONTS if not all((place / file_name(font, one)).is_file() for one in (None, *font.weights))
    ]


def _write(path: Path, content: bytes) -> None:
    """Write a file that several processes may be making at once: whoever is last has the same bytes."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as out:
        out.write(content)
    Path(out.name).chmod(0o644)  # another account may serve what an image was built with
    Path(out.name).replace(path)


def _face(font: Font, address: str, weight: str, form: str = "woff2") -> str:
    """A rule that names a typeface; a text is shown in another until it is here."""
    return (
        f'@font-face {{ font-family: "{font.family}"; font-style: normal; font-weight: {weight}; font-display: swap; '
        f'src: url("{address}") format("{form}"); }}\n'
    )


@cache
def embedded(*, paper: bool = False) -> str:
    """The stylesheet of a page that refers to nothing: with the typefaces in it, some 100 KB.

    :param paper: each weight apart, and unpacked: WeasyPrint would unpack them for every file anew
    """
    place = prepare()

    def held(font: Font, weight: int | None) -> bytes:
        return (place / file_name(font, weight)).read_bytes()

    def address(content: bytes, form: str) -> str:
        return f"data:font/{form};base64,{base64.b64encode(content).decode()}"

    if paper:
        return "".join(
            _face(font, address(_unpacked(held(font, weight)), "ttf"), str(weight), "truetype")
            for font in FONTS
            for weight in font.weights
        )
    return "".join(_face(font, address(held(font, None), "woff2"), f"{_LIGHTEST} {_BOLDEST}") for font in FONTS)


def make_subsets(font: Font) -> Iterator[tuple[int | None, bytes]]:
    """The characters that we use at one optical size, as WOFF2: all weights in one file, and each of paper's alone."""
    from fontTools import subset  # noqa: PLC0415 - late: slow to import, and asked once on a machine
    from fontTools.ttLib import TTFont  # noqa: PLC0415
    from fontTools.varLib import instancer  # noqa: PLC0415

    options = subset.Options(layout_features=list(FEATURES), name_IDs=["*"], hinting=False, notdef_outline=True)
    package = resources.files(font.package.replace("-", "_"))
    made = TTFont(io.BytesIO(package.joinpath(font.file).read_bytes()), recalcTimestamp=False)
    kept = subset.Subsetter(options)
    kept.populate(unicodes=CHARACTERS)
    kept.subset(made)
    for table in made["cmap"].tables:
        table.cmap[_WORD_JOINER] = made.getBestCmap()[_ZERO_WIDTH_SPACE]
    for record in made["name"].names:
        if record.nameID in _FAMILY_NAMES:
            record.string = font.family
        elif record.nameID in _POSTSCRIPT_NAMES:
            record.string = font.family.replace(" ", "")
    made = instancer.instantiateVariableFont(made, {"opsz": font.optical_size, "wght": (_LIGHTEST, _BOLDEST)})
    ranged = _saved(made, None)
    yield None, _saved(made, "woff2")
    for weight in font.weights:
        alone = TTFont(io.BytesIO(ranged), recalcTimestamp=False)
        yield weight, _saved(instancer.instantiateVariableFont(alone, {"wght": weight}), "woff2")


def _unpacked(content: bytes) -> bytes:
    """A typeface without its compression."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - late: slow to import

    return _saved(TTFont(io.BytesIO(content), recalcTimestamp=False), None)


def _saved(font: "TTFont", flavor: str | None) -> bytes:
    font.flavor = flavor
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


if __name__ == "__main__":
    Path(__file__).with_name("made_fonts").mkdir(exist_ok=True)
    print(prepare())  # noqa: T201 - an image is built with it
