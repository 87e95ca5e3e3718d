#!/usr/bin/env python3
"""PDU Set markings through `lobo upf`: read on N6, told to the RAN, taken out where they are options."""

import os
import signal
import unittest

import marks
from control_plane import DBSMI, EDBMI, PDUSM, TNBMI, create_qer, rtp_extension, session_rules, udp_option
from upf_case import UpfCase, need_namespaces

QFI = 5
EVERYTHING = PDUSM | EDBMI | DBSMI | TNBMI
SET_INFORMATION, SESSION_CONTAINER = 0x04, 0x85
OPTION_SETS = 20
KEY_7 = {"id": 7, "key": bytes(range(16)), "iv": bytes(range(100, 112))}
KEY_8 = {"id": 8, "key": bytes(range(50, 66)), "iv": bytes(range(200, 212))}


def mark_of(pssn, psn, of, size):
    last = psn == of - 1
    return {"E": int(last), "D": int(last and pssn % 3 == 0), "PSI": 1 + pssn % 15, "PSSN": pssn % 1024, "PSN": psn,
            "PSSize": size, "NPDS": of, "BSize": 40_000 + pssn, "TTNB": 160 + pssn}


def rules(protocol):
    return session_rules(downlink=[protocol], qer=create_qer(1, qfi=QFI, indications=EVERYTHING))


class Conveyed(UpfCase):
    sets_sent = 0

    def check(self, message, mark, size):
        """Both containers, in the order of which a gNB that stops early has most."""
        self.assertEqual([kind for kind, _ in message["extensions"]], [SESSION_CONTAINER, SET_INFORMATION])
        self.assertEqual((message["session"]["qfi"], message["set"]["qfi"]), (QFI, QFI))
        told = {name: mark[name] for name in ("E", "D", "PSI", "PSSN", "PSN")}
        self.assertEqual(message["set"]["mark"], dict(told, PSSize=size))

    def pass_options(self, seal):
        """Sets of three packets with an option each, by seal(mark); odd and even lengths."""
        begun = self.sets_sent
        self.sets_sent += OPTION_SETS  # numbers go on, as a sender's do
        for pssn in range(begun, self.sets_sent):
            for psn in range(3):
                payload = bytes(i & 255 for i in range(700 + pssn + psn))
                bare = self.downlink(payload)
                marked = self.downlink(payload, seal(mark_of(pssn, psn, 3, 0)))
                surplus = len(marked) - len(bare)
                self.assertGreater(surplus, 20)
                first = surplus if psn == 0 else first
                mark = mark_of(pssn, psn, 3, 3 * len(marked))
                marked = self.downlink(payload, seal(mark))
                message = self.through(marked)
                # What the UE gets is what was sent without the option, octet by octet.
                self.assertEqual(message["payload"], bare)
                # All packets of a set are taken to lose as much as its first one.
                self.check(message, mark, 3 * len(marked) - 3 * first)
                self.assertEqual((message["session"]["BSize"], message["session"]["TTNB"]),
                                 (mark["BSize"], mark["TTNB"]))


class ClearMarks(Conveyed):
    def test_a_header_extension_of_rtp_is_told_and_stays_where_it_was(self):
        self.establish(rules(rtp_extension(marks.RTP_EXTENSION)))
        self.warm_up()
        sequence = 0
        for pssn in range(12):
            for psn in range(4):
                sequence += 1
                mark = mark_of(pssn, psn, 4, 4000)
                packet = self.downlink(marks.rtp(sequence, mark, bytes(900 + psn)))
                message = self.through(packet)
                self.assertEqual(message["payload"], packet)
                self.check(message, mark, 4000)
                self.assertNotIn("BSize", message["session"])  # the extension does not tell it
        unmarked = self.downlink(b"\x80\x60" + bytes(100))
        message = self.through(unmarked)
        self.assertEqual((message["payload"], "set" in message), (unmarked, False))
        self.wait_for(lambda: self.metric("lobo_upf_marked_packets_total") == sequence)
        self.assertGreaterEqual(
            self.metric("lobo_upf_unmarked_packets_total", carriage="rtp", reason="no_extension"), 1)

    def test_a_clear_option_is_told_and_taken_out(self):
        self.establish(rules(udp_option()))
        self.warm_up()
        self.pass_options(marks.clear_option)


class ProtectedMarks(Conveyed):
    accept, keys = "protected_only", ", key_file: keys.txt"

    def setUp(self):
        super().setUp()
        self.counter = 0

    def start_upf(self):
        self.write_keys(KEY_7)
        return super().start_upf()

    def write_keys(self, *contexts):
        path = self.folder / "keys.txt"
        path.write_text(marks.key_file(*contexts), encoding="ascii")
        os.chmod(path, 0o600)

    def seal(self, context):
        def with_mark(mark):
            self.counter += 1
            return marks.protected_option(mark, context, self.counter)
        return with_mark

    def test_a_protected_option_is_told_and_a_clear_one_is_taken_out_and_not_believed(self):
        self.establish(rules(udp_option()))
        self.warm_up()
        self.pass_options(self.seal(KEY_7))
        bare = self.downlink(b"forged", None)
        message = self.through(self.downlink(b"forged", marks.clear_option(mark_of(1, 0, 1, 0))))
        self.assertEqual((message["payload"], "set" in message), (bare, False))
        self.assertEqual(self.metric("lobo_upf_unmarked_packets_total", reason="clear_not_accepted"), 1)

    def test_keys_are_rolled_over_without_one_unmarked_packet(self):
        self.establish(rules(udp_option()))
        self.warm_up()
        unmarked = self.metric("lobo_upf_unmarked_packets_total")
        self.pass_options(self.seal(KEY_7))
        self.write_keys(KEY_7, KEY_8)
        self.upf.signal(signal.SIGHUP)
        self.wait_for(lambda: self.metric("lobo_upf_key_contexts") == 2)
        self.pass_options(self.seal(KEY_8))
        self.pass_options(self.seal(KEY_7))
        self.write_keys(KEY_8)
        self.upf.signal(signal.SIGHUP)
        self.wait_for(lambda: self.metric("lobo_upf_key_contexts") == 1)
        self.pass_options(self.seal(KEY_8))
        self.assertEqual(self.metric("lobo_upf_unmarked_packets_total"), unmarked)

        self.through(self.downlink(b"old", self.seal(KEY_7)(mark_of(1, 0, 1, 0))))
        self.wait_for(lambda: self.metric("lobo_upf_unmarked_packets_total", reason="key_unknown") == 1)
        self.folder.joinpath("keys.txt").write_text("not a key file", encoding="ascii")
        self.upf.signal(signal.SIGHUP)
        self.wait_for(lambda: "keys_not_reloaded" in (self.folder / "upf.log").read_text(encoding="utf-8"))
        self.pass_options(self.seal(KEY_8))


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
