#!/usr/bin/env python3
"""Two workers: each carries UEs of its own, and what a session counts and how its packets are ordered is as with one."""

import os
import signal
import struct
import time
import unittest

from control_plane import create_qer, create_urr, fields, query_urr, session_rules, update_qer
from net import ip_packet, readable
from upf_case import UpfCase, enough_cores, need_namespaces
from xrm_decoder import read_gtpu

UES = [f"10.45.0.{number}" for number in range(2, 10)]
PACKETS = 400
AT_ONCE = 20
PAYLOAD = 100
URR = 1
SECONDS = float(os.environ.get("LOBO_UPF_SECONDS", "2"))


class WorkersCase(UpfCase):
    workers = 2

    def ue_packet(self, ue, number):
        return ip_packet(self.server_address, ue, 6000, 5004, struct.pack(">I", number) + bytes(PAYLOAD))

    def establish_all(self):
        """By UE: (SEID, TEID that the UPF chose)"""
        sessions = {}
        self.assertEqual(fields(self.smf.associate(), 19)["value"], "1")
        for at, ue in enumerate(UES):
            sessions[ue] = self.establish_one(at, ue)
        return sessions

    def establish_one(self, at, ue):
        answer = self.smf.establish(session_rules(qer=create_qer(1, qfi=9) + create_urr(URR), ue=ue, urrs=[URR],
                                                  gnb_teid=0x2000 + at), seid=100 + at)
        self.assertEqual(fields(answer, 19)["value"], "1", answer)
        return int(fields(answer, 57)["seid"]), int(fields(answer, 8, 21)["teid"])

    def drain(self, into, seconds):
        while readable(self.gnb, seconds):
            message = read_gtpu(self.gnb.recv(65535))
            payload = message["payload"]
            into.setdefault(message["teid"], []).append(struct.unpack(">I", payload[28:32])[0])

    def warm_up_all(self):
        """Each worker has the gNB's and the server's address."""
        warm = {}
        until = time.monotonic() + 15
        while len(warm) < len(UES) and time.monotonic() < until:
            for ue in UES:
                self.send_downlink(self.ue_packet(ue, 0))
            self.drain(warm, 0.3)
        self.assertEqual(len(warm), len(UES), "a UE gets nothing")
        return {ue: len(warm[0x2000 + at]) for at, ue in enumerate(UES)}

    def usage(self, seid):
        answer = self.smf.modify(seid, query_urr(URR))
        self.assertEqual(fields(answer, 19)["value"], "1", answer)
        return fields(answer, 78, 66)


class Workers(WorkersCase):
    def test_sessions_are_divided_and_nothing_is_lost_or_turned_round(self):
        sessions = self.establish_all()
        warm = self.warm_up_all()
        for seid, _ in sessions.values():
            self.usage(seid)
        got = {}
        for begin in range(0, PACKETS, AT_ONCE):
            for number in range(begin, begin + AT_ONCE):
                for ue in UES:
                    self.send_downlink(self.ue_packet(ue, number))
            # Rules change while packets pass.
            ue = UES[begin // AT_ONCE % len(UES)]
            answer = self.smf.modify(sessions[ue][0], update_qer(1, qfi=9))
            self.assertEqual(fields(answer, 19)["value"], "1", answer)
            self.drain(got, 0.02)
        self.drain(got, 1)
        for at in range(len(UES)):
            self.assertEqual(got.get(0x2000 + at), list(range(PACKETS)), f"of {UES[at]}")
        octets = PACKETS * len(self.ue_packet(UES[0], 0))
        for ue, (seid, _) in sessions.items():
            self.assertEqual(int(self.usage(seid)["downlink"]), octets, ue)
        by_worker = [self.metric("lobo_upf_worker_packets_total", worker=str(number), direction="downlink")
                     for number in (0, 1)]
        print("downlink by worker:", by_worker)
        self.assertGreaterEqual(min(by_worker), PACKETS)
        self.assertGreaterEqual(sum(by_worker), len(UES) * PACKETS + sum(warm.values()))
        self.assertEqual(self.metric("lobo_upf_received_packets_total", direction="downlink"), sum(by_worker))
        self.assertEqual(self.metric("lobo_upf_worker_handed_over_total"), 0, "the kernel divides as the sessions do")

    def test_after_a_kill_the_sessions_of_both_workers_are_established_again(self):
        self.establish_all()
        self.warm_up_all()
        self.upf.signal(signal.SIGKILL)
        self.upf.wait()
        self.upf = self.start_upf()
        for ue in UES:
            self.send_downlink(self.ue_packet(ue, 1))
        self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", reason="no_session") == len(UES))
        sessions = self.establish_all()
        self.warm_up_all()
        # Some are established a second time, as by a control plane that has forgotten them itself.
        for ue in UES[::2]:
            self.assertEqual(fields(self.smf.delete(sessions[ue][0]), 19)["value"], "1")
        self.wait_for(lambda: self.metric("lobo_upf_sessions") == len(UES) // 2)
        for at, ue in list(enumerate(UES))[::2]:
            self.establish_one(at, ue)
        self.warm_up_all()
        for worker in ("0", "1"):
            self.assertGreater(self.metric("lobo_upf_worker_packets_total", worker=worker, direction="downlink"), 0)

    def test_a_packet_that_another_worker_gets_is_handed_to_its_own(self):
        """An uplink packet with another UE's source comes to whichever worker: its session's worker refuses it."""
        sessions = self.establish_all()
        self.warm_up_all()
        before = self.metric("lobo_upf_dropped_packets_total", direction="uplink", reason="no_rule")
        teid = sessions[UES[0]][1]
        for ue in UES[1:]:
            self.send_uplink(teid, ip_packet(ue, self.server_address, 5004, 6000, b"spoofed"))
        self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", direction="uplink", reason="no_rule")
                      == before + len(UES) - 1)
        self.assertGreater(self.metric("lobo_upf_worker_handed_over_total"), 0)
        # Each is counted once, whoever got it first; ARP is among them.
        self.assertEqual(self.metric("lobo_upf_received_packets_total", direction="uplink"),
                         self.metric("lobo_upf_dropped_packets_total", direction="uplink"))


class EverythingAtOnce(WorkersCase):
    """With the thread sanitizer a race is told when the process ends, by its exit code."""

    def other_things(self, turn, sessions):
        at = turn % len(UES)
        if turn % 5 == 0:
            self.smf.modify(sessions[UES[at]][0], update_qer(1, qfi=9))
            self.usage(sessions[UES[at]][0])
        if turn % 7 == 0:
            self.page("/metrics")
            self.page("/status/upf")
        if turn % 11 == 0:
            self.assertEqual(fields(self.smf.delete(sessions[UES[at]][0]), 19)["value"], "1")
            sessions[UES[at]] = self.establish_one(at, UES[at])
        if turn % 50 == 0:
            self.upf.signal(signal.SIGHUP)
            for side in ("n3", "n6"):
                self.stage.upf.ip(f"neighbour flush dev {side}")

    def test_rules_neighbours_keys_and_pages_change_while_packets_pass_and_are_handed_over(self):
        sessions = self.establish_all()
        self.warm_up_all()
        until = time.monotonic() + SECONDS
        turn = 0
        while time.monotonic() < until:
            for ue in UES:
                self.send_downlink(self.ue_packet(ue, turn))
                for source in (ue, UES[0]):
                    self.send_uplink(sessions[ue][1], ip_packet(source, self.server_address, 5004, 6000, bytes(PAYLOAD)))
            turn += 1
            self.other_things(turn, sessions)
            for one in (self.gnb, self.server):
                while readable(one, 0):
                    one.recv(65535)
        self.wait_for(self.all_is_accounted_for)
        self.assertGreater(self.metric("lobo_upf_worker_handed_over_total"), turn)
        self.upf.signal(signal.SIGTERM)
        self.assertEqual(self.upf.wait(), 0)

    def all_is_accounted_for(self):
        """Each packet counts once, when none is on its way any more."""
        def count(what, way):
            return self.metric(f"lobo_upf_{what}_packets_total", direction=way)
        return all(count("received", way) == count("sent", way) + count("dropped", way)
                   for way in ("downlink", "uplink"))


if __name__ == "__main__":
    need_namespaces()
    if not enough_cores(Workers.workers):
        print("skipped: two workers want two cores")
        raise SystemExit(77)
    unittest.main()
