"""Reads the histograms of a record: HdrHistogram V2, deflated, base64, as in `.hlog` files; values are microseconds.

A reader of our own, so that the benchmarks need nothing installed. It counts what the reference implementation counts:
  python3 -m venv venv && venv/bin/pip install hdrhistogram==0.10.8
  venv/bin/python hdr.py reports/local/run-…/record.json        # compares every histogram of the record with hdrh's
"""

import base64
import json
import struct
import sys
import zlib
from pathlib import Path

# With the low byte that every writer of V2 sets: word size 1, which V2 does not use.
COMPRESSED_V2, PLAIN_V2 = 0x1C849314, 0x1C849313


class Histogram:
    """Counts by value, with the resolution that they were recorded in."""

    def __init__(self):
        self.counts = {}
        self.total = 0

    def add(self, text):
        """Adds a stored histogram; the empty text is the empty one."""
        if not text:
            return self
        lowest, digits, counts = decode(text)
        for index, count in counts:
            value = highest_value(index, lowest, digits)
            self.counts[value] = self.counts.get(value, 0) + count
            self.total += count
        return self

    def value_at_rank(self, rank):
        """The highest value equivalent to the `rank`-th smallest sample, from 1, as `value_at_quantile` tells it."""
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= rank:
                return value
        raise ValueError(f"rank {rank} of {self.total} samples")

    def at(self, share):
        """The value at a share of the samples, 0.5 for the median; 0 if there are none."""
        return self.value_at_rank(max(1, round_up(share * self.total))) if self.total else 0


def merged(texts):
    """All of several stored histograms in one."""
    histogram = Histogram()
    for text in texts:
        histogram.add(text)
    return histogram


def round_up(ranks):
    """The rank at or above, forgiving the last bit of a product such as 0.999 × 1000."""
    whole = round(ranks)
    return whole if abs(ranks - whole) < 1e-6 else int(ranks) + 1


def decode(text):
    """Lowest discernible value, significant digits, and pairs of (index, count) of a stored histogram."""
    raw = base64.b64decode(text)
    cookie, length = struct.unpack(">II", raw[:8])
    if cookie != COMPRESSED_V2:
        raise ValueError(f"not a compressed V2 histogram: cookie {cookie:#x}")
    plain = zlib.decompress(raw[8 : 8 + length])
    cookie, length, _, digits, lowest, _, _ = struct.unpack(">IIIIQQd", plain[:40])
    if cookie != PLAIN_V2:
        raise ValueError(f"not a V2 histogram: cookie {cookie:#x}")
    return lowest, digits, counted(plain[40 : 40 + length])


def counted(payload):
    """The counts in order: a zigzag LEB128 number each; a negative one skips so many empty places."""
    index = position = 0
    while position < len(payload):
        number, position = leb128(payload, position)
        number = (number >> 1) ^ -(number & 1)
        if number < 0:
            index += -number
            continue
        if number:
            yield index, number
        index += 1


def leb128(payload, position):
    """A number of up to nine bytes; the ninth holds eight bits."""
    number = 0
    for place in range(9):
        byte = payload[position]
        position += 1
        if place == 8:
            return number | byte << 56, position
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            break
    return number, position


def highest_value(index, lowest, digits):
    """The highest value counted at an index."""
    sub_buckets = 1 << (2 * 10**digits - 1).bit_length()
    half, unit = sub_buckets // 2, max(lowest, 1).bit_length() - 1
    bucket = (index // half) - 1
    sub_bucket = index % half + half
    if bucket < 0:
        bucket, sub_bucket = 0, sub_bucket - half
    width = 1 << (bucket + unit)
    return (sub_bucket << (bucket + unit)) + width - 1


def compare(path):
    """Holds this reader against `hdrh` on every histogram of a record; the number of histograms."""
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415, nothing else needs it

    record = json.loads(Path(path).read_text())
    texts = [second[name] for step in record["steps"] for second in step["seconds"] for name in ("response", "service")]
    texts = [text for text in [*texts, record["generator"]["wake_lag"]] if text]
    for text in texts:
        theirs = HdrHistogram.decode(text).get_recorded_iterator()
        expected = {item.value_iterated_to: item.count_at_value_iterated_to for item in theirs}
        assert merged([text]).counts == expected, text
    return len(texts)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    print(f"{compare(sys.argv[1])} histograms read alike")
