#include "services/core_sim/smf_control.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/address.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/control_views.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/smf.hpp"
#include "services/core_sim/smf_config.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "services/core_sim/smf_pool.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/watches.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

namespace view = api::net_control;
namespace operation = view::operation;

namespace {

constexpr std::array of_the_ran{
    operation::list_net_gnbs,          operation::add_net_gnb,
    operation::remove_net_gnb,         operation::list_net_upfs,
    operation::start_net_pdu_session,  operation::read_net_pdu_session,
    operation::end_net_pdu_session,    operation::notify_net_pdu_session,
    operation::measure_net_pdu_session};

http::Response no_content() {
  return {204, {{std::string(simulated_header), std::string(simulated_wholly)}}, {}};
}

std::optional<std::string> rate_text(BitsPerSecond rate) {
  if (rate.count == 0) return std::nullopt;
  return model::format_bit_rate(rate);
}

/// 100 ppm is "1E-4": the next such number at or above it.
std::optional<std::string> error_rate_text(const std::optional<std::uint32_t>& ppm) {
  if (!ppm) return std::nullopt;
  std::uint64_t scaled = *ppm;  // of a million
  int exponent = 6;
  while (scaled > 9 && exponent > 0) {
    scaled = (scaled + 9) / 10;
    --exponent;
  }
  return std::to_string(scaled) + "E-" + std::to_string(exponent);
}

view::NetQuality quality_view(const Quality& quality) {
  view::NetQuality shown;
  shown.gbr_dl = rate_text(quality.gbr_dl);
  shown.gbr_ul = rate_text(quality.gbr_ul);
  if (quality.delay_budget) shown.packet_delay_budget = quality.delay_budget->count();
  shown.packet_error_rate = error_rate_text(quality.loss_ppm_max);
  return shown;
}

view::NetQosFlow flow_view(QfiNumber qfi, const FlowSpec& spec) {
  view::NetQosFlow shown;
  shown.qfi = qfi;
  shown.is_default = false;
  if (spec.treatment.five_qi) shown.five_qi = static_cast<std::int64_t>(*spec.treatment.five_qi);
  shown.quality = quality_view(spec.quality);
  if (spec.treatment.mbr_dl) shown.mbr_dl = model::format_bit_rate(*spec.treatment.mbr_dl);
  if (spec.treatment.mbr_ul) shown.mbr_ul = model::format_bit_rate(*spec.treatment.mbr_ul);
  shown.pdu_set_qos_dl = spec.treatment.pdu_set_dl;
  shown.pdu_set_qos_ul = spec.treatment.pdu_set_ul;
  shown.filters_dl = spec.treatment.filters_dl;
  shown.filters_ul = spec.treatment.filters_ul;
  if (!spec.alternatives.empty()) {
    auto& all = shown.alternatives.emplace();
    for (const auto& quality : spec.alternatives) all.push_back(quality_view(quality));
  }
  return shown;
}

view::NetQosFlow default_flow_view() {
  constexpr std::int64_t five_qi_default = 9;
  view::NetQosFlow shown;
  shown.qfi = default_qfi;
  shown.is_default = true;
  shown.five_qi = five_qi_default;
  return shown;
}

}  // namespace

RanControl::RanControl(Network& network, Sessions& sessions, Watches& watches)
    : net_(network), sessions_(sessions), watches_(watches) {
  if (!net_.config.smf) return;
  if (const auto pool = Ipv4Network::parse(net_.config.smf->ue_pool)) pool_.emplace(*pool);
  for (const auto& text : net_.config.smf->ran_networks)
    if (const auto network_of = parse_ip_network(text))
      ran_.push_back({network_of->first, network_of->second});
}

bool RanControl::serves(std::string_view id) {
  return std::ranges::find(of_the_ran, id) != of_the_ran.end();
}

bool RanControl::is_ran(std::string_view text) const {
  const auto address = model::parse_ip_address(text);
  return address && std::ranges::any_of(ran_, [&](const RanNetwork& ran) {
           return ran.network.index() == address->index() &&
                  model::network_of(*address, ran.prefix_length) == ran.network;
         });
}

Answer RanControl::handle(const Call& call) {
  if (!net_.smf) return refuse(Errc::not_found, "This network has no UPF.");
  const auto id = call.operation.id;
  if (id == operation::list_net_gnbs) return list_gnbs();
  if (id == operation::add_net_gnb) return add_gnb(call);
  if (id == operation::remove_net_gnb) return remove_gnb(call);
  if (id == operation::list_net_upfs) return list_upfs();
  const auto ue = net_.world.by_name(call.param("ueId"));
  if (!ue) return refuse(Errc::not_found, "No UE has that name.");
  if (id == operation::start_net_pdu_session) return start(call, *ue);
  if (!net_.smf->is_open(*ue)) return refuse(Errc::not_found, "The UE is not registered.");
  if (id == operation::read_net_pdu_session) return read(call, *ue);
  if (id == operation::end_net_pdu_session) return end(*ue, call.now);
  if (id == operation::measure_net_pdu_session) return measured(call, *ue);
  return notice(call, *ue);
}

// ---- gNBs and UPFs ----------------------------------------------------------------------------

Answer RanControl::list_gnbs() const {
  view::NetGnbs all;
  for (const auto& [id, gnb] : gnbs_) {
    auto& shown = all.gnbs.emplace_back();
    shown.gnb_id = id;
    shown.n3_addr = model::to_text(gnb.n3);
  }
  return json_answer(200, all);
}

// The same name again is the same gNB after a restart, perhaps at another address.
Answer RanControl::add_gnb(const Call& call) {
  auto body = read_body<view::NetGnb>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  const auto n3 = model::parse_ip_address(body->n3_addr);
  if (!n3)
    return refuse(Errc::pattern, "The address of the gNB is none.",
                  {{Errc::pattern, "/n3Addr", "must be an IPv4 or IPv6 address"}});
  const auto at = gnbs_.find(body->gnb_id);
  if (at == gnbs_.end() && gnbs_.size() >= gnbs_max)
    return refuse(Errc::too_many, "There are as many gNBs as there may be.");
  const bool known = at != gnbs_.end();
  gnbs_.insert_or_assign(body->gnb_id, Gnb{*n3});
  auto response = json_answer(known ? 200 : 201, *body);
  if (!known)
    response.headers.add("location", net_.config.api_root + "/netsim-control/v1/gnbs/" +
                                         http::percent_encode(body->gnb_id));
  return response;
}

Answer RanControl::remove_gnb(const Call& call) {
  const auto at = gnbs_.find(call.param("gnbId"));
  if (at == gnbs_.end()) return refuse(Errc::not_found, "There is no such gNB.");
  std::vector<UeIndex> of_it;
  for (const auto& [ue, registration] : registrations_)
    if (registration.gnb == at->first) of_it.push_back(ue);
  for (const auto ue : of_it) end_session(ue, call.now);
  gnbs_.erase(at);
  return no_content();
}

Answer RanControl::list_upfs() const {
  view::NetUpfs all;
  const auto& upfs = net_.config.smf->upfs;
  for (UpfIndex upf = 0; upf < upfs.size(); ++upf) {
    const auto state = net_.smf->n4().state(upf);
    auto& shown = all.upfs.emplace_back();
    shown.name = upfs[upf].name;
    shown.address = upfs[upf].address;
    shown.port = upfs[upf].port;
    shown.associated = state.up;
    if (!state.up) shown.cause = std::string(state.cause);
    const auto has = [&](pfcp::UpFeature feature) {
      return state.features && state.features->has(feature);
    };
    shown.pdu_sets = has(pfcp::UpFeature::pdusm);
    shown.qos_monitoring = has(pfcp::UpFeature::qfqm);
  }
  return json_answer(200, all);
}

// ---- PDU sessions -----------------------------------------------------------------------------

// Addresses of sessions that were being released, as soon as the UPF has answered.
void RanControl::collect_addresses() {
  std::erase_if(returning_, [&](const auto& one) {
    if (!net_.smf->is_gone(one.first)) return false;
    pool_->give_back(one.second);
    return true;
  });
}

// 1. What the subscription says of the UE. 2. Else an address of the pool; the UE has none before.
Outcome<void> RanControl::give_address(UeIndex ue, Registration& registration, Instant now) {
  const auto before = net_.world.ue(ue).config;
  if (!before.ipv4.empty() || !before.ipv6.empty()) return {};
  collect_addresses();
  if (const auto own = returning_.find(ue); own != returning_.end()) {
    registration.lent = own->second;
    returning_.erase(own);
  } else if (pool_) {
    registration.lent = pool_->allocate([&](const model::Ipv4Address& address) {
      return net_.world.has_ipv4(address.text(), before.ip_domain);
    });
  }
  if (!registration.lent) return refuse(Errc::conflict, "There is no address left for the UE.");
  net_.world.change_address(ue, registration.lent->text(), std::nullopt);
  if (net_.world.ue(ue).session_up) watches_.readdressed(ue, before, now);
  return {};
}

Answer RanControl::start(const Call& call, UeIndex ue) {
  const auto body = read_body<view::NetRegistration>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto gnb = gnbs_.find(body->gnb_id);
  if (gnb == gnbs_.end())
    return refuse(Errc::not_found, "The gNB has not made itself known.",
                  {{Errc::not_found, "/gnbId", "is not known"}});
  const bool known = net_.smf->is_open(ue);
  auto& registration = registrations_[ue];
  const auto teid = static_cast<std::uint32_t>(body->teid);
  if (registration.gnb != gnb->first || registration.teid != teid) registration.told = {};
  registration.gnb = gnb->first;
  registration.teid = teid;
  if (!known)
    if (auto given = give_address(ue, registration, call.now); !given) {
      registrations_.erase(ue);
      return tl::unexpected<Refusal>(std::move(given.error()));
    }
  const auto& config = net_.world.ue(ue).config;
  const auto& smf = *net_.config.smf;
  PduSessionFacts facts{.ipv4 = model::Ipv4Address::parse(config.ipv4),
                        .ipv6 = model::Ipv6Address::parse(config.ipv6),
                        .dnn = config.dnn,
                        .gnb = {gnb->second.n3, teid},
                        .ambr_dl = smf.session_ambr_dl,
                        .ambr_ul = smf.session_ambr_ul,
                        .n3_instance = smf.n3_instance};
  if (!net_.smf->open(ue, std::move(facts), call.now)) {
    forget(ue, call.now);
    return refuse(Errc::conflict, "No UPF leads to the UE's data network.");
  }
  if (!net_.world.ue(ue).session_up) {
    net_.world.attach(ue);
    watches_.attached(ue, call.now);
  }
  if (!known) sessions_.reach_user_plane(ue, call.now);
  auto response = json_answer(known ? 200 : 201, view(ue));
  if (!known)
    response.headers.add("location", net_.config.api_root + "/netsim-control/v1/ues/" +
                                         http::percent_encode(config.name) + "/pdu-session");
  return response;
}

// `after`: the version that the gNB knows. Nothing newer is 204, so a gNB may ask often.
Answer RanControl::read(const Call& call, UeIndex ue) const {
  const auto parameters = http::parse_query(http::split_target(call.request.target).query);
  if (!parameters) return refuse(parameters.error());
  for (const auto& [name, value] : *parameters) {
    if (name != "after") continue;
    const auto known = parse_decimal(value);
    if (!known)
      return refuse(Errc::malformed, "The query is not as it should be.",
                    {{Errc::malformed, "query:after", "must be a version"}});
    if (net_.smf->session(ue)->version <= *known) return no_content();
  }
  return json_answer(200, view(ue));
}

Answer RanControl::end(UeIndex ue, Instant now) {
  end_session(ue, now);
  return no_content();
}

void RanControl::end_session(UeIndex ue, Instant now) {
  sessions_.lose_ue(ue, now);
  watches_.detached(ue, now);
  net_.world.detach(ue);
  forget(ue, now);
}

void RanControl::forget(UeIndex ue, Instant now) {
  if (!net_.smf) return;
  net_.smf->close(ue, now);
  const auto at = registrations_.find(ue);
  if (at == registrations_.end()) return;
  if (at->second.lent) {
    returning_.emplace(ue, *at->second.lent);
    if (net_.world.ue(ue).config.ipv4 == at->second.lent->text())
      net_.world.change_address(ue, std::string(), std::nullopt);
  }
  registrations_.erase(at);
  collect_addresses();
}

Answer RanControl::notice(const Call& call, UeIndex ue) {
  const auto body = read_body<view::NetGuaranteeNotice>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  GuaranteeNotice notice{.held = body->fulfilled, .alternative = {}};
  if (body->alternative && !notice.held)
    notice.alternative = static_cast<std::size_t>(*body->alternative);
  if (!sessions_.take_notice(ue, static_cast<QfiNumber>(body->qfi), notice, call.now))
    return refuse(Errc::not_found, "The UE has no such QoS flow.",
                  {{Errc::not_found, "/qfi", "is not known"}});
  return no_content();
}

Answer RanControl::measured(const Call& call, UeIndex ue) {
  const auto body = read_body<view::NetRanCounters>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const RanCounters told{.delivered = static_cast<std::uint64_t>(body->delivered_dl),
                         .lost = static_cast<std::uint64_t>(body->lost_dl),
                         .octets = static_cast<std::uint64_t>(body->octets_dl),
                         .delay_us = static_cast<std::uint64_t>(body->delay_dl)};
  auto& before = registrations_.at(ue).told;
  net_.world.carried(ue, told.reaches(before) ? told.since(before) : told);
  before = told;
  return no_content();
}

view::NetPduSession RanControl::view(UeIndex ue) const {
  const auto& session = *net_.smf->session(ue);
  view::NetPduSession shown;
  shown.ue = net_.world.ue(ue).config.name;
  shown.version = static_cast<std::int64_t>(session.version);
  shown.state = view::PduSessionState(std::string(to_string(session.phase)));
  if (!session.cause.empty()) shown.cause = std::string(session.cause);
  shown.gnb_id = registrations_.at(ue).gnb;
  shown.gnb_teid = session.facts.gnb.teid;
  if (session.facts.ipv4) shown.ue_ipv4_addr = session.facts.ipv4->text();
  if (session.facts.ipv6) shown.ue_ipv6_addr = session.facts.ipv6->text();
  shown.dnn = session.facts.dnn;
  if (session.tunnel) {
    shown.upf_teid = session.tunnel->teid;
    if (session.tunnel->v4)
      shown.upf_n3_addr = session.tunnel->v4->text();
    else if (session.tunnel->v6)
      shown.upf_n3_addr = session.tunnel->v6->text();
  }
  shown.session_ambr_dl = model::format_bit_rate(session.facts.ambr_dl);
  shown.session_ambr_ul = model::format_bit_rate(session.facts.ambr_ul);
  shown.link = link_view(net_.world.ue(ue).link);
  if (session.phase != PduSession::Phase::established) return shown;
  shown.qos_flows.push_back(default_flow_view());
  for (const auto& [number, flow] : session.flows)
    if (flow.installed) shown.qos_flows.push_back(flow_view(flow.qfi, *flow.installed));
  return shown;
}

}  // namespace lobo::core_sim
