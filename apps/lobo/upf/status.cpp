#include "upf/status.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "upf/key_channels.hpp"
#include "upf/ports.hpp"
#include "upf/worker.hpp"
#include "wire/json/value.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {
namespace {

using dataplane::Counter;
using json::Value;

Value number(std::uint64_t value) { return {Value::Number{std::to_string(value)}}; }
Value number(const Counter& counter) { return number(counter.value()); }
Value text(std::string_view value) { return {std::string(value)}; }

class Object {
 public:
  Object& add(std::string_view name, Value value) {
    members_.push_back({std::string(name), std::move(value)});
    return *this;
  }
  void add_if_any(std::string_view name, const Counter& counter) {
    if (counter.value() != 0) add(name, number(counter));
  }
  Value done() { return {std::move(members_)}; }

 private:
  Value::Object members_;
};

template <class Enum, std::size_t count>
Value those_that_count(const dataplane::CountersBy<Enum, count>& counters) {
  Object out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<Enum>(i);
    out.add_if_any(to_string(value), counters[value]);
  }
  return out.done();
}

Value traffic(const dataplane::TrafficCounter& counter) {
  return Object()
      .add("packets", number(counter.packets))
      .add("octets", number(counter.octets))
      .done();
}

Value direction(const dataplane::PathCounters::Direction& counters) {
  Object dropped;
  for (std::size_t i = 0; i < dataplane::path_drops; ++i) {
    const auto drop = static_cast<dataplane::PathDrop>(i);
    dropped.add_if_any(to_string(drop), counters.dropped[drop].packets);
  }
  return Object()
      .add("received", traffic(counters.received))
      .add("sent", traffic(counters.sent))
      .add("waiting", number(counters.waiting))
      .add("buffered", number(counters.buffered))
      .add("dropped", dropped.done())
      .done();
}

/// Of all workers what the page tells, as it is now.
struct Totals {
  dataplane::PathCounters path;
  std::array<PortFigures, 2> ports;  ///< by PathSide
};

void add(dataplane::PathCounters::Direction& to, const dataplane::PathCounters::Direction& from) {
  dataplane::add(to.received, from.received);
  dataplane::add(to.sent, from.sent);
  dataplane::add(to.waiting, from.waiting);
  dataplane::add(to.buffered, from.buffered);
  dataplane::add(to.dropped, from.dropped);
}

void add(PortFigures& to, const PortFigures& from) {
  dataplane::add(to.packets_in, from.packets_in);
  dataplane::add(to.packets_out, from.packets_out);
  dataplane::add(to.unsent, from.unsent);
  dataplane::add(to.not_taken, from.not_taken);
  for (std::size_t i = 0; i < to.dropped.size(); ++i)
    dataplane::add(to.dropped[i], from.dropped[i]);
  to.state.store(std::max(to.state.load(), from.state.load()));
}

void add(Totals& to, const Worker& worker) {
  const dataplane::PathCounters& from = worker.counters();
  add(to.path.downlink, from.downlink);
  add(to.path.uplink, from.uplink);
  dataplane::add(to.path.signals_seen, from.signals_seen);
  dataplane::add(to.path.marked, from.marked);
  dataplane::add(to.path.unmarked_rtp, from.unmarked_rtp);
  dataplane::add(to.path.unmarked_option, from.unmarked_option);
  dataplane::add(to.path.warnings, from.warnings);
  dataplane::add(to.path.sets_admitted, from.sets_admitted);
  dataplane::add(to.path.sets_refused, from.sets_refused);
  for (const auto name : {dataplane::PathSide::n3, dataplane::PathSide::n6})
    add(to.ports[static_cast<std::size_t>(name)], worker.figures(name));
}

Value side(const UpfSide& is, std::size_t neighbours, const PortFigures& figures) {
  Object out;
  out.add("interface", text(is.link.name)).add("mac", text(is.addresses.mac.text()));
  if (is.addresses.v4) out.add("ipv4", text(is.addresses.v4->text()));
  if (is.addresses.v6) out.add("ipv6", text(is.addresses.v6->text()));
  if (is.addresses.gateway_v4) out.add("gatewayIpv4", text(is.addresses.gateway_v4->text()));
  if (is.addresses.gateway_v6) out.add("gatewayIpv6", text(is.addresses.gateway_v6->text()));
  Object dropped;
  for (std::size_t i = 0; i < figures.dropped.size(); ++i)
    dropped.add_if_any(to_string(static_cast<packet_io::DropReason>(i)), figures.dropped[i]);
  dropped.add_if_any("no_room_to_send", figures.unsent);
  dropped.add_if_any("mailbox_full", figures.not_taken);
  return out.add("state", text(to_string(figures.state.load(std::memory_order_relaxed))))
      .add("neighbours", number(neighbours))
      .add("packetsIn", number(figures.packets_in))
      .add("packetsOut", number(figures.packets_out))
      .add("dropped", dropped.done())
      .done();
}

Value marks(const dataplane::PathCounters& counters) {
  return Object()
      .add("marked", number(counters.marked))
      .add("unmarkedRtp", those_that_count(counters.unmarked_rtp))
      .add("unmarkedOption", those_that_count(counters.unmarked_option))
      .add("warnings", those_that_count(counters.warnings))
      .add("setsAdmitted", number(counters.sets_admitted))
      .add("setsRefused", number(counters.sets_refused))
      .done();
}

Value n4(const dataplane::n4::N4Agent& agent) {
  const dataplane::n4::Counters& counters = agent.counters();
  return Object()
      .add("associations", number(agent.associations()))
      .add("sessions", number(agent.sessions()))
      .add("ownTunnels", number(agent.own_tunnels()))
      .add("messagesIn", number(counters.messages_in))
      .add("messagesOut", number(counters.messages_out))
      .add("refused", number(counters.refused))
      .done();
}

}  // namespace

std::string status_page(const UpfSight& sight) {
  using dataplane::PathSide;
  Totals totals;
  for (const Worker& worker : sight.workers) add(totals, worker);
  const dataplane::PathCounters& counters = totals.path;
  const auto ports = [&totals](PathSide of) -> const PortFigures& {
    return totals.ports[static_cast<std::size_t>(of)];
  };
  const Value page = Object()
                         .add("n3", side(sight.n3, sight.n3_neighbours, ports(PathSide::n3)))
                         .add("n6", side(sight.n6, sight.n6_neighbours, ports(PathSide::n6)))
                         .add("n4", n4(sight.agent))
                         .add("downlink", direction(counters.downlink))
                         .add("uplink", direction(counters.uplink))
                         .add("gtpuSignals", those_that_count(counters.signals_seen))
                         .add("marks", marks(counters))
                         .add("keyContexts", number(sight.workers.front().contexts()))
                         .add("keyChannels", sight.key_channels.status())
                         .done();
  return json::to_text(page);
}

}  // namespace lobo::app
