#include "upf/metrics.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <string>

#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "runtime/ports.hpp"
#include "upf/ports.hpp"
#include "upf/worker.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {

using dataplane::Counter;
using dataplane::PathCounters;
using dataplane::PathDrop;
using dataplane::Signal;

namespace {

UpfMetrics::Read value_of(const Counter& counter) {
  return [&counter] { return counter.value(); };
}

template <class Enum, std::size_t count, class Kind, class Visit>
void each(const dataplane::CountersBy<Enum, count, Kind>& counters, const Visit& visit) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<Enum>(i);
    visit(std::string(to_string(value)), counters[value]);
  }
}

}  // namespace

void UpfMetrics::add_direction(const char* name, const PathCounters::Direction& direction) {
  const runtime::Labels labels{{"direction", name}};
  counter("lobo_upf_received_packets_total", labels, value_of(direction.received.packets));
  counter("lobo_upf_received_octets_total", labels, value_of(direction.received.octets));
  counter("lobo_upf_sent_packets_total", labels, value_of(direction.sent.packets));
  counter("lobo_upf_sent_octets_total", labels, value_of(direction.sent.octets));
  gauge("lobo_upf_waiting_packets", labels, value_of(direction.waiting));
  gauge("lobo_upf_buffered_packets", labels, value_of(direction.buffered));
  each(direction.dropped, [&](const std::string& reason, const auto& dropped) {
    if (reason == to_string(PathDrop::nothing)) return;
    const runtime::Labels both{{"direction", name}, {"reason", reason}};
    counter("lobo_upf_dropped_packets_total", both, value_of(dropped.packets));
    counter("lobo_upf_dropped_octets_total", both, value_of(dropped.octets));
  });
  each(direction.unread, [&](const std::string& reason, const Counter& unread) {
    if (reason != to_string(packet::Unread::nothing))
      counter("lobo_upf_unread_packets_total", {{"direction", name}, {"reason", reason}},
              value_of(unread));
  });
}

void UpfMetrics::add_path(const PathCounters& counters) {
  add_direction("downlink", counters.downlink);
  add_direction("uplink", counters.uplink);
  each(counters.signals_seen, [&](const std::string& signal, const Counter& seen) {
    if (signal != to_string(Signal::none))
      counter("lobo_upf_gtpu_signals_total", {{"signal", signal}}, value_of(seen));
  });
  each(counters.gtpu_faulty, [&](const std::string& reason, const Counter& faulty) {
    if (reason != to_string(gtpu::NotGtpu::it_is))
      counter("lobo_upf_gtpu_faulty_total", {{"reason", reason}}, value_of(faulty));
  });
  counter("lobo_upf_gtpu_answers_total", {{"result", "sent"}}, value_of(counters.answers));
  counter("lobo_upf_gtpu_answers_total", {{"result", "held_back"}},
          value_of(counters.answers_held_back));
  counter("lobo_upf_gtpu_errors_unmatched_total", {}, value_of(counters.errors_unmatched));
  counter("lobo_upf_containers_unread_total", {}, value_of(counters.containers_unread));

  counter("lobo_upf_marked_packets_total", {}, value_of(counters.marked));
  each(counters.unmarked_rtp, [&](const std::string& reason, const Counter& unmarked) {
    counter("lobo_upf_unmarked_packets_total", {{"carriage", "rtp"}, {"reason", reason}},
            value_of(unmarked));
  });
  each(counters.unmarked_option, [&](const std::string& reason, const Counter& unmarked) {
    counter("lobo_upf_unmarked_packets_total", {{"carriage", "option"}, {"reason", reason}},
            value_of(unmarked));
  });
  each(counters.warnings, [&](const std::string& kind, const Counter& warned) {
    counter("lobo_upf_mark_warnings_total", {{"kind", kind}}, value_of(warned));
  });
  counter("lobo_upf_options_kept_total", {}, value_of(counters.options_kept));
  counter("lobo_upf_sets_total", {{"verdict", "admitted"}}, value_of(counters.sets_admitted));
  counter("lobo_upf_sets_total", {{"verdict", "borrowed"}}, value_of(counters.sets_borrowed));
  counter("lobo_upf_sets_total", {{"verdict", "refused"}}, value_of(counters.sets_refused));
  counter("lobo_upf_delays_measured_total", {}, value_of(counters.delays_measured));
  counter("lobo_upf_events_lost_total", {}, value_of(counters.events_lost));
}

void UpfMetrics::add_ports(const Worker& worker) {
  for (const auto side : {dataplane::PathSide::n3, dataplane::PathSide::n6}) {
    const std::string name(to_string(side));
    const PortFigures& figures = worker.figures(side);
    const runtime::Labels in{{"side", name}, {"way", "in"}};
    const runtime::Labels out{{"side", name}, {"way", "out"}};
    counter("lobo_upf_port_packets_total", in, value_of(figures.packets_in));
    counter("lobo_upf_port_packets_total", out, value_of(figures.packets_out));
    counter("lobo_upf_port_octets_total", in, value_of(figures.octets_in));
    counter("lobo_upf_port_octets_total", out, value_of(figures.octets_out));
    counter("lobo_upf_port_checksums_completed_total", {{"side", name}},
            value_of(figures.checksums_completed));
    for (std::size_t i = 0; i < figures.dropped.size(); ++i)
      counter("lobo_upf_port_dropped_packets_total",
              {{"side", name},
               {"reason", std::string(to_string(static_cast<packet_io::DropReason>(i)))}},
              value_of(figures.dropped[i]));
    counter("lobo_upf_port_dropped_packets_total", {{"side", name}, {"reason", "no_room_to_send"}},
            value_of(figures.unsent));
    counter("lobo_upf_port_dropped_packets_total", {{"side", name}, {"reason", "mailbox_full"}},
            value_of(figures.not_taken));
  }
}

void UpfMetrics::add_one(const std::string& number, const Worker& worker) {
  const PathCounters& counters = worker.counters();
  counter("lobo_upf_worker_packets_total", {{"worker", number}, {"direction", "downlink"}},
          value_of(counters.downlink.received.packets));
  counter("lobo_upf_worker_packets_total", {{"worker", number}, {"direction", "uplink"}},
          value_of(counters.uplink.received.packets));
  counter("lobo_upf_worker_handed_over_total", {{"worker", number}},
          value_of(worker.handed_over()));
}

void UpfMetrics::add_workers(const std::deque<Worker>& workers) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    add_path(workers[i].counters());
    add_ports(workers[i]);
    add_one(std::to_string(i), workers[i]);
  }
  for (const auto side : {dataplane::PathSide::n3, dataplane::PathSide::n6})
    gauge("lobo_upf_port_up", {{"side", std::string(to_string(side))}}, [&workers, side] {
      return std::ranges::all_of(
                 workers,
                 [side](const Worker& worker) {
                   return worker.figures(side).state.load(std::memory_order_relaxed) ==
                          packet_io::PortState::open;
                 })
                 ? 1U
                 : 0U;
    });
}

}  // namespace lobo::app
