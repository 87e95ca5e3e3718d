"""Application server, router and UE in network namespaces of their own: an unmodified Linux on each. Packets leave the
server by every way that there is for a surplus area, and what becomes of them is looked at from all sides."""

import contextlib
import dataclasses
import json
import os
import select
import socket
import subprocess

from marked import PORT
from net import PATIENCE, Namespace

SERVER = {4: "10.81.1.2", 6: "fd81:1::2"}
ROUTER = {4: "10.81.1.1", 6: "fd81:1::1"}
ROUTER_BEHIND = {4: "10.81.2.1", 6: "fd81:2::1"}
UE = {4: "10.81.2.2", 6: "fd81:2::2"}
PREFIX = {4: 24, 6: 64}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
FENCE_PORT = 5999
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT = 10, 23, 0
ETH_P_ALL, IPPROTO_RAW, IPPROTO_FRAGMENT = 3, 255, 44
HDRINCL, RAW, AF_PACKET = "raw_with_ip_header", "raw_udp", "af_packet"


@dataclasses.dataclass
class Seen:
    """What came to the UE."""
    datagrams: list  # (user data, source address) of an ordinary UDP socket
    frames: list     # IP packets on its wire
    raw: list        # by a raw socket of protocol 17: with IPv4 the IP header too
    errors: tuple    # how much UDP's InErrors and InCsumErrors have grown


class Lab:
    def __init__(self):
        # What one core sends stays in its order: the kernel's queues of received frames are per core.
        self.cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(self.cores)})
        self.closing = contextlib.ExitStack()
        self.server, self.router, self.ue = (self.namespace() for _ in range(3))
        for near, name, there, far, addresses, others in (
                ("in", "eas0", self.server, SERVER, ROUTER, UE), ("out", "ue0", self.ue, UE, ROUTER_BEHIND, SERVER)):
            self.router.ip(f"link add {near} type veth peer name {name} netns {there.holder.pid}")
            for family in (4, 6):
                nodad = " nodad" if family == 6 else ""
                self.router.ip(f"address add {addresses[family]}/{PREFIX[family]} dev {near}{nodad}")
                there.ip(f"address add {far[family]}/{PREFIX[family]} dev {name}{nodad}")
            self.router.ip(f"link set {near} up")
            there.ip(f"link set {name} up")
            for family in (4, 6):
                there.ip(f"-{family} route add default via {addresses[family]}")
        with self.router.inside():
            for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as setting:
                    setting.write("1")
        self.link = self.router.mac("in") + self.server.mac("eas0")
        self.receivers = {family: self.udp(self.ue, family, PORT) for family in (4, 6)}
        self.fences = {family: self.udp(self.ue, family, FENCE_PORT) for family in (4, 6)}
        self.fencers = {family: self.udp(self.server, family, 0) for family in (4, 6)}
        self.wire = self.keep(self.ue.frames("ue0"))
        self.frames_out = self.keep(self.server.frames("eas0"))
        self.raw_readers = {family: self.socket(self.ue, family, socket.SOCK_RAW, 17) for family in (4, 6)}
        self.warm_up()

    def keep(self, one):
        self.closing.callback(one.close)
        return one

    def namespace(self):
        made = Namespace(ipv6=True)
        self.closing.callback(made.end)
        return made

    def socket(self, namespace, family, kind, protocol=0):
        with namespace.inside():
            one = self.keep(socket.socket(FAMILY[family], kind, protocol))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        one.settimeout(PATIENCE)
        if family == 6 and kind == socket.SOCK_DGRAM:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        return one

    def udp(self, namespace, family, port):
        one = self.socket(namespace, family, socket.SOCK_DGRAM)
        one.bind(("0.0.0.0" if family == 4 else "::", port))
        return one

    def end(self):
        self.closing.close()
        os.sched_setaffinity(0, self.cores)

    def warm_up(self):
        """Until every hop knows the next one's MAC address."""
        for family in (4, 6):
            for _ in range(50):
                self.fencers[family].sendto(b"warm", (UE[family], FENCE_PORT))
                if select.select([self.fences[family]], [], [], 0.2)[0]:
                    break
            else:
                raise AssertionError(f"the UE is not reached by IPv{family}")
        for family in (4, 6):
            self.drain(self.fences[family])

    # -- the router's tables --

    def nft(self, script):
        with self.router.inside():
            done = subprocess.run(["nft", "-f", "-"], input=script, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)

    def counters(self):
        with self.router.inside():
            listed = subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True, check=True)
        told = [one["counter"] for one in json.loads(listed.stdout)["nftables"] if "counter" in one]
        return {one["name"]: one["packets"] for one in told}

    def setting(self, path, value):
        """Of the router; False where this kernel does not let it be set."""
        try:
            with self.router.inside(), open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            return False
        return True

    # -- sending --

    def send(self, way, family, destination, sent):
        """Hands IP packets to the kernel of the server by one of three ways."""
        if way == AF_PACKET:
            kind = b"\x08\x00" if family == 4 else b"\x86\xdd"
            for one in sent:
                self.frames_out.send(self.link + kind + one.packet)
            return
        out = self.socket(self.server, family, socket.SOCK_RAW, IPPROTO_RAW if way == HDRINCL else 17)
        if family == 4:
            out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DONT)
        else:
            out.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT)
        for one in sent:
            out.sendto(one.packet if way == HDRINCL else one.udp, (destination, 0))

    # -- looking --

    @staticmethod
    def drain(one):
        taken = []
        while select.select([one], [], [], 0)[0]:
            taken.append(one.recvfrom(65535))
        return taken

    def udp_errors(self, family):
        with self.ue.inside():
            if family == 6:
                with open("/proc/net/snmp6", encoding="ascii") as file:
                    told = dict(line.split() for line in file)
                return int(told["Udp6InErrors"]), int(told["Udp6InCsumErrors"])
            with open("/proc/net/snmp", encoding="ascii") as file:
                names, values = [line.split()[1:] for line in file if line.startswith("Udp:")]
        told = dict(zip(names, values))
        return int(told["InErrors"]), int(told["InCsumErrors"])

    @contextlib.contextmanager
    def looking(self, family):
        """What reaches the UE while this holds, and until a last datagram has overtaken nothing."""
        for one in (self.receivers[family], self.wire, self.raw_readers[family]):
            self.drain(one)
        before = self.udp_errors(family)
        seen = Seen([], [], [], ())
        yield seen
        self.fencers[family].sendto(b"fence", (UE[family], FENCE_PORT))
        self.fences[family].recv(100)
        seen.datagrams = [(data, source[0]) for data, source in self.drain(self.receivers[family])]
        seen.frames = [data[14:] for data, where in self.drain(self.wire)
                       if where[2] != socket.PACKET_OUTGOING and to_the_port(data)]
        head = 20 if family == 4 else 0
        seen.raw = [data for data, _ in self.drain(self.raw_readers[family])
                    if int.from_bytes(data[head + 2:head + 4], "big") == PORT]
        after = self.udp_errors(family)
        seen.errors = tuple(now - then for now, then in zip(after, before))


def to_the_port(frame):
    """A frame of UDP to the port of the tests, or a fragment of some."""
    if frame[12:14] == b"\x08\x00" and frame[23] == 17:
        later = int.from_bytes(frame[20:22], "big") & 0x1FFF
        return later != 0 or int.from_bytes(frame[36:38], "big") == PORT
    if frame[12:14] != b"\x86\xdd":
        return False
    if frame[20] == IPPROTO_FRAGMENT:
        return True
    return frame[20] == 17 and int.from_bytes(frame[56:58], "big") == PORT
