"""Logos as people bring them, and files that were made to break whoever reads a logo."""

import io
import struct
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

BLUE, BROWN = (28, 80, 158), (148, 69, 15)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>window.ran=1</script></svg>'


def png(color=BLUE, size=(300, 100), **options):
    """A PNG of one colour."""
    return encoded(Image.new("RGB", size, color), "PNG", **options)


def jpeg(color=BLUE, size=(300, 100), **options):
    """A JPEG of one colour."""
    return encoded(Image.new("RGB", size, color), "JPEG", **options)


def encoded(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def telling_png(secret):
    """A PNG that says more than its pixels: a comment, EXIF, and what stands behind its end."""
    told = PngInfo()
    told.add_text("Comment", secret)
    told.add_itxt("XML:com.adobe.xmp", secret)
    exif = Image.Exif()
    exif[0x010E] = secret
    return png(pnginfo=told, exif=exif, icc_profile=secret.encode()) + secret.encode()


def noise_png(width, height):
    """A PNG that no compression makes smaller."""
    return encoded(Image.effect_noise((width, height), 100), "PNG")


def bomb_png(width, height, rows=0):
    """A PNG of a few hundred kilobytes at most, of so many pixels; of all but the first rows there is nothing."""
    row = b"\0" * (1 + width) if rows else b""
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def text_bomb_png():
    """A small PNG with a comment that unpacks to a hundred megabytes."""
    comment = b"Comment\0\0" + zlib.compress(b"\0" * 100_000_000, 9)
    whole = png()
    return whole[:33] + _chunk(b"zTXt", comment) + whole[33:]


def scan_bomb_jpeg(count):
    """A progressive JPEG whose last scan is there so many times."""
    whole = jpeg(size=(3000, 1000), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + whole[-2:]


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
