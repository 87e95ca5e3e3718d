"""What tshark finds in PFCP messages, in the form of pfcp_decoder.py: of each information element the
fields that tshark 4.0 (TS 29.244 of Rel-17) shows."""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wireshark"))

import captures  # noqa: E402  (the path above comes first)

NTP_1970 = 2_208_988_800


def integer(text):
    return str(int(text, 0))


def ntp(text):
    """"Nov 22, 2026 10:00:00.000000000 UTC" as the 32 bits that it came from."""
    moment = datetime.datetime.strptime(text.split(".")[0].replace("  ", " "), "%b %d, %Y %H:%M:%S")
    seconds = int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())
    return str((seconds + NTP_1970) % 2**32)


def colons(text):
    return text.replace(":", "")


def plain(text):
    return text


def value(field, convert=integer):
    return {"value": (field, convert)}


# type -> our name of a field -> (tshark's name, how its text becomes ours)
FIELDS = {
    19: value("cause"), 20: value("source_interface"), 28: value("qer_correlation_id"), 29: value("precedence"),
    21: {"teid": ("f_teid.teid", integer), "v4": ("f_teid.ipv4_addr", plain), "v6": ("f_teid.ipv6_addr", plain),
         "choose_id": ("f_teid.choose_id", lambda text: str(int(colons(text), 16)))},
    23: {"flow": ("flow_desc", plain), "class": ("traffic_class", integer), "mask": ("traffic_mask", integer),
         "spi": ("spi", integer), "flow_label": ("flow_label", integer), "id": ("sdf_filter_id", integer)},
    25: {"uplink": ("gate_status.ulgate", integer), "downlink": ("gate_status.dlgate", integer)},
    26: {"uplink": ("ul_mbr", integer), "downlink": ("dl_mbr", integer)},
    27: {"uplink": ("ul_gbr", integer), "downlink": ("dl_gbr", integer)},
    30: {"class": ("traffic_class", integer), "mask": ("traffic_mask", integer)},
    31: {name: (f"volume_threshold.{short}", integer) for name, short in
         (("total", "tovol"), ("uplink", "ulvol"), ("downlink", "dlvol"))},
    32: value("time_threshold"), 36: value("inactivity_detection_time"), 40: value("offending_ie"),
    42: value("dst_interface"), 46: value("dl_data_notification_delay"), 56: value("pdr_id"),
    57: {"seid": ("seid", integer), "v4": ("f_seid.ipv4", plain), "v6": ("f_seid.ipv6", plain)},
    60: {"v4": ("node_id_ipv4", plain), "v6": ("node_id_ipv6", plain), "fqdn": ("node_id_fqdn", plain)},
    64: value("measurement_period"),
    66: {name: (f"volume_measurement.{short}", integer) for name, short in
         (("total", "tovol"), ("uplink", "ulvol"), ("downlink", "dlvol"), ("total_packets", "tonop"),
          ("uplink_packets", "ulnop"), ("downlink_packets", "dlnop"))},
    67: value("duration_measurement"), 69: value("time_of_first_packet", ntp), 70: value("time_of_last_packet", ntp),
    73: {name: (f"volume_quota.{short}", integer) for name, short in
         (("total", "tovol"), ("uplink", "ulvol"), ("downlink", "dlvol"))},
    74: value("time_quota"), 75: value("start_time", ntp), 76: value("end_time", ntp),
    84: {"teid": ("outer_hdr_creation.teid", integer), "v4": ("outer_hdr_creation.ipv4", plain),
         "v6": ("outer_hdr_creation.ipv6", plain), "port": ("outer_hdr_creation.port", integer)},
    88: value("bar_id"),
    93: {"v4": ("ue_ip_addr_ipv4", plain), "v6": ("ue_ip_addr_ipv6", plain),
         "choose_v4": ("ue_ip_address_flag.chv4", integer), "choose_v6": ("ue_ip_address_flag.chv6", integer),
         "destination": ("ue_ip_address_flag.sd", integer), "delegated_bits": ("ue_ip_addr_ipv6_prefix", integer),
         "prefix_length": ("ue_ip_addr_ipv6_prefix_length", integer)},
    95: {"description": ("out_hdr_desc", integer)}, 96: value("recovery_time_stamp", ntp), 104: value("ur_seqn"),
    106: {"octets": ("predef_rules_name", colons)},
    112: {"unit": ("timer_unit", integer), "count": ("timer_value", integer)}, 113: value("pdn_type"),
    114: {"kind": ("failed_rule_id_type", integer)}, 117: value("user_plane_inactivity_time"), 124: value("qfi_value"),
    125: value("query_urr_reference"), 140: value("suggested_buffering_packets_count.packet_count"),
    156: value("time_stamp", ntp), 157: value("averaging_window"), 158: value("ppi"), 170: value("mar_id"),
    182: value("number_of_reports"), 215: value("srr_id_value"),
    245: {"downlink": ("packet_delay_thresholds.downlink", integer), "uplink": ("packet_delay_thresholds.uplink", integer),
          "round_trip": ("packet_delay_thresholds.roundtrip", integer)},
    246: value("minimum_wait_time.seconds"),
    248: {"downlink": ("qos_monitoring_measurement.downlink", integer),
          "uplink": ("qos_monitoring_measurement.uplink", integer),
          "round_trip": ("qos_monitoring_measurement.roundtrip", integer),
          "failed": ("qos_monitoring_measurement.flags.plmf", integer)},
}
# Rule identifiers: tshark splits off the highest bit.
RULES = {81: "urr_id", 82: "urr_id", 108: "far_id", 109: "qer_id"}
# type -> (octet from 0, bit from 0) of a flag -> tshark's name
FLAGS = {
    37: {(0, bit): f"reporting_triggers_flags.{name}" for bit, name in enumerate(
            ("perio", "volth", "timth", "quhti", "start", "stopt", "droth", "liusa"))} |
        {(1, bit): f"reporting_triggers_flags.{name}" for bit, name in enumerate(
            ("volqu", "timqu", "envcl", "macar", "eveth", "evequ", "ipmjl", "quvti"))} |
        {(2, 0): "reporting_triggers_flags.reemr", (2, 1): "reporting_triggers_flags.upint"},
    39: {(0, bit): f"report_type.{name}" for bit, name in enumerate(
            ("dldr", "usar", "erir", "upir", "tmir", "sesr", "uisr"))},
    43: {(0, 0): "up_function_features.bucp", (0, 4): "up_function_features.ftup", (1, 0): "up_function_features.empu",
         (1, 1): "up_function_features.pdiu", (2, 2): "up_function_features.ueip",
         (2, 4): "up_function_features.mnop", (2, 6): "up_function_features.bundl",
         (3, 5): "up_function_features.ip6pl", (4, 1): "up_function_features.qfqm",
         (4, 2): "up_function_features.gpqm"},
    44: {(0, bit): f"apply_action.{name}" for bit, name in enumerate(
            ("drop", "forw", "buff", "nocp", "dupl", "ipma", "ipmd", "dfrt"))} |
        {(1, bit): f"apply_action.{name}" for bit, name in enumerate(("edrt", "bdpn", "ddpn", "fssm", "mbsu"))},
    49: {(0, 0): "smreq_flags.drobu", (0, 1): "smreq_flags.sndem", (0, 2): "smreq_flags.qaurr"},
    50: {(0, 0): "srrsp_flags.drobu"},
    62: {(0, 0): "measurement_method_flags.durat", (0, 1): "measurement_method_flags.volume",
         (0, 2): "measurement_method_flags.event"},
    63: {(0, bit): f"usage_report_trigger_flags.{name}" for bit, name in enumerate(
            ("perio", "volth", "timth", "quhti", "start", "stopt", "droth"))} |
        {(0, 7): "usage_report_trigger.immer", (1, 0): "usage_report_trigger_flags.volqu",
         (1, 1): "usage_report_trigger_flags.timqu", (1, 2): "usage_report_trigger_flags.liusa",
         (1, 3): "usage_report_trigger.term", (1, 4): "usage_report_trigger.monit",
         (1, 5): "usage_report_trigger_flags.envcl", (1, 6): "usage_report_trigger_flags.macar",
         (1, 7): "usage_report_trigger_flags.eveth", (2, 0): "usage_report_trigger_flags.evequ",
         (2, 1): "usage_report_trigger_flags.tebur", (2, 2): "usage_report_trigger_flags.ipmjl",
         (2, 3): "usage_report_trigger_flags.quvti", (2, 4): "usage_report_trigger_flags.emrre",
         (2, 5): "usage_report_trigger_flags.upint"},
    89: {(0, bit): f"cp_function_features.{name}" for bit, name in enumerate(
            ("load", "ovrl", "epfar", "sset", "bundl", "mpas", "ardr", "uiaur"))} |
        {(1, 0): "cp_function_features.psucc", (1, 1): "cp_function_features.rpgur"},
    100: {(0, bit): f"measurement_info.{name}" for bit, name in enumerate(("fd", "inam", "radi", "istm", "mnop"))},
    111: {(0, 0): "assoc_rel_req.sarr"},
    123: {(0, 0): "rqi_flag"},
    243: {(0, bit): f"requested_qos_monitoring.flags.{name}" for bit, name in enumerate(("dl", "ul", "rp", "gtpupm"))},
    244: {(0, bit): f"reporting_frequency.flags.{name}" for bit, name in enumerate(("evett", "perio", "sesrl"))},
    319: {(0, 0): "qer_indications_flags.iqfis"},
}


class Node:
    def __init__(self, pairs):
        self.fields, self.nodes = {}, []
        self._gather(pairs)

    def _gather(self, pairs):
        for name, inner in pairs:
            if isinstance(inner, str):
                self.fields.setdefault(name.removeprefix("pfcp."), inner)
            elif any(key == "pfcp.ie_type" for key, _ in inner):
                self.nodes.append(Node(inner))
            else:
                self._gather(inner)  # a mask with its bits

    @property
    def kind(self):
        return int(self.fields["ie_type"])


def read(datagrams):
    """A Node for each datagram; and what tshark complained about."""
    packets = [captures.ipv4(captures.udp(data, sport=8805, dport=8805)) for data in datagrams]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pfcp.pcap"
        path.write_bytes(captures.pcap(packets))
        done = subprocess.run(["tshark", "-r", str(path), "-T", "json", "-J", "pfcp _ws.malformed"], text=True,
                              capture_output=True, check=True, timeout=600)
    trees, complaints = [], []
    for number, frame in enumerate(json.loads(done.stdout, object_pairs_hook=list)):
        layers = dict(dict(frame)["_source"])["layers"]
        trees.append(Node(dict(layers)["pfcp"]))
        if any(name.startswith("_ws.malformed") for name, _ in layers) or "Malformed" in str(layers):
            complaints.append(number)
    return trees, complaints
