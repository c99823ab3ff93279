#!/usr/bin/env python3
"""Makes the malformed sound files beside it. They are committed; run this only to change them.

Each is wrong in a way that has broken decoders: sizes that lie, nothing where something must be, nesting without end. The
test that reads them, and what it expects of each, is crates/voice/tests/reference/attacks.rs.
"""
import pathlib
import struct

here = pathlib.Path(__file__).resolve().parent
sound = bytes((n * 7919 >> 3) & 0xFF for n in range(1600))


def le16(value): return struct.pack("<H", value)
def le32(value): return struct.pack("<I", value)
def le64(value): return struct.pack("<Q", value)
def be16(value): return struct.pack(">H", value)
def be32(value): return struct.pack(">I", value)
def put(name, *parts): (here / name).write_bytes(b"".join(parts))
def fixture(name): return bytearray((here / "../../fixtures/voice" / name).read_bytes())


def form(tag=1, channels=1, rate=16000, align=2, bits=16):
    return le16(tag) + le16(channels) + le32(rate) + le32(rate * align & 0xFFFFFFFF) + le16(align) + le16(bits)


def wav(fmt, data=sound, riff=None, size=None, kind=b"RIFF", before=b""):
    body = b"WAVE" + before + b"fmt " + le32(len(fmt)) + fmt
    body += b"data" + le32(len(data) if size is None else size) + data
    return kind + le32(len(body) if riff is None else riff) + body


put("riff-size-lies.wav", wav(form(), riff=0xFFFFFFF0, size=0x7FFFFFF0))
put("riff-size-zero.wav", wav(form(), riff=0, size=0))
put("rf64-size-lies.wav", wav(form(), riff=0xFFFFFFFF, size=0xFFFFFFFF, kind=b"RF64",
                              before=b"ds64" + le32(28) + le64(1 << 63) + le64((1 << 63) - 1) + le64(1 << 62) + le32(0)))
put("rf64-table-lies.wav", wav(form(), riff=0xFFFFFFFF, size=0xFFFFFFFF, kind=b"RF64",
                               before=b"ds64" + le32(28) + le64(2000) + le64(1600) + le64(800) + le32(0xFFFFFFFF)))
put("zero-block-align.wav", wav(form(align=0)))
put("zero-channels.wav", wav(form(channels=0)))
put("many-channels.wav", wav(form(channels=65535, align=65534)))
put("zero-rate.wav", wav(form(rate=0)))
put("zero-bits.wav", wav(form(bits=0)))
put("many-bits.wav", wav(form(bits=65535)))
put("short-format.wav", wav(form()[:4]))
put("format-size-lies.wav", b"RIFF", le32(100), b"WAVEfmt ", le32(0xFFFFFFFF), form(), b"data", le32(1600), sound)
put("adpcm-no-block.wav", wav(form(tag=0x11, align=0, bits=4) + le16(2) + le16(0)))
put("extensible-short.wav", wav(form(tag=0xFFFE) + le16(22) + le16(16)))
put("empty-chunks.wav", b"RIFF", le32(20000), b"WAVE", b"junk\0\0\0\0" * 2000)

flac = b"fLaC"


def streaminfo(low=4096, high=4096, rate=16000, channels=1, bits=16, total=16000, last=True, length=34):
    packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | total
    body = be16(low) + be16(high) + b"\0" * 6 + struct.pack(">Q", packed) + b"\0" * 16
    return bytes([0x80 if last else 0]) + be32(length)[1:] + body


frame = bytes.fromhex("fff8c90800") + sound
put("zero-blocks.flac", flac, streaminfo(low=0, high=0), frame)
put("blocks-reversed.flac", flac, streaminfo(low=65535, high=16), frame)
put("zero-rate.flac", flac, streaminfo(rate=0), frame)
put("endless-length.flac", flac, streaminfo(total=(1 << 36) - 1), frame)
put("streaminfo-size-lies.flac", flac, streaminfo(length=0xFFFFFF), frame)
put("picture-size-lies.flac", flac, streaminfo(last=False), b"\x86\xff\xff\xff", be32(3), be32(0xFFFFFFFF), sound)
put("comment-size-lies.flac", flac, streaminfo(last=False), b"\x84\0\x01\0", le32(0xFFFFFFFF), sound)
put("sync-garbage.flac", flac, streaminfo(), b"\xff\xf8" * 2000)

put("sync-garbage.mp3", b"\xff\xfb\x90\x64" * 1000)
put("sync-noise.mp3", b"".join(b"\xff\xfb" + bytes([n * 37 & 0xFF, n * 91 & 0xFF]) + sound[n:n + 5] for n in range(800)))
put("id3-size-lies.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", sound)
put("id3-frame-lies.mp3", b"ID3\x03\0\0\0\0\x0f\x7f", b"APIC\xff\xff\xff\xff\0\0", sound)
put("id3-extended-lies.mp3", b"ID3\x04\0\x40\0\0\x0f\x7f", b"\x7f\x7f\x7f\x7f", sound)
put("id3-many.mp3", b"ID3\x03\0\0\0\0\0\0" * 1500)
put("xing-lies.mp3", b"\xff\xfb\x90\x64" + b"\0" * 32 + b"Xing" + be32(15) + be32(0xFFFFFFFF) * 2 + b"\xff" * 104,
    b"\0" * 273, b"\xff\xfb\x90\x64" + b"\0" * 413)


def checksum(data):
    """CRC-32 of an Ogg page (RFC 3533): polynomial 04c11db7, nothing reflected, nothing inverted."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def page(segments, body=b"", flags=0, number=0, granule=0):
    """A page whose checksum is right, so that what is wrong with it is read."""
    front = b"OggS\0" + bytes([flags]) + le64(granule) + le32(7) + le32(number)
    back = bytes([len(segments)]) + bytes(segments) + body
    return front + le32(checksum(front + le32(0) + back)) + back


head = b"\x01vorbis" + le32(0) + b"\x01" + le32(16000) + le32(0) * 3 + b"\xb8\x01"
opus = b"OpusHead\x01\x01" + le16(0) + le32(48000) + le16(0) + b"\0"
put("zero-length-pages.ogg", page([], flags=2), *[page([], number=n) for n in range(1, 300)])
put("lacing-lies.ogg", page([255] * 255, sound, flags=2))
put("vorbis-zero-channels.ogg", page([30], head[:11] + b"\0" + head[12:], flags=2), page([200], sound[:200]))
put("vorbis-zero-blocks.ogg", page([30], head[:28] + b"\x00\x01", flags=2), page([200], sound[:200]))
put("vorbis-setup-garbage.ogg", page([30], head, flags=2), page([16, 255], b"\x03vorbis" + le32(0xFFFFFFFF) + b"\0" * 5
                                                                + b"\x05vorbis" + sound[:248]))
put("opus-zero-channels.opus", page([19], opus[:9] + b"\0" + opus[10:], flags=2), page([200], sound[:200], number=1))
put("opus-skip-lies.opus", page([19], opus[:10] + b"\xff\xff" + opus[12:], flags=2),
    page([16], b"OpusTags" + le32(0) * 2, number=1), page([3] * 20, b"\xfc\xff\xfe" * 20, number=2))
put("opus-tags-lie.opus", page([19], opus, flags=2), page([16], b"OpusTags" + le32(0xFFFFFFFF) * 2, number=1))


def box(kind, *parts):
    body = b"".join(parts)
    return be32(len(body) + 8) + kind + body


def deep(kind, levels):
    return b"".join(be32(8 * (levels - n)) + kind for n in range(levels))


start = box(b"ftyp", b"M4A \0\0\0\0isom")
put("deep-boxes.m4a", start, deep(b"moov", 4000))
put("deep-meta.m4a", start, box(b"moov", deep(b"udta", 1000), deep(b"trak", 1000)))
put("box-size-lies.m4a", start, be32(1) + b"moov" + b"\xff" * 8, sound)
put("box-size-small.m4a", start, be32(3) + b"moov", sound)
put("box-size-zero.m4a", start, be32(0) + b"free" + be32(0) + b"moov")


def changed(name, mark, offset, value):
    bytes_ = fixture("burst.m4a")
    at = bytes_.index(mark) + offset
    bytes_[at:at + len(value)] = value
    put(name, bytes_)


changed("samples-lie.m4a", b"stsz", 12, be32(0xFFFFFFFF))
changed("times-lie.m4a", b"stts", 8, be32(0xFFFFFFFF))
changed("chunks-lie.m4a", b"stco", 8, be32(0xFFFFFFFF))
changed("chunk-far-away.m4a", b"stco", 12, be32(0xFFFFFFF0))
changed("no-timescale.m4a", b"mdhd", 16, be32(0))
changed("map-from-zero.m4a", b"stsc", 12, be32(0) * 3)

ebml = bytes.fromhex("1a45dfa3")
put("ebml-size-lies.webm", ebml, b"\x01\xff\xff\xff\xff\xff\xff\xfe", sound)
put("ebml-size-zero-width.webm", ebml, b"\x00", sound)
matroska = ebml + b"\x8b" + bytes.fromhex("4282") + b"\x84webm" + bytes.fromhex("4287") + b"\x81\x02"
segment = bytes.fromhex("18538067")
put("segment-size-lies.webm", matroska, segment, b"\x01\xff\xff\xff\xff\xff\xff\xfe", sound)
put("deep-elements.webm", matroska, (segment + b"\x01\xff\xff\xff\xff\xff\xff\xff") * 1500)
put("deep-tags.webm", matroska, segment, b"\x01\xff\xff\xff\xff\xff\xff\xff",
    (bytes.fromhex("1254c367") + b"\x01\0\0\0\0\0\x7f\xff" + bytes.fromhex("7373") + b"\x01\0\0\0\0\0\x7f\xff") * 800)
clusters = fixture("burst.webm")
at = clusters.index(bytes.fromhex("1f43b675"))
put("cluster-size-lies.webm", clusters[:at + 4], b"\x01\xff\xff\xff\xff\xff\xff\xf0", clusters[at + 12:])
put("clusters-empty.webm", clusters[:at], bytes.fromhex("1f43b67580") * 2500)
