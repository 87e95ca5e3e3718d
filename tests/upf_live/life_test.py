#!/usr/bin/env python3
"""How `lobo upf` begins and ends: orderly, killed, and not at all."""

import signal
import subprocess
import time
import unittest

from control_plane import RELEASE, create_qer, fields, node_id, session_rules
from net import N4_SMF
from upf_case import UpfCase, harness, need_namespaces

SARR = "01"


class Life(UpfCase):
    def links(self):
        return self.stage.upf.ip("-d link show n3") + self.stage.upf.ip("-d link show n6")

    def packet_sockets(self):
        with self.stage.upf.inside():
            with open("/proc/thread-self/net/packet", encoding="ascii") as table:
                return len(table.readlines()) - 1

    def test_sigterm_asks_for_release_and_ends_when_it_is_there(self):
        self.establish(session_rules(qer=create_qer(1, qfi=9)))
        self.assertGreater(self.packet_sockets(), 0)
        self.upf.signal(signal.SIGTERM)
        until = time.monotonic() + 10
        while not self.smf.updates and time.monotonic() < until:
            self.smf.take(1)
        self.assertEqual(fields(self.smf.updates[0], 111)["flags"], SARR)
        request = self.smf.message(RELEASE, node_id(N4_SMF))
        self.smf.socket.sendto(request, self.smf.upf)
        answers = []
        while not answers and time.monotonic() < until:
            message = self.smf.take(1)
            if message and message["type"] == RELEASE + 1:
                answers.append(message)
        self.assertEqual(fields(answers[0], 19)["value"], "1")
        self.assertEqual(self.upf.wait(), 0)
        self.assertEqual(self.packet_sockets(), 0)
        self.assertNotIn("xdp", self.links())

    def test_sigterm_does_not_wait_for_ever_for_who_says_nothing(self):
        self.establish(session_rules(qer=create_qer(1, qfi=9)))
        begun = time.monotonic()
        self.upf.signal(signal.SIGTERM)
        self.assertEqual(self.upf.wait(), 0)
        self.assertLess(time.monotonic() - begun, 10)

    def test_one_that_was_killed_leaves_nothing_and_comes_back_as_another(self):
        before = fields(self.smf.associate(), 96)
        self.upf.signal(signal.SIGKILL)
        self.upf.wait()
        self.assertEqual(self.packet_sockets(), 0)
        self.assertNotIn("xdp", self.links())
        # The time stamp counts seconds: one that starts within the same second tells the same.
        begun = int(time.time())
        self.wait_for(lambda: int(time.time()) > begun)
        self.start_upf()
        after = fields(self.smf.associate(), 96)
        self.assertNotEqual(before, after)
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=9)))
        self.warm_up()
        self.assertEqual(self.through(self.downlink(b"again"))["session"]["qfi"], 9)

    def refused(self, config, prefix=()):
        path = self.folder / "other.yaml"
        path.write_text(config, encoding="utf-8")
        with self.stage.upf.inside():
            done = subprocess.run([*prefix, harness.LOBO, "upf", "-c", str(path)], capture_output=True, text=True,
                                  timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the UPF does not start", done.stderr)
        return done.stderr

    def test_what_is_missing_is_named(self):
        config = self.config.read_text(encoding="utf-8")
        other = config.replace("127.0.0.62", "127.0.0.63")
        self.assertIn("no such interface", self.refused(other.replace("interface: n3", "interface: n9")))
        self.assertIn("does not have the address 10.100.3.9", self.refused(other.replace("10.100.3.1}", "10.100.3.9}")))
        self.assertIn("2152", self.refused(other))  # the one that runs has it
        self.assertIn("unknown key 'n7'", self.refused(other.replace("  io:", "  n7: 1\n  io:")))
        self.upf.signal(signal.SIGTERM)
        self.upf.wait()
        unable = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"]
        self.assertIn("CAP_NET_RAW", self.refused(other, unable))


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
