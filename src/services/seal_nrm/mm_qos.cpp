#include "services/seal_nrm/mm_qos.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/ss_nra.hpp"
#include "api/state/adaptation.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/seal_nrm/adaptation_checks.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::nra_adaptation::NetworkResourceAdaptation;
using api::nra_adaptation::NetworkResourceAdaptationPatch;
using api::nra_mm_qos::MmQosManagement;
using api::nra_mm_qos::MmSession;
using api::ss_nra::UniQosFlow;
using api::ss_nra::UniQosRequirement;
using api::state::adaptation::AdaptationState;

namespace {

/// A figure that one session does without is the others' alone.
void add_rate(std::optional<std::string>& sum, const std::optional<std::string>& more) {
  if (!more) return;
  const auto rate = model::parse_bit_rate(*more);
  if (!rate) return;  // Refused already.
  const auto before = sum ? model::parse_bit_rate(*sum) : std::nullopt;
  sum = before ? model::format_bit_rate(BitsPerSecond{before->count + rate->count}) : *more;
}

/// "1E-3": digits and exponent, so the smaller one is found without a number.
bool stricter(const std::string& a, const std::string& b) {
  const auto value = [](const std::string& text) {
    double out = text[0] - '0';
    for (char i = text[3]; i > '0'; --i) out /= 10;
    return out;
  };
  return value(a) < value(b);
}

/// A maximum holds for the sum only where each of those that are added has one.
struct Maxima {
  bool dl = true;
  bool ul = true;
};

void join(UniQosRequirement& sum, const UniQosRequirement& one, Maxima& all_have) {
  all_have.dl = all_have.dl && (one.dl_bit_rate || !one.gbr_dl);
  all_have.ul = all_have.ul && (one.ul_bit_rate || !one.gbr_ul);
  add_rate(sum.gbr_dl, one.gbr_dl);
  add_rate(sum.gbr_ul, one.gbr_ul);
  add_rate(sum.dl_bit_rate, one.dl_bit_rate);
  add_rate(sum.ul_bit_rate, one.ul_bit_rate);
  if (one.packet_delay_budget_ms)
    sum.packet_delay_budget_ms =
        std::min(sum.packet_delay_budget_ms.value_or(*one.packet_delay_budget_ms),
                 *one.packet_delay_budget_ms);
  if (one.packet_error_rate &&
      (!sum.packet_error_rate || stricter(*one.packet_error_rate, *sum.packet_error_rate)))
    sum.packet_error_rate = one.packet_error_rate;
}

/// What it says of how traffic looks cannot be added to another's.
bool stands_alone(const UniQosRequirement& one) {
  return one.qos_reference || one.pdu_set_qos_dl || one.pdu_set_qos_ul || one.proto_desc_dl ||
         one.proto_desc_ul || one.dat_burst_size_ind || one.timeto_next_burst_ind;
}

void check_part(const UniQosRequirement& one, const std::string& where, const Settings& settings,
                std::vector<Fault>& faults) {
  for (auto& fault : requirement_faults(one, settings)) {
    constexpr std::string_view prefix = "/uniQosReq";
    if (fault.where.starts_with(prefix)) fault.where = where + fault.where.substr(prefix.size());
    faults.push_back(std::move(fault));
  }
  if (one.flows) faults.push_back({Errc::not_allowed, where + "/flows", "are those of valServers"});
  if (one.multi_modal_id)
    faults.push_back({Errc::not_allowed, where + "/multiModalId", "is that of the request"});
}

std::optional<std::vector<UniQosFlow>> flows_of(const MmQosManagement& mm) {
  std::vector<UniQosFlow> flows;
  for (const auto& server : mm.val_servers) {
    if (!server.ipv4_addr && !server.ipv6_addr) continue;
    auto far = server.ipv4_addr ? *server.ipv4_addr : *server.ipv6_addr;
    // A rule with a port needs a protocol; what runs over this is UDP (RFC 9000).
    const std::string protocol = server.port ? "17" : "ip";
    if (server.port) far += ' ' + std::to_string(*server.port);
    UniQosFlow flow;
    flow.flow_descriptions = {"permit out " + protocol + " from " + far + " to any",
                              "permit in " + protocol + " from any to " + far};
    flows.push_back(std::move(flow));
  }
  if (flows.empty()) return std::nullopt;
  return flows;
}

void check_shape(const MmQosManagement& mm, std::vector<Fault>& faults) {
  std::set<std::string> servers;
  for (std::size_t i = 0; i < mm.val_servers.size(); ++i) {
    const auto& server = mm.val_servers[i];
    const auto at = "/valServers/" + std::to_string(i);
    if (!servers.insert(server.val_server_id).second)
      faults.push_back({Errc::duplicate, at + "/valServerId", "stands twice"});
    if (server.ipv4_addr && server.ipv6_addr)
      faults.push_back({Errc::not_allowed, at + "/ipv6Addr", "one address at a time"});
    if (server.port && !server.ipv4_addr && !server.ipv6_addr)
      faults.push_back({Errc::not_allowed, at + "/port", "needs an address"});
  }
  if (mm.sessions) {
    std::set<std::string> sessions;
    for (std::size_t i = 0; i < mm.sessions->size(); ++i)
      if (!sessions.insert((*mm.sessions)[i].val_session_id).second)
        faults.push_back(
            {Errc::duplicate, "/sessions/" + std::to_string(i) + "/valSessionId", "stands twice"});
  }
  if (mm.session_dependencies)
    faults.push_back({Errc::not_allowed, "/sessionDependencies", "is not served"});
  if (mm.service_area) faults.push_back({Errc::not_allowed, "/serviceArea", "is not served"});
}

/// Faults of an adaptation as those of what it was made of.
void rename(std::vector<Fault>& faults) {
  for (auto& fault : faults)
    if (fault.where.starts_with("/valUeIds")) fault.where = "/ues" + fault.where.substr(9);
}

void take_faults(Error error, std::vector<Fault>& faults) {
  rename(error.faults);
  std::ranges::move(error.faults, std::back_inserter(faults));
}

}  // namespace

Result<UniQosRequirement> quality_of(const MmQosManagement& mm, const Settings& settings) {
  std::vector<Fault> faults;
  if (mm.mm_qos) check_part(*mm.mm_qos, "/mmQos", settings, faults);
  std::vector<const UniQosRequirement*> parts;
  if (mm.sessions)
    for (std::size_t i = 0; i < mm.sessions->size(); ++i) {
      const auto& one = (*mm.sessions)[i];
      const auto at = "/sessions/" + std::to_string(i) + "/mmQos";
      if (one.mm_qos) {
        check_part(*one.mm_qos, at, settings, faults);
        parts.push_back(&*one.mm_qos);
      } else if (mm.mm_qos) {
        parts.push_back(&*mm.mm_qos);
      } else {
        faults.push_back({Errc::missing, at, "neither the session nor the service states any"});
      }
      if (parts.size() > 1 && (stands_alone(*parts.front()) || stands_alone(*parts.back())))
        faults.push_back({Errc::not_allowed, at,
                          "only figures can be added up: one session alone may have a QoS "
                          "reference, or PDU Set and protocol descriptions"});
    }
  else if (mm.mm_qos)
    parts.push_back(&*mm.mm_qos);
  else
    faults.push_back(
        {Errc::missing, "/mmQos", "a quality is needed, of the service or of sessions"});
  if (!faults.empty()) {
    const Errc code = faults.front().code;
    return fail(code, "the quality cannot be asked of the network", std::move(faults));
  }
  UniQosRequirement out;
  if (parts.size() == 1) {
    out = *parts.front();
  } else {
    Maxima all_have;
    for (const auto* part : parts) join(out, *part, all_have);
    if (!all_have.dl) out.dl_bit_rate.reset();
    if (!all_have.ul) out.ul_bit_rate.reset();
  }
  out.flows = flows_of(mm);
  out.multi_modal_id = mm.multi_modal_id;
  return out;
}

Result<CheckedMmQos> check_mm_qos(MmQosManagement mm, std::string_view id,
                                  std::string_view requester, const Settings& settings,
                                  const UeDirectory& directory, Instant now) {
  std::vector<Fault> faults;
  check_shape(mm, faults);
  // By what the network knows it: never a name by which another requester's could be meant.
  if (!mm.multi_modal_id)
    mm.multi_modal_id =
        mm.mm_service_id ? std::string(requester) + '/' + *mm.mm_service_id : std::string(id);
  NetworkResourceAdaptation doc;
  doc.val_ue_ids = std::exchange(mm.ues, std::nullopt);
  doc.val_group_id = mm.val_group_id;
  doc.duration = mm.duration;
  doc.notif_uri = mm.notif_uri;
  doc.req_test_notif = mm.req_test_notif;
  doc.supp_feat = mm.supp_feat;
  auto quality = quality_of(mm, settings);
  if (quality)
    doc.uni_qos_req = json::write(*quality);
  else
    take_faults(std::move(quality.error()), faults);
  if (!quality) {
    // The rest is looked at all the same, so that all that is wrong is told at once.
    UniQosRequirement any;
    any.packet_delay_budget_ms = 1;
    doc.uni_qos_req = json::write(any);
  }
  auto checked = check_adaptation(std::move(doc), requester, settings, directory, now);
  if (!checked) take_faults(std::move(checked.error()), faults);
  if (!faults.empty()) {
    const Errc code = faults.front().code;
    return fail(code, "the QoS management cannot be accepted as it is", std::move(faults));
  }
  mm.supp_feat = checked->doc.supp_feat;
  mm.mm_qos_state.reset();  // Ours to say.
  mm.ue_results.reset();
  mm.report_config.reset();
  return CheckedMmQos{std::move(mm), std::move(*checked)};
}

Result<CheckedMmQosChange> check_mm_qos_change(const MmQosManagement& mm,
                                               const NetworkResourceAdaptation& doc,
                                               const UniQosRequirement& qos, std::string_view patch,
                                               std::string_view requester, const Settings& settings,
                                               const UeDirectory& directory, Instant now) {
  auto read = json::read<api::nra_mm_qos::MmQosPatch>(patch);
  if (!read) return fail(read.error());
  std::vector<Fault> faults;
  const auto value = json::parse(patch);
  for (const std::string_view fixed : {"valGroupId", "mmServiceId", "multiModalId", "partial"})
    if (value && value->find(fixed) != nullptr)
      faults.push_back({Errc::not_allowed, "/" + std::string(fixed),
                        "cannot be changed: ask for another management"});
  auto wanted = mm;
  if (read->val_servers) wanted.val_servers = std::move(*read->val_servers);
  if (read->sessions) wanted.sessions = std::move(*read->sessions);
  if (read->mm_qos) wanted.mm_qos = std::move(*read->mm_qos);
  if (!read->duration.is_absent()) wanted.duration = read->duration.value();
  if (read->notif_uri) wanted.notif_uri = *read->notif_uri;
  check_shape(wanted, faults);
  NetworkResourceAdaptationPatch change;
  change.val_ue_ids = std::move(read->ues);
  change.duration = read->duration;
  change.notif_uri = read->notif_uri;
  auto quality = quality_of(wanted, settings);
  if (quality)
    change.uni_qos_req = json::write(*quality);
  else
    take_faults(std::move(quality.error()), faults);
  auto text = json::write(change);
  if (text == "{}") text = R"({"acceptOffer":false})";  // A patch of nothing but what is refused.
  auto checked = check_adaptation_change(doc, qos, text, requester, settings, directory, now);
  if (!checked) take_faults(std::move(checked.error()), faults);
  if (!faults.empty()) {
    const Errc code = faults.front().code;
    return fail(code, "the change cannot be accepted as it is", std::move(faults));
  }
  return CheckedMmQosChange{std::move(wanted), std::move(*checked)};
}

// ---- what is shown and told --------------------------------------------------------------------

std::string mm_qos_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/ss-nra/v1/mm-qos/" + std::string(id);
}

namespace {

MmQosManagement merged(const AdaptationState& state, NetworkResourceAdaptation shown) {
  auto out = *state.mm;
  out.ues = std::move(shown.val_ue_ids);
  out.mm_qos_state = std::move(shown.adapt_state);
  out.ue_results = std::move(shown.ue_results);
  out.report_config = report_config(state.qos);
  return out;
}

}  // namespace

MmQosManagement represent_mm_qos(const AdaptationState& state, const Settings& settings) {
  return merged(state, represent_adaptation(state, settings));
}

Result<MmQosManagement> represent_mm_qos(std::string_view id, const AdaptationState& state,
                                         const Settings& settings, const resource::Lookup& lookup) {
  auto shown = represent_adaptation(id, state, settings, lookup);
  if (!shown) return fail(shown.error());
  return merged(state, std::move(*shown));
}

api::nra_mm_qos::MmReportConfig report_config(const UniQosRequirement& qos) {
  api::nra_mm_qos::MmReportConfig out;
  out.packet_delay_budget_ms = qos.packet_delay_budget_ms;
  out.packet_error_rate = qos.packet_error_rate;
  out.events = {{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED", "QOS_TERMINATED"}};
  return out;
}

std::optional<std::vector<MmSession>> session_configs(const MmQosManagement& mm) {
  if (!mm.sessions) return std::nullopt;
  auto out = *mm.sessions;
  for (auto& one : out)
    if (!one.mm_qos) one.mm_qos = mm.mm_qos;
  return out;
}

std::string mm_qos_notification(const api::nra_adaptation::AdaptationNotification& told,
                                const MmQosManagement& mm) {
  api::nra_mm_qos::MmQosNotification body;
  body.notif_id = told.notif_id;
  body.mm_service_id = mm.mm_service_id;
  for (const auto& event : told.event_notifs) {
    auto& news = body.event_notifs.emplace_back();
    news.event = api::nra_mm_qos::MmQosEvent(event.event.text);
    news.ts = event.ts;
    news.seq = event.seq;
    news.mm_qos_id = event.adaptation_id.value_or("");
    news.val_tgt_ue = event.val_tgt_ue;
    news.cause = event.cause;
    news.applied_qos_ref = event.applied_qos_ref;
    news.ue_result = event.ue_result;
  }
  return json::write(body);
}

}  // namespace lobo::seal_nrm
