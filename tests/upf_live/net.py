"""Network namespaces for one test process: an application server, the UPF and a gNB, joined by veth
pairs. A namespace lives as long as the process that holds it, which ends with the test. Sockets are
made inside one and used from outside."""

import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
PATIENCE = 15.0
SKIPPED = 77

N6_UPF, N6_SERVER = "10.100.6.1", "10.100.6.2"
N3_UPF, N3_GNB = "10.100.3.1", "10.100.3.2"
N4_UPF, N4_SMF = "127.0.0.62", "127.0.0.61"
UE = "10.45.0.2"
N6_UPF_V6, N6_SERVER_V6 = "fd00:6::1", "fd00:6::2"
N3_UPF_V6, N3_GNB_V6 = "fd00:3::1", "fd00:3::2"
UE_V6 = "fd00:45:0:1::2"  # of its own network of 64 bits

libc = ctypes.CDLL(None, use_errno=True)


def set_namespace(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def need_namespaces():
    """Starts this script again as root of a user namespace where it is not root, and ends it with
    77 where no namespace may be made."""
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0:
        return
    if subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode != 0:
        print("skipped: no network namespaces may be made here")
        sys.exit(SKIPPED)
    os.execvp("unshare", ["unshare", "-Urn", sys.executable, *sys.argv])


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def octets_of(address):
    return socket.inet_pton(family_of(address), address)


class Namespace:
    def __init__(self, ipv6=False):
        self.holder = subprocess.Popen(["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdin.write(b"there\n")
        self.holder.stdin.flush()
        if self.holder.stdout.readline() != b"there\n":
            raise AssertionError("no namespace was made")
        self.descriptor = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        with self.inside():
            # No neighbour discovery where a test has no IPv6, and no second of looking for duplicates where it has.
            for name, value in (("disable_ipv6", "0" if ipv6 else "1"), ("accept_dad", "0")):
                with open(f"/proc/sys/net/ipv6/conf/default/{name}", "w", encoding="ascii") as setting:
                    setting.write(value)
        self.ip("link set lo up")

    @contextlib.contextmanager
    def inside(self):
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        set_namespace(self.descriptor)
        try:
            yield self
        finally:
            set_namespace(before)
            os.close(before)

    def ip(self, words):
        with self.inside():
            done = subprocess.run(["ip", *words.split()], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"ip {words}: {done.stderr}")
        return done.stdout

    def mac(self, interface):
        return bytes.fromhex(json.loads(self.ip(f"-j link show {interface}"))[0]["address"].replace(":", ""))

    def udp(self, address, port=0):
        with self.inside():
            one = socket.socket(family_of(address), socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        one.bind((address, port))
        one.settimeout(PATIENCE)
        return one

    def frames(self, interface):
        with self.inside():
            one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
            one.bind((interface, 0))
        one.settimeout(PATIENCE)
        return one

    def end(self):
        os.close(self.descriptor)
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()


class Stage:
    """server -- n6 -- upf -- n3 -- gnb; with IPv6 as well where a test asks for it"""

    def __init__(self, ipv6=False):
        self.server, self.upf, self.gnb = Namespace(ipv6), Namespace(ipv6), Namespace(ipv6)
        for upf_end, there, name, ours, theirs in (
                ("n6", self.server, "dn0", (N6_UPF, N6_UPF_V6), (N6_SERVER, N6_SERVER_V6)),
                ("n3", self.gnb, "gnb0", (N3_UPF, N3_UPF_V6), (N3_GNB, N3_GNB_V6))):
            self.upf.ip(f"link add {upf_end} type veth peer name {name} netns {there.holder.pid}")
            for namespace, interface, (four, six) in ((self.upf, upf_end, ours), (there, name, theirs)):
                namespace.ip(f"address add {four}/24 dev {interface}")
                if ipv6:
                    namespace.ip(f"address add {six}/64 dev {interface} nodad")
                namespace.ip(f"link set {interface} up")
        self.server.ip(f"route add 10.45.0.0/16 via {N6_UPF}")
        if ipv6:
            self.server.ip(f"-6 route add fd00:45::/32 via {N6_UPF_V6}")

    def end(self):
        for namespace in (self.server, self.gnb, self.upf):
            namespace.end()


def readable(one, seconds):
    return bool(select.select([one], [], [], seconds)[0])


def ask_until(send, receive, patience=PATIENCE, every=0.2):
    """Sends until something comes back: the first packet to a next hop may be lost for want of its
    address."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        send()
        if readable(receive, every):
            return receive.recv(65535)
    raise AssertionError(f"nothing came back within {patience} s")


# ---- packets -------------------------------------------------------------------------------------

def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def udp_header(source, destination, sport, dport, payload):
    addresses = octets_of(source) + octets_of(destination)
    length = 8 + len(payload)
    head = struct.pack(">HHHH", sport, dport, length, 0)
    check = ~ones_sum(addresses + struct.pack(">HH", 17, length) + head + payload) & 0xFFFF or 0xFFFF
    return head[:6] + struct.pack(">H", check)


def ip_packet(source, destination, sport, dport, payload, surplus=None, ttl=64):
    """An IP packet with a UDP datagram, and behind it what `surplus` makes of its header."""
    head = udp_header(source, destination, sport, dport, payload)
    behind = surplus(head, len(payload) % 2 == 1) if surplus else b""
    if ":" in source:
        ip = struct.pack(">IHBB", 6 << 28, len(head) + len(payload) + len(behind), 17, ttl)
        return ip + octets_of(source) + octets_of(destination) + head + payload + behind
    total = 20 + len(head) + len(payload) + len(behind)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0x4000, ttl, 17, 0, socket.inet_aton(source),
                     socket.inet_aton(destination))
    ip = ip[:10] + struct.pack(">H", ~ones_sum(ip) & 0xFFFF) + ip[12:]
    return ip + head + payload + behind


def g_pdu(teid, packet, qfi=None):
    """Uplink: a PDU Session Container (TS 38.415 clause 5.5.2.2) where there is a QFI."""
    if qfi is None:
        return struct.pack(">BBHI", 0x30, 255, len(packet), teid) + packet
    extension = struct.pack(">BBBB", 1, 0x10, qfi, 0)
    return struct.pack(">BBHIHBB", 0x34, 255, len(packet) + 8, teid, 0, 0, 0x85) + extension + packet
