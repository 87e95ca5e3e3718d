#include "gnb/summary.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>

#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/set_ledger.hpp"
#include "dataplane/set_queue.hpp"
#include "gnb/air_side.hpp"
#include "gnb/n3_side.hpp"
#include "gnb/radio_loop.hpp"
#include "model/address.hpp"
#include "model/bit_rate.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using dataplane::Elapsed;
using json::Value;

Value number(std::uint64_t value) { return {Value::Number{std::to_string(value)}}; }
Value text(std::string_view value) { return {std::string(value)}; }
Value milliseconds(Elapsed time) {
  return {Value::Number{
      fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(time).count())}};
}

class Object {
 public:
  Object& add(std::string_view name, Value value) {
    members_.push_back({std::string(name), std::move(value)});
    return *this;
  }
  void add_if_any(std::string_view name, std::uint64_t count) {
    if (count != 0) add(name, number(count));
  }
  Value done() { return {std::move(members_)}; }

 private:
  Value::Object members_;
};

Value drops(const dataplane::FlowTallies& tallies) {
  Object out;
  for (std::size_t i = 0; i < dataplane::radio_drops_count; ++i) {
    const auto reason = static_cast<dataplane::RadioDrop>(i);
    if (reason != dataplane::RadioDrop::radio)
      out.add_if_any(to_string(reason), tallies.dropped[i]);
  }
  return out.done();
}

std::uint64_t dropped_in_all(const dataplane::FlowTallies& tallies) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < dataplane::radio_drops_count; ++i)
    if (static_cast<dataplane::RadioDrop>(i) != dataplane::RadioDrop::radio)
      all += tallies.dropped[i];
  return all;
}

Value by_psi(const dataplane::SetTallies& tallies) {
  Object out;
  for (std::size_t psi = 0; psi < tallies.by_psi.size(); ++psi) {
    const auto& one = tallies.by_psi[psi];
    if (one.sets > 0)
      out.add(
          std::to_string(psi),
          Object().add("sets", number(one.sets)).add("delivered", number(one.delivered)).done());
  }
  return out.done();
}

Value oddities(const dataplane::Oddities& counts) {
  Object out;
  for (std::size_t i = 0; i < dataplane::oddities_count; ++i) {
    const auto oddity = static_cast<dataplane::Oddity>(i);
    out.add_if_any(to_string(oddity), counts.of(oddity));
  }
  return out.done();
}

std::string reasons(dataplane::Breaches found) {
  std::string all;
  for (const auto breach : dataplane::breaches)
    if ((found & bit_of(breach)) != 0)
      (all += all.empty() ? "" : "+") += std::string(to_string(breach));
  return all;
}

Value flow_value(const GnbUeSight& ue, std::uint8_t qfi, const dataplane::Radio::Flow& flow,
                 const dataplane::CellConfig& cell) {
  const auto& tallies = flow.tallies;
  const auto& sets = flow.ledger.tallies();
  const auto delivered = static_cast<std::int64_t>(tallies.delivered);
  Object out;
  out.add("ue", text(ue.name)).add("qfi", number(qfi));
  out.add("scheduler", text(to_string(cell.scheduler))).add("policy", text(to_string(cell.policy)));
  out.add("received", number(tallies.received));
  out.add("received_octets", number(tallies.received_octets));
  out.add("delivered", number(tallies.delivered));
  out.add("delivered_octets", number(tallies.delivered_octets));
  out.add("dropped", number(dropped_in_all(tallies))).add("dropped_by", drops(tallies));
  out.add("lost_on_radio",
          number(tallies.dropped[static_cast<std::size_t>(dataplane::RadioDrop::radio)]));
  out.add("sets", number(sets.sets)).add("sets_delivered", number(sets.delivered));
  out.add("sets_damaged", number(sets.damaged)).add("sets_lost", number(sets.lost));
  out.add("sets_incomplete", number(sets.incomplete)).add("sets_late", number(sets.late));
  out.add("sets_by_psi", by_psi(sets));
  out.add("delay_mean_ms",
          milliseconds(delivered == 0 ? Elapsed{} : tallies.delay_sum / delivered));
  out.add("delay_max_ms", milliseconds(tallies.delay_max));
  out.add("queue_octets_max", number(tallies.queue_octets_max));
  out.add("oddities", oddities(flow.ledger.oddities()));
  out.add("not_held", {!flow.watch.held()}).add("reasons", text(reasons(flow.watch.breaches())));
  out.add("notices", number(tallies.notices));
  out.add("uplink", number(tallies.uplink)).add("uplink_octets", number(tallies.uplink_octets));
  return out.done();
}

Value ues_value(const GnbSight& sight) {
  Value::Array all;
  for (const auto& ue : sight.ues)
    all.push_back(Object()
                      .add("name", text(ue.name))
                      .add("attached", {sight.loop.air().is_attached(ue.number)})
                      .add("address", text(ue.address))
                      .add("session", text(ue.session))
                      .add("teid", number(ue.teid))
                      .add("upf", text(ue.upf))
                      .done());
  return {std::move(all)};
}

Value gtpu_value(const N3Side& n3) {
  Object out;
  for (std::size_t i = 0; i < n3_events_count; ++i) {
    const auto event = static_cast<N3Event>(i);
    out.add_if_any(to_string(event), n3.count(event));
  }
  out.add_if_any("not_sent", n3.lost());
  return out.done();
}

Value air_value(const AirSide& air) {
  Object out;
  for (std::size_t i = 0; i < air_events_count; ++i) {
    const auto event = static_cast<AirEvent>(i);
    out.add_if_any(to_string(event), air.count(event));
  }
  out.add_if_any("not_sent", air.lost());
  return out.done();
}

}  // namespace

Value flows_value(const GnbSight& sight) {
  Value::Array all;
  for (const auto& ue : sight.ues)
    for (const auto& [qfi, flow] : sight.loop.radio().flows(ue.number))
      if (flow.tallies.received > 0 || flow.tallies.uplink > 0)
        all.push_back(flow_value(ue, qfi, flow, sight.loop.radio().cell().config()));
  return {std::move(all)};
}

Value cell_value(const dataplane::Radio& radio, dataplane::Elapsed now) {
  const auto& cell = radio.cell();
  return Object()
      .add("rate", text(model::format_bit_rate(cell.rate().at(now))))
      .add("scheduler", text(to_string(cell.config().scheduler)))
      .add("policy", text(to_string(cell.config().policy)))
      .add("queued_octets", number(cell.queued_octets()))
      .done();
}

Value status_value(const GnbSight& sight) {
  return Object()
      .add("name", text(sight.config.name))
      .add("n3", text(model::to_text(sight.config.n3.address)))
      .add("control", text(sight.control))
      .add("notices_told", number(sight.notices_told))
      .add("stamps_answered", number(sight.loop.stamps_answered()))
      .add("cell", cell_value(sight.loop.radio(), sight.loop.now()))
      .add("ues", ues_value(sight))
      .add("gtpu", gtpu_value(sight.loop.n3()))
      .add("air", air_value(sight.loop.air()))
      .add("flows", flows_value(sight))
      .done();
}

}  // namespace lobo::app
