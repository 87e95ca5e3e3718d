#!/usr/bin/env python3
"""What an application is told of its packets is what became of them: it asks `lobo serve` for QoS and for monitoring,
real packets go through UPF, gNB and UE, and delay, rate and loss in the reports are held against what the test saw of
the same packets. A narrow cell breaks the promise, and a wide one mends it."""

import datetime
import json
import re
import struct
import socket
import time

import marks
from gnb_case import CONTROL, GNB, WISH, GnbCase
from net import N4_UPF, readable
from upf_case import harness, need_namespaces

SO_TIMESTAMPNS = 35  # Linux, asm-generic/socket.h
LINK_DELAY_MS = 30
FRAMES_PER_SECOND, PDUS, OCTETS = 50, 4, 1000  # 1.6 Mbit/s of IP packets, within the 2 Mbit/s that are promised
NARROW = "800 Kbps"
# How far a report may be from what was seen of the packets. Its figures are of few stamped packets (delay), of seconds that
# the UPF's clock cuts (rate), of what a gNB says once a second (loss), and begin elsewhere than the test's.
DELAY_SHARE, DELAY_MS = 0.25, 6
RATE_SHARE = 0.10
LOSS_TENTHS = 40
SETTLING = 4.0  # until windows hold nothing of how it was before
UNITS = {"bps": 1, "Kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9}


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def bits(text):
    number, unit = re.fullmatch(r"([0-9.]+) (\w+)", text).groups()
    return float(number) * UNITS[unit]


class Stretch:
    """A time in which nothing changes: what was sent, and when it came."""

    def __init__(self):
        self.sent, self.came, self.begun, self.ended = {}, {}, 0.0, 0.0

    def seen(self):
        """Mean delay in ms, rate in bit/s and tenths of a percent lost, of what was sent when it had settled."""
        packets = [number for number, when in self.sent.items() if when >= self.begun + SETTLING]
        delays = [self.came[number] - self.sent[number] for number in packets if number in self.came]
        span = self.ended - self.begun - SETTLING
        return (sum(delays) / len(delays) * 1000, len(packets) * OCTETS * 8 / span,
                1000 * (1 - len(delays) / len(packets)))

    def holds(self, report):
        return at(report["measuredFrom"]) >= self.begun + SETTLING - 1 and at(report["timestamp"]) <= self.ended + 1


class Measured(GnbCase):
    wish = {**WISH, "pduSetQosDl": {**WISH["pduSetQosDl"], "pduSetDelayBudget": 100_000}}
    radio = GNB.replace("link: {delay: 2ms}", f"link: {{delay: {LINK_DELAY_MS}ms}}")

    def setUp(self):
        super().setUp()
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.number, self.events, self.reports = 0, [], []
        self.told_of_promise, self.told_of_packets = self.start_listener(), self.start_listener()
        self.ask_for_qos(self.told_of_promise.ready()[0])
        made = self.lobo(self.stage.upf, "nrm", "monitor", "create", "--ue", "ue1", "--measure", "DL_DELAY",
                         "AVG_DATA_RATE", "AVG_PLR", "--window", "2s", "--period", "2s", "--notify",
                         self.told_of_packets.ready()[0] + "/events", "--server", f"http://{N4_UPF}:7000", "-o", "json")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.monitor = json.loads(made.stdout)["subscriptionId"]

    def send_frame(self, frame, stretch):
        for psn in range(PDUS):
            mark = {"E": int(psn == PDUS - 1), "D": 0, "PSI": 1 if frame % 10 == 0 else 8, "PSSN": frame % 1024, "PSN": psn,
                    "PSSize": PDUS * OCTETS, "NPDS": PDUS}
            head = marks.rtp(self.number & 0xFFFF, mark, b"")
            payload = bytes(OCTETS - 28 - len(head) - 8) + self.number.to_bytes(8, "big")
            stretch.sent[self.number] = time.time()
            self.send_downlink(self.downlink(head + payload))
            self.number += 1

    def take(self, stretch, wait):
        while readable(self.receiver, max(wait, 0)):
            data, extra, _, _ = self.receiver.recvmsg(2048, 64)
            seconds, nanoseconds = struct.unpack("qq", next(value for _, kind, value in extra if kind == SO_TIMESTAMPNS))
            stretch.came[int.from_bytes(data[-8:], "big")] = seconds + nanoseconds * 1e-9
            wait = 0

    def listen(self):
        for listener, to in ((self.told_of_promise, self.events), (self.told_of_packets, self.reports)):
            while readable(listener.child.stdout, 0) or b"\n" in listener.unread:
                to.append(json.loads(listener.line(1)))

    def play_for(self, seconds, until=lambda: False):
        """Frames at their pace, for so long or until it is so."""
        stretch, first, frame = Stretch(), time.monotonic(), 0
        stretch.begun = time.time()
        while time.monotonic() < first + seconds and not until():
            self.send_frame(self.number // PDUS, stretch)
            frame += 1
            self.listen()
            while (left := first + frame / FRAMES_PER_SECOND - time.monotonic()) > 0:
                self.take(stretch, left)
        stretch.ended = time.time()
        while readable(self.receiver, 1):  # what still waits in the cell
            self.take(stretch, 0)
        self.listen()
        return stretch

    def play_until(self, event, seconds=20):
        self.play_for(seconds, lambda: self.is_told(event))
        self.assertTrue(self.is_told(event), f"{event} was not told: {self.events}")

    def is_told(self, event):
        return any(f'"{event}"' in json.dumps(one) for one in self.events)

    def check_reports(self, stretch):
        """The mean of the reports on a stretch, next to what was seen."""
        delay, rate, loss = stretch.seen()
        reports = [one["measData"] for one in self.reports if "measData" in one and stretch.holds(one)]
        said = {name: [one[name] for one in reports if name in one] for name in ("dlDelay", "avgDataRate", "avgPlr")}
        told = f"seen {delay:.1f} ms, {rate:.0f} bit/s, {loss:.0f} of 1000 lost; told {said}"
        print(told)
        for name, values in said.items():
            self.assertGreaterEqual(len(values), 2, f"{name}: {told}; {self.reports}")
        mean = {name: sum(bits(one) if name == "avgDataRate" else one for one in values) / len(values)
                for name, values in said.items()}
        self.assertAlmostEqual(mean["dlDelay"], delay, delta=max(DELAY_MS, DELAY_SHARE * delay), msg=told)
        self.assertAlmostEqual(mean["avgDataRate"], rate, delta=RATE_SHARE * rate, msg=told)
        self.assertAlmostEqual(mean["avgPlr"], loss, delta=LOSS_TENTHS, msg=told)
        return delay, loss

    def test_reports_agree_with_the_packets_and_a_narrow_cell_breaks_the_promise(self):
        delay, loss = self.check_reports(self.play_for(11))
        self.assertGreaterEqual(delay, LINK_DELAY_MS)
        self.assertLess(loss, LOSS_TENTHS)
        self.assertFalse(self.flow(self.qfi)["not_held"])
        self.assertFalse(self.is_told("QOS_NOT_GUARANTEED"), self.events)
        session = self.ask(CONTROL + "/ues/ue1/pdu-session").json
        self.assertEqual(len(session["qosFlows"]), 2, "who only measures has no flow")

        self.set_cell(rate=NARROW)
        self.play_until("QOS_NOT_GUARANTEED")
        self.assertTrue(self.flow(self.qfi)["not_held"])
        self.check_order_in_journal()
        worse, more = self.check_reports(self.play_for(11))
        self.assertGreater(worse, delay + 10)
        self.assertGreater(more, 300)

        self.events.clear()
        self.set_cell(rate="12 Mbps")
        self.play_until("QOS_GUARANTEED")
        self.assertFalse(self.flow(self.qfi)["not_held"])
        better, none = self.check_reports(self.play_for(11))
        self.assertLess(better, delay + DELAY_MS)
        self.assertLess(none, LOSS_TENTHS)

    def check_order_in_journal(self):
        """The gNB's word, with causes and figures, is what the network's follows."""
        entries = self.ask(CONTROL + "/journal?limit=1000").json["entries"]
        notice = next(i for i, one in enumerate(entries) if one.get("operation") == "NotifyNetPduSession")
        event = next(i for i, one in enumerate(entries) if one.get("operation") == "UserPlaneNotification"
                     and "QOS_NOT_GUARANTEED" in one.get("body", ""))
        self.assertLess(notice, event)
        said = json.loads(entries[notice]["body"])
        self.assertTrue(set(said["causes"]) & {"GFBR", "PSER", "PSDB"}, said)
        self.assertLess(bits(said["deliveredDl"]), bits(said["offeredDl"]))


if __name__ == "__main__":
    need_namespaces()
    harness.main()
