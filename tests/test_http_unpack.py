"""Bodies taken out of their content encoding, within limits."""

import gzip
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import BodyTooLarge, ConnectionFailed
from aggregator.http.unpack import Unpacker

MIB = 1024 * 1024


def unpack(data: bytes, encoding: str, limit: int = 10 * MIB, step: int = 65536) -> bytes:
    unpacker = Unpacker("http://example.com/", encoding, limit)
    for start in range(0, len(data), step):
        unpacker.add(data[start : start + step])
    return unpacker.finish()


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


PACKERS = {
    "gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress, "": bytes,
}  # fmt: skip
ENCODINGS = ["gzip", "deflate", "br", "zstd"]


@given(st.binary(max_size=3000), st.sampled_from(sorted(PACKERS)), st.integers(1, 4000))
def test_what_was_packed_comes_back_however_it_is_cut(data: bytes, encoding: str, step: int):
    assert unpack(PACKERS[encoding](data), encoding, step=step) == data


def test_deflate_without_its_zlib_header_is_read():
    assert unpack(raw_deflate(b"<rss/>" * 99), "deflate", step=7) == b"<rss/>" * 99


def test_gzip_of_several_members_is_read_to_its_end():
    assert unpack(gzip.compress(b"one ") + gzip.compress(b"two"), "x-gzip", step=5) == b"one two"


def test_padding_after_gzip_is_ignored():
    assert unpack(gzip.compress(b"feed") + b"\0" * 512, "gzip", step=10) == b"feed"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_that_was_cut_off_is_a_failure(encoding: str):
    with pytest.raises(ConnectionFailed, match="cut off"):
        unpack(PACKERS[encoding](b"<rss/>" * 999)[:-5], encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_corrupt_body_is_a_failure(encoding: str):
    with pytest.raises(ConnectionFailed, match="corrupt"):
        unpack(b"<rss version='2.0'><channel/></rss>", encoding)


def test_an_encoding_nobody_asked_for_is_a_failure():
    with pytest.raises(ConnectionFailed, match="'compress'"):
        unpack(b"", "compress")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_is_refused_by_its_ratio_before_it_fills_the_limit(encoding: str):
    with pytest.raises(BodyTooLarge, match="10 times"):
        unpack(PACKERS[encoding](bytes(9 * MIB)), encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_high_ratio_is_fine_up_to_one_mebibyte(encoding: str):
    assert unpack(PACKERS[encoding](bytes(MIB)), encoding) == bytes(MIB)


def test_zstd_of_several_frames_is_read_to_its_end():
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"  # RFC 8878 section 3.1.2
    frames = skipped + zstd.compress(b"one ") + skipped + zstd.compress(b"two")
    assert unpack(frames, "zstd", step=5) == b"one two"


def test_a_zstd_window_beyond_eight_mebibytes_is_refused():
    """RFC 9659: what a decoder of HTTP contents need not offer, and a way to make it allocate."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 25})
    wide = packer.compress(b"<rss/>") + packer.flush()
    with pytest.raises(ConnectionFailed, match="corrupt"):
        unpack(wide, "zstd")


def test_limits_hold_on_the_wire_and_unpacked():
    with pytest.raises(BodyTooLarge, match=r"more than 100 bytes$"):
        unpack(bytes(101), "", 100)
    with pytest.raises(BodyTooLarge, match="unpacked"):
        unpack(gzip.compress(bytes(101)), "gzip", 100)
    assert unpack(bytes(100), "", 100) == bytes(100)


def test_a_thousand_empty_members_are_enough():
    with pytest.raises(ConnectionFailed, match="members"):
        unpack(gzip.compress(b"") * 1001, "gzip")
