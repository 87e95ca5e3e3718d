#include "services/core_sim/control.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/net_control.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/control_views.hpp"
#include "services/core_sim/faults.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/types.hpp"

namespace lobo::core_sim {

namespace view = api::net_control;
namespace operation = view::operation;

namespace {

http::Response no_content() { return {204, {{std::string(simulated_header), "netsim"}}, {}}; }

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

Outcome<std::optional<BitsPerSecond>> rate_of(const std::optional<std::string>& text,
                                              std::string where) {
  if (!text) return std::nullopt;
  const auto parsed = model::parse_bit_rate(*text);
  if (!parsed || *parsed > bit_rate_max)
    return refuse(Errc::out_of_range, "A rate is too high.",
                  {{Errc::out_of_range, std::move(where), "is too high"}});
  return parsed;
}

view::JournalEntry journal_view(const JournalEntry& entry) {
  static constexpr std::string_view digits = "0123456789abcdef";
  view::JournalEntry shown;
  shown.sequence = static_cast<std::int64_t>(entry.sequence);
  shown.at = entry.at;
  shown.direction = entry.incoming ? "in" : "out";
  shown.operation = unless_empty(entry.operation);
  shown.method = entry.method;
  shown.path = entry.path;
  if (entry.status != 0) shown.status = entry.status;
  shown.fault = unless_empty(entry.fault);
  std::string digest(16, '0');
  for (std::size_t i = 0; i < 16; ++i)
    digest[i] = digits[(entry.body_digest >> (60 - 4 * i)) & 15U];
  shown.body_digest = digest;
  shown.body = unless_empty(entry.body);
  shown.scs_as_id = unless_empty(entry.scs_as_id);
  shown.traceparent = unless_empty(entry.traceparent);
  shown.steps = unless_empty(entry.steps);
  return shown;
}

}  // namespace

view::LinkDegradation link_view(const Link& link) {
  view::LinkDegradation shown;
  shown.loss_percent = static_cast<double>(link.loss_ppm) / 10'000.0;
  shown.delay_ms = link.delay.count();
  if (link.rate_dl) shown.rate_dl = model::format_bit_rate(*link.rate_dl);
  if (link.rate_ul) shown.rate_ul = model::format_bit_rate(*link.rate_ul);
  shown.measurement_fails = link.measurement_fails;
  return shown;
}

Answer Control::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::read_net_summary) return summary();
  if (id == operation::list_net_ues) return list_ues();
  if (id == operation::list_net_cells) return list_cells();
  if (id == operation::change_net_cell_capacity) return on_cell(call);
  if (id == operation::list_net_reservations) return list_reservations();
  if (id == operation::terminate_net_reservation) return terminate(call);
  if (id == operation::list_net_faults) return faults();
  if (id == operation::add_net_fault) return add_fault(call);
  if (id == operation::read_net_journal) return journal(call);
  if (id == operation::clear_net_faults) {
    net_.faults.clear();
    return no_content();
  }
  if (id == operation::clear_net_journal) {
    net_.journal.clear();
    return no_content();
  }
  return on_ue(call);
}

Answer Control::summary() const {
  view::NetSummary counts;
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  counts.ues = number(net_.world.size());
  counts.cells = number(net_.world.cell_count());
  counts.sessions_with_qos = number(sessions_.size());
  counts.monitoring_subscriptions = number(watches_.size());
  counts.callbacks_pending = number(net_.callbacks.pending());
  counts.callbacks_sent = number(net_.callbacks.sent());
  counts.callbacks_dropped = number(net_.callbacks.dropped());
  counts.requests = number(net_.requests);
  return json_answer(200, counts);
}

// ---- UEs --------------------------------------------------------------------------------------

view::NetUe Control::ue_view(UeIndex index) const {
  const auto& ue = net_.world.ue(index);
  view::NetUe shown;
  shown.name = ue.config.name;
  shown.external_id = unless_empty(ue.config.external_id);
  shown.msisdn = unless_empty(ue.config.msisdn);
  shown.ipv4_addr = unless_empty(ue.config.ipv4);
  shown.ipv6_addr = unless_empty(ue.config.ipv6);
  shown.mac_addr = unless_empty(ue.config.mac);
  shown.ip_domain = unless_empty(ue.config.ip_domain);
  shown.dnn = unless_empty(ue.config.dnn);
  auto& slice = shown.snssai.emplace();
  slice.sst = static_cast<std::int64_t>(ue.config.snssai.sst);
  slice.sd = unless_empty(ue.config.snssai.sd);
  shown.cell = ue.config.cell;
  shown.session_up = ue.session_up;
  shown.link = link_view(ue.link);
  shown.reservations = static_cast<std::int64_t>(sessions_.count_of(index));
  return shown;
}

Answer Control::list_ues() const {
  view::NetUes all;
  for (UeIndex ue = 0; ue < net_.world.size(); ++ue) all.ues.push_back(ue_view(ue));
  return json_answer(200, all);
}

Answer Control::on_ue(const Call& call) {
  const auto ue = net_.world.by_name(call.param("ueId"));
  if (!ue) return refuse(Errc::not_found, "No UE has that name.");
  const auto id = call.operation.id;
  if (id == operation::read_net_ue) return json_answer(200, ue_view(*ue));
  if (id == operation::degrade_net_ue) return degrade(call, *ue);
  if (id == operation::move_net_ue) return move(call, *ue);
  if (id == operation::change_net_ue_address) return change_address(call, *ue);
  if (id == operation::attach_net_ue) return attach(call, *ue);
  if (id == operation::detach_net_ue) return detach(call, *ue);
  if (id == operation::restore_net_ue) {
    sessions_.change_link(*ue, Link{}, call.now);
    if (net_.smf) net_.smf->touch(*ue);
    return json_answer(200, ue_view(*ue));
  }
  return refuse(Errc::not_found, "There is no such operation.");
}

Answer Control::degrade(const Call& call, UeIndex ue) {
  const auto body = read_body<view::LinkDegradation>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto dl = rate_of(body->rate_dl, "/rateDl");
  if (!dl) return tl::unexpected<Refusal>(dl.error());
  const auto ul = rate_of(body->rate_ul, "/rateUl");
  if (!ul) return tl::unexpected<Refusal>(ul.error());
  auto link = net_.world.ue(ue).link;
  if (body->loss_percent)
    link.loss_ppm = static_cast<std::uint32_t>(std::lround(*body->loss_percent * 10'000.0));
  if (body->delay_ms) link.delay = std::chrono::milliseconds(*body->delay_ms);
  if (*dl) link.rate_dl = *dl;
  if (*ul) link.rate_ul = *ul;
  if (body->measurement_fails) link.measurement_fails = *body->measurement_fails;
  sessions_.change_link(ue, link, call.now);
  if (net_.smf) net_.smf->touch(ue);
  return json_answer(200, ue_view(ue));
}

Answer Control::move(const Call& call, UeIndex ue) {
  const auto body = read_body<view::UeMove>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto cell = net_.world.cell_by_name(body->cell);
  if (!cell)
    return refuse(Errc::not_found, "No cell has that name.",
                  {{Errc::not_found, "/cell", "is not known"}});
  if (*cell != net_.world.ue(ue).cell) {
    sessions_.move(ue, *cell, call.now);
    watches_.moved(ue, call.now);
  }
  return json_answer(200, ue_view(ue));
}

// A new address is a new PDU session: what hung on the old one is terminated first.
Answer Control::change_address(const Call& call, UeIndex ue) {
  const auto body = read_body<view::UeAddressChange>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto before = net_.world.ue(ue).config;
  if (!net_.world.ue(ue).session_up)
    return refuse(Errc::conflict, "The UE has no PDU session; attach it first.");
  if (!net_.world.change_address(ue, body->ipv4_addr, body->ipv6_addr))
    return refuse(Errc::conflict, "Another UE has that address.");
  sessions_.lose_ue(ue, call.now);
  ran_.forget(ue, call.now);
  watches_.readdressed(ue, before, call.now);
  return json_answer(200, ue_view(ue));
}

Answer Control::attach(const Call& call, UeIndex ue) {
  if (!net_.world.ue(ue).session_up) {
    net_.world.attach(ue);
    watches_.attached(ue, call.now);
  }
  return json_answer(200, ue_view(ue));
}

Answer Control::detach(const Call& call, UeIndex ue) {
  if (net_.world.ue(ue).session_up) {
    sessions_.lose_ue(ue, call.now);
    ran_.forget(ue, call.now);
    net_.world.detach(ue);
    watches_.detached(ue, call.now);
  }
  return json_answer(200, ue_view(ue));
}

// ---- cells and reservations -------------------------------------------------------------------

view::NetCell Control::cell_view(CellIndex cell) const {
  view::NetCell shown;
  shown.name = net_.world.cell(cell).name;
  shown.capacity_dl = model::format_bit_rate(net_.admission.capacity(cell).dl);
  shown.capacity_ul = model::format_bit_rate(net_.admission.capacity(cell).ul);
  shown.reserved_dl = model::format_bit_rate(net_.admission.used(cell).dl);
  shown.reserved_ul = model::format_bit_rate(net_.admission.used(cell).ul);
  shown.reservations = static_cast<std::int64_t>(sessions_.count_in(cell));
  return shown;
}

Answer Control::list_cells() const {
  view::NetCells all;
  for (CellIndex cell = 0; cell < net_.world.cell_count(); ++cell)
    all.cells.push_back(cell_view(cell));
  return json_answer(200, all);
}

Answer Control::on_cell(const Call& call) {
  const auto cell = net_.world.cell_by_name(call.param("cellId"));
  if (!cell) return refuse(Errc::not_found, "No cell has that name.");
  const auto body = read_body<view::CellCapacity>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto dl = rate_of(body->capacity_dl, "/capacityDl");
  if (!dl) return tl::unexpected<Refusal>(dl.error());
  const auto ul = rate_of(body->capacity_ul, "/capacityUl");
  if (!ul) return tl::unexpected<Refusal>(ul.error());
  auto capacity = net_.admission.capacity(*cell);
  if (*dl) capacity.dl = **dl;
  if (*ul) capacity.ul = **ul;
  sessions_.resize_cell(*cell, capacity, call.now);
  return json_answer(200, cell_view(*cell));
}

Answer Control::list_reservations() const {
  view::NetReservations all;
  sessions_.each([&](const Session& session) {
    auto& shown = all.reservations.emplace_back();
    shown.subscription_id = session.id;
    shown.scs_as_id = session.scs_as_id;
    shown.ue = net_.world.ue(session.ue).config.name;
    shown.cell = net_.world.cell(session.cell).name;
    shown.state = view::ReservationState(std::string(to_string(session.state)));
    shown.qos_reference = unless_empty(session.terms.qos_reference);
    if (session.applied) shown.applied_qos_ref = session.terms.alternatives[*session.applied].name;
    shown.reserved_dl = model::format_bit_rate(session.held.dl);
    shown.reserved_ul = model::format_bit_rate(session.held.ul);
    shown.notification_destination = session.terms.destination;
  });
  return json_answer(200, all);
}

Answer Control::terminate(const Call& call) {
  auto* session = sessions_.find(call.param("subscriptionId"));
  if (session == nullptr) return refuse(Errc::not_found, "There is no such reservation.");
  sessions_.terminate(*session, call.now);
  return no_content();
}

// ---- faults and journal -----------------------------------------------------------------------

Answer Control::faults() const {
  view::NetFaults all;
  for (const auto& fault : net_.faults.faults()) {
    auto& shown = all.faults.emplace_back();
    shown.operation = unless_empty(fault.operation);
    shown.kind =
        json::enum_from<view::FaultKind>(to_string(fault.kind)).value_or(view::FaultKind::refuse);
    shown.count = fault.count;
    if (fault.skip > 0) shown.skip = fault.skip;
    shown.performed = fault.performed;
    if (fault.kind == FaultKind::status) shown.status = fault.status;
    shown.cause = unless_empty(fault.cause);
    if (fault.retry_after_seconds) shown.retry_after = *fault.retry_after_seconds;
    shown.location = unless_empty(fault.location);
    if (fault.kind == FaultKind::redirect) shown.permanent = fault.permanent;
    if (fault.kind == FaultKind::delay || fault.kind == FaultKind::delay_callback)
      shown.delay_ms = fault.delay.count();
  }
  return json_answer(200, all);
}

Answer Control::add_fault(const Call& call) {
  const auto body = read_body<view::NetFault>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  PlannedFault fault;
  fault.kind = fault_kind_from(to_string(body->kind)).value_or(FaultKind::refuse);
  fault.operation = body->operation.value_or("");
  fault.count = static_cast<std::uint32_t>(body->count.value_or(1));
  fault.skip = static_cast<std::uint32_t>(body->skip.value_or(0));
  fault.performed = body->performed.value_or(performs_by_default(fault.kind));
  fault.status = static_cast<int>(body->status.value_or(503));
  fault.cause = body->cause.value_or("");
  if (body->retry_after) fault.retry_after_seconds = static_cast<std::uint32_t>(*body->retry_after);
  fault.location = body->location.value_or("");
  fault.permanent = body->permanent.value_or(false);
  fault.delay = std::chrono::milliseconds(body->delay_ms.value_or(1000));
  if (!net_.faults.add(std::move(fault)))
    return refuse(Errc::too_many, "The plan is full; clear it or let some faults happen.");
  return faults();
}

Answer Control::journal(const Call& call) const {
  const auto parameters = http::parse_query(http::split_target(call.request.target).query);
  if (!parameters) return refuse(parameters.error());
  std::uint64_t after = 0;
  std::size_t limit = journal_page_max;
  for (const auto& [name, value] : *parameters) {
    if (name != "after" && name != "limit") continue;
    const auto number = parse_decimal(value);
    if (!number)
      return refuse(Errc::pattern, "A number was expected.",
                    {{Errc::pattern, "query:" + name, "must be a whole number"}});
    if (name == "after") after = *number;
    if (name == "limit")
      limit = static_cast<std::size_t>(std::min<std::uint64_t>(*number, journal_page_max));
  }
  view::NetJournal page;
  page.first = static_cast<std::int64_t>(net_.journal.entries().empty()
                                             ? net_.journal.next()
                                             : net_.journal.entries().front().sequence);
  page.next = static_cast<std::int64_t>(net_.journal.next());
  page.lost = static_cast<std::int64_t>(net_.journal.lost());
  for (const auto& entry : net_.journal.entries()) {
    if (entry.sequence <= after) continue;
    if (page.entries.size() >= limit) break;
    page.entries.push_back(journal_view(entry));
  }
  return json_answer(200, page);
}

}  // namespace lobo::core_sim
