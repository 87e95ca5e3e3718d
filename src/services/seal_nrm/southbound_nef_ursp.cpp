// ServiceParameter (TS 29.522 clause 4.4.20): guidance for a UE's route selection.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/service_parameter.hpp"
#include "base/require.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

namespace svc = api::service_parameter;

namespace {

std::string collection(const Settings& settings) {
  return "/3gpp-service-parameter/v1/" + http::percent_encode(nef_of(settings).scs_as_id) +
         "/subscriptions";
}

/// IPFilterRule of what comes back; a UE matches what it sends against it the other way round (TS
/// 29.522 table 5.11.2.3.10-1).
std::string rule_of(const api::nra_reliable::AppTrafficDesc& traffic) {
  std::string rule = "permit out ";
  rule += traffic.protocol ? std::to_string(*traffic.protocol) : "ip";
  rule += " from " + (traffic.ipv4_addr ? *traffic.ipv4_addr : traffic.ipv6_addr.value_or(""));
  if (traffic.port) rule += ' ' + std::to_string(*traffic.port);
  return rule + " to any";
}

svc::UrspRuleRequest guidance(const api::nra_reliable::AppTrafficDesc& traffic,
                              const PathRoute& path, std::int64_t rank) {
  svc::UrspRuleRequest out;
  out.traffic_desc.emplace();
  out.traffic_desc->flow_descs = {{rule_of(traffic)}};
  out.relat_precedence = rank;
  svc::RouteSelectionParameterSet route;
  route.dnn = path.dnn;
  route.snssai = path.snssai;
  route.precedence = 1;
  out.route_sel_param_sets.emplace();
  out.route_sel_param_sets->push_back(std::move(route));
  return out;
}

}  // namespace

http::Request guide_request(const Settings& settings, const std::string& callback,
                            std::string_view gpsi,
                            const std::vector<api::nra_reliable::AppTrafficDesc>& traffic) {
  require(traffic.size() == 2 && settings.reliable_paths);  // Checked before anything is asked.
  svc::ServiceParameterData body;
  body.gpsi = std::string(gpsi);
  body.ursp_guidance.emplace();
  body.ursp_guidance->push_back(guidance(traffic[0], settings.reliable_paths->first, 1));
  body.ursp_guidance->push_back(guidance(traffic[1], settings.reliable_paths->second, 2));
  body.sub_notif_events = {{svc::Event(svc::EventKnown::success_ue_pol_del_sp),
                            svc::Event(svc::EventKnown::unsuccess_ue_pol_del_sp)}};
  body.notification_destination = callback;
  return request_of("POST", collection(settings), "application/json", json::write(body));
}

http::Request withdraw_guidance_request(const Settings& settings, std::string_view id) {
  return request_of("DELETE", collection(settings) + "/" + http::percent_encode(id));
}

http::Request list_guidance_request(const Settings& settings, std::string_view gpsi) {
  return request_of("GET", collection(settings) + "?gpsis=" + http::percent_encode(gpsi));
}

}  // namespace lobo::seal_nrm
