"""What every I/O of `lobo upf` does for a session: packets of all sizes, both ways, as they were."""

from control_plane import create_qer, session_rules
from net import N6_SERVER, UE, ask_until, ip_packet, readable
from upf_case import UpfCase

QFI = 9


class BothWays(UpfCase):
    def check_both_ways(self):
        """The TEID of the session's uplink."""
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        for size in (1, 2, 333, 1000, 1400):
            packet = self.downlink(bytes(i * 7 & 255 for i in range(size)))
            message = self.through(packet)
            self.assertEqual(message["payload"], packet)
            self.assertEqual(message["session"]["qfi"], QFI)
            self.assertNotIn("set", message)

        ask_until(lambda: self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"first")), self.server)
        for size in (1, 500, 1400):
            payload = bytes(i * 3 & 255 for i in range(size))
            while readable(self.server, 0.1):
                self.server.recv(65535)
            self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, payload))
            got, sender = self.server.recvfrom(65535)
            self.assertEqual((got, sender), (payload, (UE, 5004)))
        return teid


__all__ = ["BothWays", "QFI"]
