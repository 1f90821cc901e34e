"""The arithmetic of the benchmarks, without a run: what they compute is right, and each can say no."""

import base64
import struct
import unittest
import zlib

import common
import hdr
import models
import stall


def stored(counts):
    """A histogram as proofload stores it, three digits, from (index, count) pairs in order."""
    payload, last = b"", -1
    for index, count in counts:
        if index - last > 1:
            payload += leb128(((index - last - 1) << 1) - 1)
        payload += leb128(count << 1)
        last = index
    plain = struct.pack(">IIIIQQd", hdr.PLAIN_V2, len(payload), 0, 3, 1, 2**40, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">II", hdr.COMPRESSED_V2, len(packed)) + packed).decode()


def leb128(number):
    """Seven bits a byte, the lowest first."""
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def recorded(values_us):
    """A record whose only second holds these response times, below 2048 µs each."""
    text = stored([(value, values_us.count(value)) for value in sorted(set(values_us))])
    return {"steps": [{"kind": "request", "seconds": [{"response": text, "service": text}]}]}


class Histograms(unittest.TestCase):
    def test_values_lie_at_their_indexes(self):
        for index, value in [(0, 0), (5, 5), (2047, 2047), (2048, 2049), (3071, 4095), (3072, 4099)]:
            self.assertEqual(hdr.highest_value(index, 1, 3), value)

    def test_gaps_and_counts_are_read(self):
        read = hdr.merged([stored([(3, 2), (900, 1)]), "", stored([(3, 1)])])
        self.assertEqual((read.counts, read.total), ({3: 3, 900: 1}, 4))
        self.assertEqual([read.at(share) for share in (0.5, 0.75, 0.76, 1.0)], [3, 3, 900, 900])


class Plans(unittest.TestCase):
    def test_even_arrivals_are_due_at_the_halves_of_the_area(self):
        self.assertEqual(models.even_arrivals_ns([(10, 10, 0.3)]), [50_000_000, 150_000_000, 250_000_000])
        rising = models.even_arrivals_ns([(0, 20, 1.0)])
        self.assertEqual((len(rising), rising[0], rising[-1]), (10, 223_606_798, 974_679_434))

    def test_stages_follow_each_other(self):
        times = models.even_arrivals_ns([(2, 2, 0.5), (4, 4, 0.5)])
        self.assertEqual(times, [250_000_000, 625_000_000, 875_000_000])


class Stalls(unittest.TestCase):
    # 100 arrivals, one each 10 µs; the server's clock is 7 µs ahead and it freezes from 500 µs to 900 µs of its own.
    due_ns = [k * 10_000 for k in range(100)]
    report = {"stamps_ns": [at + 7_000 for at in due_ns], "windows_ns": [[500_000, 900_000]]}

    def check(self, response_us, worst_percent):
        outcome = stall.compare(self.due_ns, self.report, recorded(response_us))
        self.assertEqual(outcome.stalled, 40)
        self.assertAlmostEqual(100 * outcome.worst(), worst_percent, delta=0.3)

    def truth_us(self):
        return [max(893 - at // 1000, 0) if 493_000 <= at < 893_000 else 0 for at in self.due_ns]

    def test_the_truth_has_no_error(self):
        self.check(self.truth_us(), 0)

    def test_a_tool_that_omits_is_found_out(self):
        served = [wait if index in range(50, 60) else 0 for index, wait in enumerate(self.truth_us())]
        self.check(served, 100)

    def test_a_tool_that_is_two_percent_late_is_found_out(self):
        self.check([round(wait * 1.02) for wait in self.truth_us()], 2)


class Tables(unittest.TestCase):
    def test_a_missed_claim_says_so(self):
        self.assertEqual([common.met(True), common.met(False)], ["reached", "MISSED"])

    def test_spread_is_median_and_range(self):
        self.assertEqual(common.spread([3.0, 1.0, 2000.0]), "3 (1–2,000)")


if __name__ == "__main__":
    unittest.main()
