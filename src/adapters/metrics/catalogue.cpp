#include "adapters/metrics/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace lobo::adapters::metrics {
namespace {

constexpr std::array entries{
    Entry{"lobo_audit_findings_total", Kind::counter, "what",
          "Differences between the core's list and ours: missing there, extra for a resource, "
          "orphan of no resource (released)."},
    Entry{"lobo_audits_total", Kind::counter, "result",
          "Audits by how they ended: compared, in_part (the list was too large), by_name (a PCF: "
          "each session asked for by its name), unsupported, failed."},
    Entry{"lobo_commits_failed_total", Kind::counter, "",
          "Decisions that were taken back because the store refused their unit."},
    Entry{"lobo_eas_key_channel_ends_total", Kind::counter, "reason said_by",
          "lobo eas: key channels that ended or did not come to be, by the reason and by who said "
          "so; docs/keys.md explains them."},
    Entry{"lobo_eas_key_channel_up", Kind::gauge, "",
          "lobo eas: 1 while keys can be agreed on with the UPF."},
    Entry{"lobo_eas_key_connections_total", Kind::counter, "", "lobo eas: connections of the UPF."},
    Entry{"lobo_eas_keys_total", Kind::counter, "what",
          "lobo eas: keys agreed on: used, and expired with no other there."},
    Entry{"lobo_events_refused_total", Kind::counter, "",
          "Events that a resource's state machine refused."},
    Entry{"lobo_gnb_air_total", Kind::counter, "what",
          "Datagrams of the air and what became of UEs there, by name; docs/gnb.md has the "
          "protocol."},
    Entry{"lobo_gnb_attached_ues", Kind::gauge, "", "UEs that are attached now."},
    Entry{"lobo_gnb_cell_rate_bits_per_second", Kind::gauge, "", "The cell's downlink rate now."},
    Entry{"lobo_gnb_delivered_octets_total", Kind::counter, "ue qfi",
          "Octets of downlink packets that left the radio for the UE."},
    Entry{"lobo_gnb_delivered_packets_total", Kind::counter, "ue qfi",
          "Downlink packets that left the radio for the UE."},
    Entry{"lobo_gnb_dropped_packets_total", Kind::counter, "ue qfi reason",
          "Downlink packets that did not, by the reason."},
    Entry{"lobo_gnb_gtpu_total", Kind::counter, "what",
          "Messages on N3, and what became of those that are for no UE."},
    Entry{"lobo_gnb_guarantee_held", Kind::gauge, "ue qfi",
          "1 while the QoS flow gets what it was promised."},
    Entry{"lobo_gnb_notices_total", Kind::counter, "ue qfi",
          "Times that a guarantee was found broken, or held again."},
    Entry{"lobo_gnb_oddities_total", Kind::counter, "what",
          "What the UPF conveyed that does not fit together; docs/gnb.md explains the names."},
    Entry{"lobo_gnb_queued_octets", Kind::gauge, "", "Octets that wait in the queues of the cell."},
    Entry{"lobo_gnb_received_octets_total", Kind::counter, "ue qfi",
          "Octets of downlink packets that came on N3."},
    Entry{"lobo_gnb_received_packets_total", Kind::counter, "ue qfi",
          "Downlink packets that came on N3."},
    Entry{"lobo_gnb_registered", Kind::gauge, "", "1 while the network knows the gNB."},
    Entry{"lobo_gnb_sets_late_total", Kind::counter, "ue qfi",
          "PDU Sets that were delivered whole after their delay budget."},
    Entry{"lobo_gnb_sets_total", Kind::counter, "ue qfi verdict",
          "PDU Sets by what became of them: delivered, damaged, lost."},
    Entry{"lobo_gnb_stamps_answered_total", Kind::counter, "",
          "Time stamps of QoS monitoring that were answered."},
    Entry{"lobo_gnb_uplink_octets_total", Kind::counter, "ue qfi", "Octets of packets of UEs."},
    Entry{"lobo_gnb_uplink_packets_total", Kind::counter, "ue qfi", "Packets of UEs."},
    Entry{"lobo_group_questions_total", Kind::counter, "result",
          "Questions to the group management server: told, or failed."},
    Entry{"lobo_groups_followed", Kind::gauge, "",
          "VAL groups of the group management server that are kept, because somebody uses them."},
    Entry{"lobo_groups_stale", Kind::gauge, "",
          "Of these, groups about which it did not answer when it was last asked."},
    Entry{"lobo_http_request_seconds", Kind::histogram, "operation",
          "Time from a request's arrival at the router to its answer."},
    Entry{"lobo_http_requests_total", Kind::counter, "operation class",
          "Requests answered, by operation and class of status (2xx, 4xx, …)."},
    Entry{"lobo_media_consumed_seconds_total", Kind::counter, "location",
          "Seconds of playing that consumption reports told of, each of a client once."},
    Entry{"lobo_media_notifications_lost_total", Kind::counter, "",
          "Energy notifications for a recipient that has 64 waiting already for a store that takes "
          "nothing."},
    Entry{"lobo_media_steps_total", Kind::counter, "",
          "Steps of TR 26.942 clause 7.13.6 that were taken; the log has each with its number."},
    Entry{"lobo_monitor_callbacks_total", Kind::counter, "",
          "Callbacks of the network that brought samples."},
    Entry{"lobo_monitor_points_lost_total", Kind::counter, "",
          "Measured values that the time series for past periods did not take."},
    Entry{"lobo_monitor_reports_lost_total", Kind::counter, "",
          "Monitoring reports that were due while 64 waited already for a store that takes "
          "nothing."},
    Entry{"lobo_monitor_reports_total", Kind::counter, "",
          "Monitoring reports that were due, of all subscriptions."},
    Entry{"lobo_monitors", Kind::gauge, "", "Monitoring subscriptions that are followed now."},
    Entry{"lobo_network_breaker_opened_total", Kind::counter, "peer",
          "Times that calls to a network function were stopped because too many had failed."},
    Entry{"lobo_network_calls_failed_total", Kind::counter, "peer",
          "Calls to a network function that ended without an answer or with 5xx."},
    Entry{"lobo_network_calls_total", Kind::counter, "peer", "Calls to a network function."},
    Entry{"lobo_notifications_total", Kind::counter, "result",
          "Notifications by what became of an attempt: delivered, retried, parked, or dropped "
          "because too many are parked."},
    Entry{"lobo_relay_datagrams_total", Kind::counter, "", "lobo relay: datagrams of clients."},
    Entry{"lobo_relay_flows", Kind::gauge, "", "lobo relay: flows that are carried now."},
    Entry{"lobo_relay_lease_held", Kind::gauge, "",
          "lobo relay: 1 while SEALDD's server lets the node carry its rooms."},
    Entry{"lobo_relay_links", Kind::gauge, "", "lobo relay: connections of clients now."},
    Entry{"lobo_relay_links_opened_total", Kind::counter, "",
          "lobo relay: connections that clients opened."},
    Entry{"lobo_relay_packets_total", Kind::counter, "way", "lobo relay: UDP packets of QUIC."},
    Entry{"lobo_relay_refused_total", Kind::counter, "what",
          "lobo relay: what was not taken: datagrams that are no frames, frames of unknown flows, "
          "streams, tokens, connections; and of states masked components, assets of others, too "
          "large "
          "ones, too many components, deltas on nothing, sequences from the far future."},
    Entry{"lobo_relay_resets_total", Kind::counter, "",
          "lobo relay: stateless resets sent to who had a connection with it before."},
    Entry{"lobo_relay_retries_total", Kind::counter, "",
          "lobo relay: Retry packets, sent while many handshakes come."},
    Entry{"lobo_relay_rooms", Kind::gauge, "",
          "lobo relay: rooms, those without anybody that are only remembered as well."},
    Entry{"lobo_relay_server_total", Kind::counter, "what",
          "lobo relay: what passed between the node and SEALDD's server; docs/sealdd.md explains "
          "them."},
    Entry{"lobo_relay_windows_waiting", Kind::gauge, "",
          "lobo relay: measurement windows that wait to be told."},
    Entry{"lobo_sealdd_connections", Kind::gauge, "",
          "Connections of UEs at the SEALDD server, with those that drain."},
    Entry{"lobo_sealdd_nodes_alive", Kind::gauge, "", "Relay nodes whose lease has not run out."},
    Entry{"lobo_sealdd_tells_lost_total", Kind::counter, "",
          "News for resources of the SEALDD server that found too much waiting already."},
    Entry{"lobo_store_commit_seconds", Kind::histogram, "",
          "Time of one transaction of the store, which carries a batch of units, fsync included."},
    Entry{"lobo_store_failures_total", Kind::counter, "", "Units that the store refused or lost."},
    Entry{"lobo_store_units_total", Kind::counter, "", "Units that the store was given to write."},
    Entry{"lobo_upf_associations", Kind::gauge, "",
          "Control planes that have an association with the UPF."},
    Entry{"lobo_upf_buffered_packets", Kind::gauge, "direction",
          "Packets that wait now for their session's rules to change (FAR: buffer)."},
    Entry{"lobo_upf_containers_unread_total", Kind::counter, "",
          "PDU Session Containers of gNBs that tell more than is read."},
    Entry{"lobo_upf_delays_measured_total", Kind::counter, "",
          "Answers of gNBs from which a delay was measured."},
    Entry{"lobo_upf_dropped_octets_total", Kind::counter, "direction reason",
          "Octets of frames that went no further, by the reason."},
    Entry{"lobo_upf_dropped_packets_total", Kind::counter, "direction reason",
          "Packets that went no further, by the reason; docs/upf.md explains them."},
    Entry{"lobo_upf_events_lost_total", Kind::counter, "",
          "Events that the packet path could not tell the control loop, because it reads too "
          "slowly."},
    Entry{"lobo_upf_gtpu_answers_total", Kind::counter, "result",
          "Echo responses and error indications: sent, or held back beyond their rate."},
    Entry{"lobo_upf_gtpu_errors_unmatched_total", Kind::counter, "",
          "Error indications about a tunnel that no session sends into."},
    Entry{"lobo_upf_gtpu_faulty_total", Kind::counter, "reason",
          "Messages on N3 that cannot be read as GTP-U."},
    Entry{"lobo_upf_gtpu_signals_total", Kind::counter, "signal",
          "GTP-U's own messages and empty packets that came on N3."},
    Entry{"lobo_upf_key_channel_dials_total", Kind::counter, "eas",
          "Connections to an application server that keys were to come from."},
    Entry{"lobo_upf_key_channel_ends_total", Kind::counter, "eas reason said_by",
          "Key channels that ended or did not come to be, by the reason and by who said so; "
          "docs/keys.md explains them."},
    Entry{"lobo_upf_key_channel_up", Kind::gauge, "eas",
          "1 while keys can be agreed on with that application server."},
    Entry{"lobo_upf_key_contexts", Kind::gauge, "",
          "Contexts with which protected markings are opened."},
    Entry{"lobo_upf_keys_total", Kind::counter, "eas what",
          "Keys agreed on over key channels: accepted, and expired."},
    Entry{"lobo_upf_mark_warnings_total", Kind::counter, "kind",
          "Markings that were believed although something in them is odd."},
    Entry{"lobo_upf_marked_packets_total", Kind::counter, "",
          "Packets whose marking was found and believed."},
    Entry{"lobo_upf_n4_total", Kind::counter, "what",
          "PFCP: messages in and out, requests refused and repeated, our requests sent again, "
          "datagrams that were not taken or not sent, reports lost, notes lost, events of what "
          "is gone."},
    Entry{"lobo_upf_neighbours", Kind::gauge, "side", "Next hops whose MAC address is known."},
    Entry{"lobo_upf_options_kept_total", Kind::counter, "",
          "UDP options that were to be taken out and could not be."},
    Entry{"lobo_upf_port_checksums_completed_total", Kind::counter, "side",
          "Packets whose checksum the kernel had left open."},
    Entry{"lobo_upf_port_dropped_packets_total", Kind::counter, "side reason",
          "Packets that a port did not hand over, in either direction, by the reason."},
    Entry{"lobo_upf_port_octets_total", Kind::counter, "side way",
          "Octets of frames in and out by port, what is not for the UPF included."},
    Entry{"lobo_upf_port_packets_total", Kind::counter, "side way",
          "Frames in and out by port, what is not for the UPF included."},
    Entry{"lobo_upf_port_up", Kind::gauge, "side", "1 while the interface can be used."},
    Entry{"lobo_upf_received_octets_total", Kind::counter, "direction",
          "Octets of frames that came from N6 (downlink) or N3 (uplink)."},
    Entry{"lobo_upf_received_packets_total", Kind::counter, "direction",
          "Frames that came from N6 (downlink) or N3 (uplink)."},
    Entry{"lobo_upf_rule_sets_kept", Kind::gauge, "",
          "Sets of rules in memory: the one that holds, and those that the worker may still "
          "use."},
    Entry{"lobo_upf_sent_octets_total", Kind::counter, "direction",
          "Octets of frames of users that were sent on."},
    Entry{"lobo_upf_sent_packets_total", Kind::counter, "direction",
          "Packets of users that were sent on."},
    Entry{"lobo_upf_sessions", Kind::gauge, "", "PFCP sessions."},
    Entry{"lobo_upf_sets_total", Kind::counter, "verdict",
          "PDU Sets by what a rate decided about them: admitted, borrowed (admitted with a "
          "rate that others left), refused."},
    Entry{"lobo_upf_tunnels", Kind::gauge, "", "F-TEIDs that the UPF chose."},
    Entry{"lobo_upf_unmarked_packets_total", Kind::counter, "carriage reason",
          "Packets of flows whose rule says where their marking is, without one that is "
          "believed."},
    Entry{"lobo_upf_unread_packets_total", Kind::counter, "direction reason",
          "Of packets that are no whole IP packets: how far they could be read."},
    Entry{"lobo_upf_waiting_packets", Kind::gauge, "direction",
          "Packets that wait now for the MAC address of their next hop."},
    Entry{"lobo_upf_worker_handed_over_total", Kind::counter, "worker",
          "Packets that a worker got and the worker of their session handled."},
    Entry{"lobo_upf_worker_packets_total", Kind::counter, "direction worker",
          "Frames that each worker handled, by its number."},
};
static_assert(std::ranges::is_sorted(entries, {}, &Entry::name));

constexpr std::array<double, 17> bounds{50e-6,  100e-6, 250e-6, 500e-6, 1e-3,   2.5e-3,
                                        5e-3,   10e-3,  25e-3,  50e-3,  100e-3, 250e-3,
                                        500e-3, 1.0,    2.5,    5.0,    10.0};

}  // namespace

std::span<const Entry> catalogue() { return entries; }
std::span<const double> bucket_seconds() { return bounds; }

const Entry* find_entry(std::string_view name) {
  const auto found = std::ranges::lower_bound(entries, name, {}, &Entry::name);
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

std::string markdown_table() {
  std::string table = "| Metric | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& entry : entries)
    fmt::format_to(std::back_inserter(table), "| `{}` | {} | {} | {} |\n", entry.name,
                   to_string(entry.kind), entry.labels.empty() ? "none" : entry.labels, entry.help);
  return table;
}

}  // namespace lobo::adapters::metrics
