#include "gnb/session_terms.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/common.hpp"
#include "api/net_control.hpp"
#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "model/bit_rate.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {

namespace view = api::net_control;
using dataplane::Elapsed;
using dataplane::Promise;

namespace {

/// The unit of ExtPacketDelBudget (TS 29.571): hundredths of a millisecond.
constexpr std::chrono::microseconds budget_unit{10};
constexpr std::uint32_t ppm = 1'000'000;
constexpr double ppm_per_percent = 10'000;
constexpr std::int64_t qfi_max = dataplane::radio_qfis - 1;
/// As in dataplane/radio/guarantee.cpp: what is nearly given is given.
constexpr double rate_tolerance = 0.95;

BitsPerSecond rate_of(const std::optional<api::common::BitRate>& text) {
  return text ? model::parse_bit_rate(*text).value_or(BitsPerSecond{}) : BitsPerSecond{};
}

Promise promise_of(const std::optional<view::NetQuality>& quality) {
  Promise promise;
  if (!quality) return promise;
  promise.guaranteed = rate_of(quality->gbr_dl);
  // A flow without a guaranteed rate has figures too (TS 23.501 table 5.7.4-1), and no guarantee.
  if (promise.guaranteed.count == 0) return promise;
  if (quality->packet_delay_budget)
    promise.packet_delay_budget = std::chrono::milliseconds(*quality->packet_delay_budget);
  if (quality->packet_error_rate)
    promise.packet_error_rate = parse_error_rate(*quality->packet_error_rate);
  return promise;
}

dataplane::RadioFlow flow_of(const view::NetQosFlow& shown) {
  dataplane::RadioFlow flow{.qfi = static_cast<std::uint8_t>(shown.qfi),
                            .promise = promise_of(shown.quality),
                            .whole_sets = true};
  if (!shown.pdu_set_qos_dl) return flow;
  const auto& sets = *shown.pdu_set_qos_dl;
  if (sets.pdu_set_handling_info)
    flow.whole_sets =
        *sets.pdu_set_handling_info != api::common::PduSetHandlingInfoKnown::all_pdus_not_needed;
  if (!sets.pdu_set_delay_budget || !sets.pdu_set_err_rate) return flow;
  flow.promise.set_delay_budget = *sets.pdu_set_delay_budget * budget_unit;
  flow.promise.set_error_rate = parse_error_rate(*sets.pdu_set_err_rate);
  flow.promise.packet_delay_budget.reset();
  flow.promise.packet_error_rate.reset();
  return flow;
}

void add_filters(SessionTerms& terms, const view::NetQosFlow& shown, std::uint8_t qfi) {
  if (!shown.filters_ul) return;
  std::optional<model::IpAddress> own;
  if (terms.v4)
    own = *terms.v4;
  else if (terms.v6)
    own = *terms.v6;
  for (const auto& text : *shown.filters_ul)
    if (const auto description = model::FlowDescription::parse(text))
      terms.uplink.push_back({packet::FlowFilter(*description, own), qfi});
}

dataplane::RadioLink link_of(const view::LinkDegradation& shown) {
  dataplane::RadioLink link;
  link.delay = std::chrono::milliseconds(shown.delay_ms.value_or(0));
  link.loss_ppm = static_cast<std::uint32_t>(
      std::llround(std::clamp(shown.loss_percent.value_or(0), 0.0, 100.0) * ppm_per_percent));
  link.rate_dl = rate_of(shown.rate_dl);
  return link;
}

std::string cause_of(dataplane::Breach breach) {
  std::string name(to_string(breach));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return name;
}

BitsPerSecond rate_over(std::uint64_t octets, Elapsed window) {
  return {static_cast<std::uint64_t>(std::llround(static_cast<double>(octets) * 8 /
                                                  std::chrono::duration<double>(window).count()))};
}

}  // namespace

std::optional<double> parse_error_rate(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 4 || text.substr(1, 2) != "E-" || !digit(text[0]) || !digit(text[3]))
    return std::nullopt;
  return (text[0] - '0') * std::pow(10, -(text[3] - '0'));
}

Result<SessionTerms> terms_of(const view::NetPduSession& session) {
  SessionTerms terms;
  if (session.ue_ipv4_addr) terms.v4 = model::Ipv4Address::parse(*session.ue_ipv4_addr);
  if (session.ue_ipv6_addr) terms.v6 = model::Ipv6Address::parse(*session.ue_ipv6_addr);
  if (!terms.v4 && !terms.v6)
    return fail(Errc::missing, "the network tells no IP address of the UE");
  const auto upf = session.upf_n3_addr ? model::parse_ip_address(*session.upf_n3_addr)
                                       : std::optional<model::IpAddress>{};
  if (!upf || !session.upf_teid)
    return fail(Errc::missing, "the network tells no tunnel of the UPF");
  terms.upf = *upf;
  terms.upf_teid = static_cast<std::uint32_t>(*session.upf_teid);
  terms.worse = link_of(session.link);
  for (const auto& shown : session.qos_flows) {
    if (shown.qfi < 1 || shown.qfi > qfi_max) continue;
    const auto flow = flow_of(shown);
    if (shown.is_default)
      terms.flows.insert(terms.flows.begin(), flow);
    else
      terms.flows.push_back(flow);
    add_filters(terms, shown, flow.qfi);
    if (!shown.alternatives) continue;
    for (const auto& quality : *shown.alternatives)
      terms.alternatives[flow.qfi].push_back(promise_of(quality));
  }
  if (terms.flows.empty()) return fail(Errc::missing, "the session has no QoS flow");
  return terms;
}

SessionTerms terms_of(const GnbSessionConfig& session) {
  SessionTerms terms;
  terms.v4 = session.v4;
  terms.v6 = session.v6;
  terms.upf = session.upf;
  terms.upf_teid = session.upf_teid;
  terms.flows = session.flows;
  return terms;
}

std::uint8_t SessionTerms::uplink_qfi(Bytes packet) const {
  const auto read = packet::parse_ip(packet);
  if (read.has_ip())
    for (const auto& one : uplink)
      if (one.filter.matches(read.flow, packet::Travel::from_ue)) return one.qfi;
  return default_qfi();
}

dataplane::RadioLink joined(const dataplane::RadioLink& own, const dataplane::RadioLink& worse) {
  dataplane::RadioLink both = own;
  both.delay += worse.delay;
  // Two losses after each other.
  const std::uint64_t kept = std::uint64_t{ppm - own.loss_ppm} * (ppm - worse.loss_ppm) / ppm;
  both.loss_ppm = static_cast<std::uint32_t>(ppm - kept);
  if (worse.rate_dl.count > 0 && (own.rate_dl.count == 0 || worse.rate_dl < own.rate_dl))
    both.rate_dl = worse.rate_dl;
  return both;
}

view::NetRanCounters counters_of(const dataplane::Radio::Flows& flows) {
  view::NetRanCounters sum;
  Elapsed delay{};
  for (const auto& [qfi, flow] : flows) {
    const auto& tallies = flow.tallies;
    sum.delivered_dl += static_cast<std::int64_t>(tallies.delivered);
    sum.octets_dl += static_cast<std::int64_t>(tallies.delivered_octets);
    for (const auto lost : tallies.dropped) sum.lost_dl += static_cast<std::int64_t>(lost);
    delay += tallies.delay_sum;
  }
  sum.delay_dl = std::chrono::duration_cast<std::chrono::microseconds>(delay).count();
  return sum;
}

view::NetGuaranteeNotice notice_of(const dataplane::RadioNotice& notice,
                                   const std::vector<Promise>& alternatives, Elapsed window) {
  view::NetGuaranteeNotice told;
  told.qfi = notice.qfi;
  told.fulfilled = notice.news.held;
  const auto& figures = notice.news.window;
  const auto delivered = rate_over(figures.octets_delivered, window);
  told.offered_dl = model::format_bit_rate(rate_over(figures.octets_offered, window));
  told.delivered_dl = model::format_bit_rate(delivered);
  told.sets = static_cast<std::int64_t>(figures.sets);
  told.sets_failed = static_cast<std::int64_t>(figures.sets_failed);
  told.sets_late = static_cast<std::int64_t>(figures.sets_late);
  if (told.fulfilled) return told;
  auto& causes = told.causes.emplace();
  for (const auto breach : dataplane::breaches)
    if ((notice.news.breaches & bit_of(breach)) != 0)
      causes.push_back(view::GuaranteeCause(cause_of(breach)));
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    const Promise& one = alternatives[i];
    const bool rate = static_cast<double>(delivered.count) >=
                      rate_tolerance * static_cast<double>(one.guaranteed.count);
    const bool delay = !one.packet_delay_budget || figures.delay_max <= *one.packet_delay_budget;
    if (!rate || !delay) continue;
    told.alternative = static_cast<std::int64_t>(i);
    break;
  }
  return told;
}

}  // namespace lobo::app
