#include "gnb/metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/radio.hpp"
#include "gnb/air_side.hpp"
#include "gnb/n3_side.hpp"
#include "gnb/summary.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

// Label sets beyond the metric's limit share a handle, so what was last seen is kept by labels.
void GnbMetrics::move_to(runtime::Counter& counter, std::string_view name,
                         const runtime::Labels& labels, std::uint64_t now) {
  std::string key(name);
  for (const auto& [label, value] : labels) key += '\n' + value;
  std::uint64_t& last = last_[key];
  counter.add(static_cast<double>(now) - static_cast<double>(last));
  last = now;
}

void GnbMetrics::counter(std::string_view name, const runtime::Labels& labels, std::uint64_t now) {
  move_to(metrics_.counter(name, labels), name, labels, now);
}

void GnbMetrics::gauge(std::string_view name, const runtime::Labels& labels, std::uint64_t now) {
  move_to(metrics_.gauge(name, labels), name, labels, now);
}

void GnbMetrics::copy_flow(const std::string& ue, std::uint8_t qfi,
                           const dataplane::Radio::Flow& flow) {
  const runtime::Labels labels{{"ue", ue}, {"qfi", std::to_string(qfi)}};
  const auto with = [&labels](std::string name, std::string_view value) {
    runtime::Labels more = labels;
    more.emplace_back(std::move(name), std::string(value));
    return more;
  };
  const auto& tallies = flow.tallies;
  counter("lobo_gnb_received_packets_total", labels, tallies.received);
  counter("lobo_gnb_received_octets_total", labels, tallies.received_octets);
  counter("lobo_gnb_delivered_packets_total", labels, tallies.delivered);
  counter("lobo_gnb_delivered_octets_total", labels, tallies.delivered_octets);
  counter("lobo_gnb_uplink_packets_total", labels, tallies.uplink);
  counter("lobo_gnb_uplink_octets_total", labels, tallies.uplink_octets);
  counter("lobo_gnb_notices_total", labels, tallies.notices);
  for (std::size_t i = 0; i < dataplane::radio_drops_count; ++i)
    counter("lobo_gnb_dropped_packets_total",
            with("reason", to_string(static_cast<dataplane::RadioDrop>(i))), tallies.dropped[i]);
  const auto& sets = flow.ledger.tallies();
  counter("lobo_gnb_sets_total", with("verdict", "delivered"), sets.delivered);
  counter("lobo_gnb_sets_total", with("verdict", "damaged"), sets.damaged);
  counter("lobo_gnb_sets_total", with("verdict", "lost"), sets.lost);
  counter("lobo_gnb_sets_late_total", labels, sets.late);
  gauge("lobo_gnb_guarantee_held", labels, flow.watch.held() ? 1 : 0);
}

void GnbMetrics::copy(const GnbSight& sight) {
  const auto& radio = sight.loop.radio();
  dataplane::Oddities odd;
  for (const auto& ue : sight.ues)
    for (const auto& [qfi, flow] : radio.flows(ue.number)) {
      copy_flow(ue.name, qfi, flow);
      for (std::size_t i = 0; i < dataplane::oddities_count; ++i) {
        const auto oddity = static_cast<dataplane::Oddity>(i);
        odd.add(oddity, flow.ledger.oddities().of(oddity));
      }
    }
  for (std::size_t i = 0; i < dataplane::oddities_count; ++i) {
    const auto oddity = static_cast<dataplane::Oddity>(i);
    counter("lobo_gnb_oddities_total", {{"what", std::string(to_string(oddity))}}, odd.of(oddity));
  }
  for (std::size_t i = 0; i < n3_events_count; ++i) {
    const auto event = static_cast<N3Event>(i);
    counter("lobo_gnb_gtpu_total", {{"what", std::string(to_string(event))}},
            sight.loop.n3().count(event));
  }
  for (std::size_t i = 0; i < air_events_count; ++i) {
    const auto event = static_cast<AirEvent>(i);
    counter("lobo_gnb_air_total", {{"what", std::string(to_string(event))}},
            sight.loop.air().count(event));
  }
  counter("lobo_gnb_stamps_answered_total", {}, sight.loop.stamps_answered());
  gauge("lobo_gnb_attached_ues", {}, sight.loop.air().attached());
  gauge("lobo_gnb_registered", {}, sight.control == "registered" ? 1 : 0);
  gauge("lobo_gnb_queued_octets", {}, radio.cell().queued_octets());
  gauge("lobo_gnb_cell_rate_bits_per_second", {}, radio.cell().rate().at(sight.loop.now()).count);
}

}  // namespace lobo::app
