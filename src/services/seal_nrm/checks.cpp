#include "services/seal_nrm/checks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nra.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "model/flow_description.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {

using api::ss_nra::UnicastSubscription;
using api::ss_nra::UniQosRequirement;

namespace {

constexpr std::size_t requirement_bytes_max = 16384;

class Faults {
 public:
  void add(Errc code, std::string where, std::string reason) {
    list_.push_back({code, std::move(where), std::move(reason)});
  }
  void add(std::vector<Fault> more) {
    for (auto& fault : more) list_.push_back(std::move(fault));
  }
  bool none() const { return list_.empty(); }
  std::vector<Fault> take() { return std::move(list_); }
  tl::unexpected<Error> failure(std::string detail) {
    const Errc code = list_.front().code;
    return fail(code, std::move(detail), std::move(list_));
  }

 private:
  std::vector<Fault> list_;
};

void check_rates(const std::optional<std::string>& guaranteed,
                 const std::optional<std::string>& maximum, std::string_view direction,
                 Faults& faults) {
  std::optional<BitsPerSecond> low, high;
  if (guaranteed) low = model::parse_bit_rate(*guaranteed);
  if (maximum) high = model::parse_bit_rate(*maximum);
  if (guaranteed && (!low || low->count == 0))
    faults.add(Errc::out_of_range, "/uniQosReq/gbr" + std::string(direction),
               "must be above 0 and below 2^64 bps");
  if (maximum && (!high || high->count == 0))
    faults.add(Errc::out_of_range,
               direction == "Ul" ? "/uniQosReq/ulBitRate" : "/uniQosReq/dlBitRate",
               "must be above 0 and below 2^64 bps");
  if (low && high && *low > *high)
    faults.add(Errc::out_of_range, "/uniQosReq/gbr" + std::string(direction),
               "must not be above the maximum bit rate");
}

void check_flows(const UniQosRequirement& qos, Faults& faults) {
  if (!qos.flows) return;
  const auto flows = std::span(*qos.flows);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const auto& flow = flows[i];
    const auto at = [i] { return "/uniQosReq/flows/" + std::to_string(i); };
    const auto same_id = [&](const auto& earlier) { return earlier.flow_id == flow.flow_id; };
    if (flow.flow_id && std::ranges::any_of(flows.first(i), same_id))
      faults.add(Errc::duplicate, at() + "/flowId", "stands twice");
    std::array<bool, 2> described{};  // by direction
    for (std::size_t j = 0; j < flow.flow_descriptions.size(); ++j) {
      const auto rule = model::FlowDescription::parse(flow.flow_descriptions[j]);
      const auto here = [&] { return at() + "/flowDescriptions/" + std::to_string(j); };
      if (!rule)
        faults.add(Errc::pattern, here(),
                   "must be an IPFilterRule such as 'permit out 17 from 192.0.2.10 5004 to any': " +
                       (rule.error().faults.empty() ? rule.error().detail
                                                    : rule.error().faults.front().reason));
      else if (std::exchange(described[rule->direction == model::FlowDescription::Direction::in],
                             true))
        faults.add(Errc::duplicate, here(), "must describe the other direction");
    }
  }
}

void check_requirement(const UniQosRequirement& qos, const Settings& settings, Faults& faults) {
  const auto known = [&](const std::string& reference, std::string where) {
    if (!settings.qos_references.contains(reference))
      faults.add(Errc::not_allowed, std::move(where),
                 "no such QoS reference is agreed on with the network");
  };
  if (qos.qos_reference) known(*qos.qos_reference, "/uniQosReq/qosReference");
  if (qos.alt_qo_s_references)
    for (std::size_t i = 0; i < qos.alt_qo_s_references->size(); ++i)
      known((*qos.alt_qo_s_references)[i], "/uniQosReq/altQoSReferences/" + std::to_string(i));
  const bool individual = qos.ul_bit_rate || qos.dl_bit_rate || qos.gbr_ul || qos.gbr_dl ||
                          qos.packet_delay_budget_ms || qos.packet_error_rate;
  if (qos.qos_reference && individual)
    faults.add(Errc::not_allowed, "/uniQosReq/qosReference",
               "either a QoS reference or individual parameters (TS 29.122 clause 5.14.2.1.2)");
  check_rates(qos.gbr_ul, qos.ul_bit_rate, "Ul", faults);
  check_rates(qos.gbr_dl, qos.dl_bit_rate, "Dl", faults);
  check_flows(qos, faults);
}

void check_sink(const std::string& uri, const Settings& settings, Faults& faults) {
  const auto url = http::parse_url(uri);
  if (!url) return faults.add(Errc::pattern, "/notifUri", url.error().detail);
  if (const auto allowed = settings.sinks.check(*url); !allowed)
    faults.add(Errc::not_allowed, "/notifUri", allowed.error().detail);
}

void check_duration(const std::optional<Instant>& end, const Settings& settings, Instant now,
                    Faults& faults) {
  if (!end) return;
  if (*end <= now) faults.add(Errc::out_of_range, "/duration", "must lie in the future");
  if (*end > now + settings.limits.duration_max)
    faults.add(Errc::out_of_range, "/duration",
               "must not lie further ahead than this server allows");
}

}  // namespace

std::vector<Fault> common_faults(const std::string& notif_uri, const std::optional<Instant>& end,
                                 const Settings& settings, Instant now) {
  Faults faults;
  check_sink(notif_uri, settings, faults);
  check_duration(end, settings, now, faults);
  return faults.take();
}

std::vector<Fault> requirement_faults(const UniQosRequirement& qos, const Settings& settings) {
  Faults faults;
  check_requirement(qos, settings, faults);
  return faults.take();
}

Result<UniQosRequirement> resolve_requirement(const std::optional<std::string>& text,
                                              std::string_view requester,
                                              const Settings& settings) {
  // T7, NOTE: without a requirement the server's default for this requester applies.
  if (!text) {
    auto found = settings.defaults.find(requester);
    if (found == settings.defaults.end()) found = settings.defaults.find("*");
    if (found == settings.defaults.end())
      return fail(Errc::missing, "no default quality is configured for this requester: state one",
                  {{Errc::missing, "/uniQosReq", "no default is configured for this requester"}});
    return found->second;
  }
  if (const auto service = settings.services.find(*text); service != settings.services.end())
    return service->second;
  if (settings.qos_references.contains(*text)) {
    UniQosRequirement reference;
    reference.qos_reference = *text;
    return reference;
  }
  if (text->empty() || text->front() != '{')
    return fail(Errc::not_allowed, "uniQosReq names nothing that is known here",
                {{Errc::not_allowed, "/uniQosReq",
                  "must be a configured VAL service, a QoS reference, or the text of a "
                  "UniQosRequirement"}});
  if (text->size() > requirement_bytes_max)
    return fail(Errc::too_large, "uniQosReq is too long",
                {{Errc::out_of_range, "/uniQosReq", "must have at most 16384 bytes"}});
  auto read = json::read<UniQosRequirement>(*text);
  if (!read) {
    auto error = std::move(read.error());
    for (auto& fault : error.faults) fault.where = "/uniQosReq" + fault.where;
    return fail(std::move(error));
  }
  Faults faults;
  check_requirement(*read, settings, faults);
  if (!faults.none()) return faults.failure("uniQosReq cannot be asked of the network");
  return std::move(*read);
}

Result<CheckedCreate> check_create(UnicastSubscription doc, std::string_view requester,
                                   const Settings& settings, const UeDirectory& directory,
                                   Instant now) {
  CheckedCreate out;
  Faults faults;
  const auto& target = doc.val_tgt_ue;
  const bool by_ue = target.val_ue_id.has_value();
  const std::string_view pointer = by_ue ? "/valTgtUe/valUeId" : "/valTgtUe/valUserId";
  const std::string& id = by_ue ? *target.val_ue_id : *target.val_user_id;
  if (id.empty()) faults.add(Errc::out_of_range, std::string(pointer), "must not be empty");
  check_sink(doc.notif_uri, settings, faults);
  check_duration(doc.duration, settings, now, faults);
  if (auto qos = resolve_requirement(doc.uni_qos_req, requester, settings))
    out.qos = std::move(*qos);
  else
    faults.add(std::move(qos.error().faults));
  if (!faults.none()) return faults.failure("the unicast subscription cannot be accepted as it is");

  const auto entry = by_ue ? directory.ue(id) : directory.user(id);
  const bool visible = entry && (entry->requesters.empty() ||
                                 std::find(entry->requesters.begin(), entry->requesters.end(),
                                           requester) != entry->requesters.end());
  if (visible)
    out.gpsi = entry->gpsi;
  else
    out.unknown_ue = pointer;
  doc.supp_feat = negotiate(doc.supp_feat);
  doc.ws_notif_cfg.reset();   // Delivery over WebSocket is a feature that we did not negotiate.
  doc.uni_qos_state.reset();  // Ours to say.
  out.doc = std::move(doc);
  return out;
}

Result<CheckedModify> check_modify(const UnicastSubscription& doc, const UniQosRequirement& qos,
                                   std::string_view patch, std::string_view requester,
                                   const Settings& settings, Instant now) {
  const auto read = json::read<api::ss_nra::UnicastSubscriptionPatch>(patch);
  if (!read) return fail(read.error());
  CheckedModify out{doc, qos};
  Faults faults;
  if (const auto value = json::parse(patch); value && value->find("valTgtUe") != nullptr)
    faults.add(Errc::not_allowed, "/valTgtUe", "cannot be changed: ask for another subscription");
  if (read->uni_qos_req) {
    out.doc.uni_qos_req = read->uni_qos_req;
    if (auto changed = resolve_requirement(read->uni_qos_req, requester, settings))
      out.qos = std::move(*changed);
    else
      faults.add(std::move(changed.error().faults));
  }
  if (!read->duration.is_absent()) {
    out.doc.duration = read->duration.value();
    check_duration(out.doc.duration, settings, now, faults);
  }
  if (read->notif_uri) {
    out.doc.notif_uri = *read->notif_uri;
    check_sink(out.doc.notif_uri, settings, faults);
  }
  if (!faults.none()) return faults.failure("the change cannot be accepted as it is");
  return out;
}

}  // namespace lobo::seal_nrm
