"""Logos: which files count, what is refused, and that nothing but pixels comes through."""

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from comity.book.logos import (
    FITTED_PX,
    MAX_BYTES,
    MAX_SIDE_PX,
    LogoFault,
    UnusableLogoError,
    decode_logo,
    logo_notes,
    read_logos,
    write_logo,
)
from comity.book.reading.open import home_viewer
from comity.book.reading.visible_copy import copy_visible
from comity.core.values import Side
from tests.builders import logos
from tests.builders.examples import examples
from tests.cast import write_book


@pytest.fixture(autouse=True, scope="module", params=[False, True], ids=["", "after a PDF"])
def _truncated(request):
    """WeasyPrint tells Pillow, for the whole process, to put up with broken images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", request.param)
        yield


def fault_of(content):
    with pytest.raises(UnusableLogoError) as caught:
        decode_logo(content)
    return caught.value.fault


def pixels(logo):
    return Image.open(io.BytesIO(logo.png)).convert("RGB")


def put(folder, name, content):
    (folder / "logos").mkdir(parents=True, exist_ok=True)
    (folder / "logos" / name).write_bytes(content)


@pytest.mark.parametrize("make", [logos.png, logos.jpeg])
@pytest.mark.parametrize(
    ("size", "fitted"),
    [((300, 100), (300, 100)), ((1600, 400), (800, 200)), ((400, 1600), (80, 320)), ((4000, 4000), (320, 320)),
     ((1, 1), (1, 1)), ((600, 100), (600, 100))],
)  # fmt: skip
def test_a_logo_is_made_to_fit_and_keeps_its_aspect(make, size, fitted):
    logo = decode_logo(make(size=size))
    assert (logo.width, logo.height) == fitted == Image.open(io.BytesIO(logo.png)).size
    assert all(abs(one - own) < 4 for one, own in zip(pixels(logo).getpixel((0, 0)), logos.BLUE, strict=True))


def test_what_is_transparent_stays_so():
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    image.putpixel((0, 0), (*logos.BLUE, 255))
    for form in (image, image.convert("P"), image.convert("LA")):
        logo = decode_logo(logos.encoded(form, "PNG"))
        assert Image.open(io.BytesIO(logo.png)).convert("RGBA").getpixel((19, 9))[3] == 0


def test_a_photograph_that_lies_on_its_side_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter
    logo = decode_logo(logos.jpeg(size=(100, 300), exif=exif))
    assert (logo.width, logo.height) == (300, 100)


def test_nothing_but_pixels_comes_through():
    secret = "Zebulon-GPS-40.4168"
    given_file = logos.telling_png(secret)
    assert given_file.count(secret.encode()) > 2
    made = decode_logo(given_file).png
    assert secret.encode() not in made
    assert set(_chunks(made)) == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(png):
    at = 8
    while at < len(png):
        yield png[at + 4 : at + 8]
        at += 12 + int.from_bytes(png[at : at + 4])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", LogoFault.NO_IMAGE),
        (b"Northwind", LogoFault.NO_IMAGE),
        (logos.SVG, LogoFault.NO_IMAGE),
        (logos.encoded(Image.new("RGB", (9, 9)), "GIF"), LogoFault.NO_IMAGE),
        (logos.encoded(Image.new("RGB", (9, 9)), "TIFF"), LogoFault.NO_IMAGE),
        (logos.encoded(Image.new("RGB", (9, 9)), "PDF"), LogoFault.NO_IMAGE),
        (logos.png()[:60], LogoFault.NO_IMAGE),
        (logos.png().ljust(MAX_BYTES + 1, b"\0"), LogoFault.TOO_LARGE),
        (logos.png(size=(MAX_SIDE_PX + 1, MAX_SIDE_PX)), LogoFault.DIMENSIONS),
        (logos.jpeg(size=(MAX_SIDE_PX, MAX_SIDE_PX + 1)), LogoFault.DIMENSIONS),
        (logos.png(size=(601, 100)), LogoFault.SHAPE),
        (logos.png(size=(100, 601)), LogoFault.SHAPE),
    ],
    ids=range(12),
)
def test_what_is_of_no_use_is_refused_with_its_reason(content, fault):
    assert fault_of(content) == fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (logos.bomb_png(12_000, 12_000, rows=12_000), LogoFault.DIMENSIONS),
        (logos.bomb_png(60_000, 60_000, rows=1000), LogoFault.DIMENSIONS),
        (logos.bomb_png(2**31 - 1, 2**31 - 1), LogoFault.DIMENSIONS),
        (logos.text_bomb_png(), None),
        (logos.scan_bomb_jpeg(200), LogoFault.NO_IMAGE),
    ],
    ids=["144 million pixels", "3.6 billion", "4.6 trillion", "a comment of 100 MB", "two hundred scans"],
)
def test_a_small_file_cannot_take_much_time_or_memory(content, fault):
    import tracemalloc

    assert len(content) < MAX_BYTES
    tracemalloc.start()
    began = time.process_time()
    if fault is None:  # its pixels are fine, and the rest is not looked at
        assert decode_logo(content).width == 300
    else:
        assert fault_of(content) == fault
    assert time.process_time() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_an_ordinary_progressive_photograph_is_taken():
    assert decode_logo(logos.jpeg(progressive=True)).width == 300


BASES = [logos.png(), logos.jpeg(progressive=True), logos.telling_png("x")]


@settings(deadline=None, max_examples=examples(200))
@given(st.sampled_from(BASES), st.data())
def test_a_broken_file_is_a_logo_or_is_refused_and_never_crashes(base, data):
    broken = bytearray(base)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        logo = decode_logo(bytes(broken))
    except UnusableLogoError:
        return
    assert Image.open(io.BytesIO(logo.png)).size == (logo.width, logo.height)
    assert logo.width <= FITTED_PX[0]
    assert logo.height <= FITTED_PX[1]


# In a book ------------------------------------------------------------------------------------------------------


def test_a_book_without_logos_has_none(tmp_path):
    assert read_logos(tmp_path) == {}
    assert list(logo_notes(tmp_path)) == []


def test_each_side_has_its_own_whatever_its_form(tmp_path):
    put(tmp_path, "customer.png", logos.png(logos.BLUE))
    put(tmp_path, "provider.JPG", logos.jpeg(logos.BROWN))
    made = read_logos(tmp_path)
    assert list(made) == list(Side)
    assert pixels(made[Side.CUSTOMER]).getpixel((0, 0)) == logos.BLUE
    assert pixels(made[Side.PROVIDER]).getpixel((9, 9))[0] > 140
    assert list(logo_notes(tmp_path)) == []


def test_a_file_of_no_use_is_named_and_the_other_side_keeps_its_logo(tmp_path):
    """`customer.png` is a text; `provider.png` is fine."""
    put(tmp_path, "customer.png", b"no image")
    put(tmp_path, "provider.png", logos.png())
    assert list(read_logos(tmp_path)) == [Side.PROVIDER]
    assert list(logo_notes(tmp_path)) == ["logos/customer.png: is no PNG or JPEG; save the logo as a PNG"]


def test_files_that_do_not_count_are_named(tmp_path):
    for name in ("customer.png", "customer.jpeg", "helpline.png", "provider.svg", ".DS_Store"):
        put(tmp_path, name, logos.png())
    (tmp_path / "logos" / "old").mkdir()
    assert list(logo_notes(tmp_path)) == [
        "logos/customer.jpeg: is not shown, because customer.png is there too; keep one of them",
        "logos/helpline.png: is not shown; a logo is called customer.png or provider.png",
        "logos/provider.svg: is not shown; a logo is called customer.png or provider.png",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (logos.noise_png(1100, 1100), "is larger than 1 MB; save it smaller"),
        (logos.png(size=(4001, 4000)), "has more than 4,000 pixels on a side; save it smaller"),
        (logos.png(size=(700, 100)), "is more than 6 times as long on one side as on the other; use another form"),
    ],
    ids=["bytes", "pixels", "shape"],
)
def test_each_limit_has_its_sentence(tmp_path, content, said):
    put(tmp_path, "provider.png", content)
    assert list(logo_notes(tmp_path)) == [f"logos/provider.png: {said}"]
    assert read_logos(tmp_path) == {}


def test_a_file_in_the_place_of_the_folder_is_no_logo(tmp_path):
    (tmp_path / "logos").write_text("x")
    assert read_logos(tmp_path) == {}


def test_a_logo_is_written_in_the_place_of_any_other_and_taken_out(tmp_path):
    put(tmp_path, "customer.jpg", logos.jpeg())
    put(tmp_path, "provider.png", logos.png(logos.BROWN))
    new = decode_logo(logos.png())
    for _ in range(2):  # a job may run twice
        write_logo(tmp_path, Side.CUSTOMER, new.png)
        assert sorted(file.name for file in (tmp_path / "logos").iterdir()) == ["customer.png", "provider.png"]
    assert read_logos(tmp_path)[Side.CUSTOMER] == new
    for _ in range(2):
        write_logo(tmp_path, Side.CUSTOMER, None)
        assert list(read_logos(tmp_path)) == [Side.PROVIDER]


def test_a_copy_of_the_book_has_the_logos(tmp_path):
    book = write_book(tmp_path / "book", contacts="contact_id,opened_at,queue\nc1,2026-01-01T10:00:00Z,q")
    put(book, "provider.png", logos.png())
    copy_visible(book, home_viewer(book, Side.CUSTOMER), tmp_path / "copy")
    assert read_logos(tmp_path / "copy") == read_logos(book)
