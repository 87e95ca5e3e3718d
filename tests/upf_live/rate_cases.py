"""The rates of a UPF as iperf3 sees them between the application server and a UE: what the test and the benchmark have
in common."""

import json
import subprocess
import time

from control_plane import ACCESS, CORE, create_far, create_pdr, create_qer, ie, sdf, u8, ue_address
from net import UE, ask_until, readable
from radio import Radio

MBR_KBPS = 20_000
GBR_KBPS = 6_000
GBR_SENT_KBPS = GBR_KBPS * 98 // 100  # a sender that keeps to its guarantee
FLOW_PORT, FLOOD_PORT = 5201, 5202
UDP_OCTETS = 1200
UDP_HEADERS = 28
PATIENCE = 90


def downlink(number, precedence, qers, port=None):
    """A PDR for all that goes to the UE, or to one of its ports."""
    flow = [] if port is None else [sdf(f"permit out ip from any to assigned {port}")]
    return create_pdr(number, precedence=precedence, far=1, qers=qers,
                      pdi=[ie(20, u8(CORE)), ue_address(True), *flow])


def uplink(number, qers):
    return create_pdr(number, pdi=[ie(20, u8(ACCESS)), ie(21, u8(0x05)), ue_address(False)], far=2, qers=qers,
                      removal=0)


def rules_mbr(teid, kbps=MBR_KBPS):
    """One flow with a maximum rate; back goes everything."""
    return b"".join([downlink(1, 100, [1]), uplink(2, [2]), create_far(1, ACCESS, teid), create_far(2, CORE),
                     create_qer(1, qfi=9, mbr_kbps=kbps), create_qer(2, qfi=9)])


def rules_gbr(teid):
    """A GBR flow to one port; all else shares the session's AMBR."""
    return b"".join([downlink(1, 10, [1], FLOW_PORT), downlink(3, 100, [2, 3]), uplink(2, [4]),
                     create_far(1, ACCESS, teid), create_far(2, CORE),
                     create_qer(1, qfi=5, mbr_kbps=GBR_KBPS, gbr_kbps=GBR_KBPS), create_qer(2, qfi=9),
                     create_qer(3, mbr_kbps=MBR_KBPS), create_qer(4, qfi=9)])


def listens(namespace, port):
    with namespace.inside(), open("/proc/net/tcp6", encoding="ascii") as six, \
            open("/proc/net/tcp", encoding="ascii") as four:
        rows = [line.split() for line in [*six, *four]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


class Iperf:
    """iperf3 listening at the UE; its own report of what came."""

    def __init__(self, radio, port):
        with radio.ue.inside():
            self.process = subprocess.Popen(["iperf3", "-s", "-1", "-p", str(port), "-J", "-i", "1"],
                                            stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + PATIENCE
        while not listens(radio.ue, port):
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError("iperf3 does not listen")
            readable(radio.wake, 0.02)

    def report(self):
        out, _ = self.process.communicate(timeout=PATIENCE)
        return json.loads(out)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def plain_ends(stage):
    """No packets that are several in one: nobody could forward them."""
    with stage.server.inside():
        subprocess.run(["ethtool", "-K", "dn0", "tso", "off", "gso", "off"], check=True, capture_output=True)


def open_radio(stage, gnb, server, teid, delay=0.0):
    """With a first datagram each way, which may be lost for want of a next hop's address."""
    radio = Radio(gnb, teid, delay)
    with radio.ue.inside():
        listening = radio.ue.udp(UE, 5999)
    try:
        ask_until(lambda: server.sendto(b"warm", (UE, 5999)), listening)
    finally:
        listening.close()
    plain_ends(stage)
    return radio


def send(stage, words):
    """An iperf3 at the application server; its control connection passes the UPF as well."""
    with stage.server.inside():
        return subprocess.Popen(["iperf3", "-c", UE, "-J", *words], stdout=subprocess.PIPE, text=True)


def finish(client):
    out, _ = client.communicate(timeout=PATIENCE)
    told = json.loads(out)
    if "error" in told:
        raise AssertionError(f"iperf3: {told['error']}")
    return told


def udp_words(kbps, seconds, port=FLOW_PORT):
    return ["-p", str(port), "-u", "-b", f"{kbps}K", "-l", str(UDP_OCTETS), "-t", str(seconds)]


def udp_windows(report, seconds):
    """kbit/s of IP packets in each of the seconds but the first, in which the bucket's beginning is spent."""
    whole = (UDP_OCTETS + UDP_HEADERS) / UDP_OCTETS
    windows = [one["sum"]["bytes"] * whole * 8 / one["sum"]["seconds"] / 1000 for one in report["intervals"][1:seconds]]
    if len(windows) < seconds - 2:
        raise AssertionError(f"{len(windows)} windows of {seconds} s")
    return windows


def ip_rate(kbps):
    """What iperf3 has to be asked for, so that IP packets come at this rate."""
    return kbps * UDP_OCTETS // (UDP_OCTETS + UDP_HEADERS)


def udp(stage, radio, kbps, seconds, port=FLOW_PORT):
    listening = Iperf(radio, port)
    try:
        finish(send(stage, udp_words(kbps, seconds, port)))
        return udp_windows(listening.report(), seconds)
    finally:
        listening.end()


def tcp(stage, radio, seconds, port=FLOW_PORT):
    """kbit/s of user data that arrived, over the whole time."""
    listening = Iperf(radio, port)
    try:
        told = finish(send(stage, ["-p", str(port), "-t", str(seconds)]))
        listening.report()
        return told["end"]["sum_received"]["bits_per_second"] / 1000, told["end"]["sum_sent"].get("retransmits", 0)
    finally:
        listening.end()


def gbr_against_flood(stage, radio, seconds):
    """(what the GBR flow got, what the flood got), in kbit/s of each second."""
    flooded = Iperf(radio, FLOOD_PORT)
    try:
        flood = send(stage, udp_words(4 * MBR_KBPS, seconds + 3, FLOOD_PORT))
        kept = udp(stage, radio, ip_rate(GBR_SENT_KBPS), seconds)
        finish(flood)
        return kept, udp_windows(flooded.report(), seconds + 3)
    finally:
        flooded.end()
