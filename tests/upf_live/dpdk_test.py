#!/usr/bin/env python3
"""`lobo upf` on devices of DPDK: net_af_packet on its interfaces, and memif to another process, DPDK's own
testpmd, which carries packets between memif and the interfaces. A program without DPDK has to say so: then the
rest is skipped."""

import os
import shutil
import subprocess
import sys
import unittest

from both_ways import BothWays
from net import N6_SERVER, SKIPPED, UE, ip_packet, readable
from upf_case import UpfCase, harness, need_namespaces

TESTPMD = shutil.which("dpdk-testpmd")


class OverAfPacket(BothWays):
    ports = "dpdk"
    workers = 1

    def test_packets_go_both_ways_and_are_counted(self):
        self.check_both_ways()
        self.wait_for(lambda: self.metric("lobo_upf_port_packets_total", side="n3", way="out") >= 5
                      and self.metric("lobo_upf_port_packets_total", side="n6", way="in") >= 5)


class OverMemif(BothWays):
    ports = "dpdk"
    workers = 1

    def device(self, side):
        return f"net_memif_{side},role=server,socket={self.folder}/{side}.sock,socket-abstract=no"

    def setUp(self):
        if TESTPMD is None:
            self.skipTest("dpdk-testpmd is not installed (dpdk-dev)")
        super().setUp()
        self.carrier = self.start_carrier()

    def start_carrier(self):
        """Each memif and the interface of its side are a pair to testpmd, which passes all frames on."""
        processor = min(os.sched_getaffinity(0))
        words = [TESTPMD, "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256",
                 "--lcores", f"(0,1)@{processor}"]
        for side in ("n3", "n6"):
            words += [f"--vdev=net_memif_{side},role=client,socket={self.folder}/{side}.sock,socket-abstract=no",
                      f"--vdev=net_af_packet_{side},iface={side}"]
        words += ["--", "--total-num-mbufs=8192", "--forward-mode=io", "--auto-start", "--port-topology=paired",
                  "--stats-period", "1"]  # it says that it forwards when it tells them first
        with self.stage.upf.inside(), open(self.folder / "carrier.log", "wb") as log:
            carrier = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.end_carrier, carrier)
        self.wait_for(lambda: b"NIC statistics" in (self.folder / "carrier.log").read_bytes(), patience=30.0)
        return carrier

    def knows_neighbours_again(self, teid):
        """net_af_packet writes the interface's MAC address when it starts, and the kernel forgets whom it knew there.
        The UPF sees that within half a second, and asks for whom packets want."""
        self.send_downlink(self.downlink(b"warm"))
        self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"warm"))
        told = self.stage.upf.ip("neighbour show")
        return all(f"dev {side} lladdr" in told for side in ("n3", "n6"))

    def end_carrier(self, carrier):
        carrier.kill()
        carrier.wait()

    def test_packets_go_both_ways_and_the_other_process_may_die_and_come_back(self):
        teid = self.check_both_ways()
        for _ in range(3):
            # In the middle of a stream in both directions.
            for number in range(200):
                self.send_downlink(self.downlink(bytes(900)))
                self.send_uplink(teid, self.downlink(bytes(900)))
                if number == 120:
                    self.end_carrier(self.carrier)
            self.wait_for(lambda: self.metric("lobo_upf_port_up") == 0)
            while readable(self.gnb, 0.3):
                self.gnb.recv(65535)  # of before
            self.carrier = self.start_carrier()
            self.wait_for(lambda: self.metric("lobo_upf_port_up") == 2)
            self.wait_for(lambda: self.knows_neighbours_again(teid))
            self.warm_up()
            for number in range(100):
                packet = self.downlink(b"%d after it came back" % number)
                self.assertEqual(self.through(packet)["payload"], packet)


class BuiltWithout(UpfCase):
    ports = "dpdk"
    workers = 1

    def start_upf(self):
        with self.stage.upf.inside():
            self.said = subprocess.run([harness.LOBO, "upf", "-c", str(self.config)], capture_output=True, text=True,
                                       timeout=harness.PATIENCE)

    def test_a_program_without_dpdk_says_what_it_is_missing(self):
        self.assertEqual(self.said.returncode, 1, self.said)
        self.assertIn("this program was built without DPDK (libdpdk-dev)", self.said.stderr)


def load_tests(loader, _found, _pattern):
    cases = (OverAfPacket, OverMemif) if DPDK else (BuiltWithout,)
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)


if __name__ == "__main__":
    need_namespaces()
    DPDK = "DPDK is off" not in subprocess.run([harness.LOBO, "version"], capture_output=True, text=True,
                                               check=True).stdout
    done = unittest.main(exit=False).result
    if done.wasSuccessful() and not DPDK:
        print("skipped: this lobo was built without DPDK (libdpdk-dev), and says so")
        sys.exit(SKIPPED)
    sys.exit(not done.wasSuccessful())
