"""A gNB with one UE whose kernel is a real one: what comes by the tunnel enters a TUN device in a namespace of its own,
and what leaves by that goes up the tunnel. Each direction may take its time, as a radio does."""

import collections
import fcntl
import os
import select
import struct
import threading
import time

from net import N3_UPF, UE, Namespace, g_pdu

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
UE_MTU = 1400  # what N3 with an MTU of 1500 has room for behind the tunnel's headers
WAITING_MAX = 20_000  # packets of each direction
QFI = 9


def user_packet(message):
    """The user's packet of a G-PDU; None where it is none."""
    if len(message) < 8 or message[1] != 255:
        return None
    if not message[0] & 0x07:
        return message[8:]
    at, kind = 12, message[11]
    while kind and at < len(message):
        size = 4 * message[at]
        if size == 0 or at + size > len(message):
            return None
        kind = message[at + size - 1]
        at += size
    return message[at:]


class Radio:
    def __init__(self, gnb_socket, teid, delay=0.0):
        self.gnb, self.teid, self.delay = gnb_socket, teid, delay
        self.ue = Namespace()
        with self.ue.inside():
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"ue0", IFF_TUN | IFF_NO_PI))
        self.ue.ip(f"address add {UE}/32 dev ue0")
        self.ue.ip(f"link set ue0 mtu {UE_MTU} txqueuelen 10000 up")
        self.ue.ip("route add default dev ue0")
        self.down, self.up = collections.deque(), collections.deque()  # (due, packet)
        self.lost = 0
        self.wake, self.waker = os.pipe()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def end(self):
        os.close(self.waker)
        self.thread.join()
        os.close(self.wake)
        os.close(self.tun)
        self.ue.end()

    def run(self):
        self.gnb.setblocking(False)
        poll = select.poll()
        for descriptor in (self.gnb, self.tun, self.wake):
            poll.register(descriptor, select.POLLIN | select.POLLHUP)
        while True:
            now = time.monotonic()
            due = min((queue[0][0] for queue in (self.down, self.up) if queue), default=now + 1)
            ready = dict(poll.poll(max(0, (due - now) * 1000)))
            if self.wake in ready:
                return
            now = time.monotonic()
            if self.gnb.fileno() in ready:
                self.take(self.down, lambda: user_packet(self.gnb.recv(2048)), now)
            if self.tun in ready:
                self.take(self.up, lambda: os.read(self.tun, 2048), now)
            self.leave(self.down, lambda packet: os.write(self.tun, packet), now)
            self.leave(self.up, lambda packet: self.gnb.sendto(g_pdu(self.teid, packet, QFI), (N3_UPF, 2152)), now)

    def take(self, queue, receive, now):
        try:
            for _ in range(64):
                packet = receive()
                if packet and len(queue) < WAITING_MAX:
                    queue.append((now + self.delay, packet))
        except BlockingIOError:
            pass

    def leave(self, queue, send, now):
        while queue and queue[0][0] <= now:
            try:
                send(queue[0][1])
            except BlockingIOError:
                return
            except OSError:
                self.lost += 1
            queue.popleft()
