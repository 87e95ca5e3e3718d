#include "services/metaverse/southbound_nrm.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/ss_nra.hpp"
#include "api/state/metaverse.hpp"
#include "base/quantity.hpp"
#include "model/bit_rate.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::metaverse {

namespace {

constexpr std::string_view managements = "/ss-nra/v1/mm-qos";

void add_rate(std::optional<std::string>& sum, const std::optional<std::string>& more) {
  const auto rate = more ? model::parse_bit_rate(*more) : std::nullopt;
  if (!rate || rate->count == 0) return;
  const auto before = sum ? model::parse_bit_rate(*sum) : std::nullopt;
  sum = model::format_bit_rate(BitsPerSecond{rate->count + (before ? before->count : 0)});
}

void add_budget(std::optional<std::int64_t>& least, const std::optional<std::int64_t>& one) {
  if (one) least = std::min(least.value_or(*one), *one);
}

/// "1E-3" against "4E-4": a bound of the same power is told apart by its digit.
bool stricter(const std::string& a, const std::string& b) {
  return a[3] != b[3] ? a[3] > b[3] : a[0] < b[0];
}

std::string one_of(std::string_view id) {
  return std::string(managements) + '/' + http::percent_encode(id);
}

http::Request request_of(std::string method, std::string target, std::string_view type = {},
                         std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("accept", "application/json, application/problem+json");
  if (!type.empty()) request.headers.add("content-type", std::string(type));
  request.body = std::move(body);
  return request;
}

}  // namespace

std::optional<std::string> network_body(
    const api::common::ValTargetUe& ue,
    const std::vector<const api::state::metaverse::AssetState*>& assets,
    const NetworkTerms& terms) {
  api::ss_nra::UniQosRequirement sum;
  bool dl_bounded = true, ul_bounded = true;
  for (const auto* asset : assets) {
    if (!asset->resolved.qos) continue;
    const auto& qos = *asset->resolved.qos;
    add_rate(sum.gbr_dl, qos.gbr_dl);
    add_rate(sum.gbr_ul, qos.gbr_ul);
    add_rate(sum.dl_bit_rate, qos.mbr_dl);
    add_rate(sum.ul_bit_rate, qos.mbr_ul);
    // A maximum of the sum only where each that adds to it has one.
    dl_bounded = dl_bounded && (qos.mbr_dl || !qos.gbr_dl);
    ul_bounded = ul_bounded && (qos.mbr_ul || !qos.gbr_ul);
    add_budget(sum.packet_delay_budget_ms, qos.pdb_dl);
    add_budget(sum.packet_delay_budget_ms, qos.pdb_ul);
    if (qos.per && (!sum.packet_error_rate || stricter(*qos.per, *sum.packet_error_rate)))
      sum.packet_error_rate = qos.per;
  }
  if (!dl_bounded) sum.dl_bit_rate.reset();
  if (!ul_bounded) sum.ul_bit_rate.reset();
  if (sum == api::ss_nra::UniQosRequirement{}) return std::nullopt;

  api::nra_mm_qos::MmQosManagement body;
  body.ues = {{ue}};
  auto& server = body.val_servers.emplace_back();
  server.val_server_id = terms.node;
  server.ipv4_addr = terms.at.ipv4_addr;
  if (!server.ipv4_addr) server.ipv6_addr = terms.at.ipv6_addr;
  if (server.ipv4_addr || server.ipv6_addr) server.port = terms.at.port;
  body.mm_service_id = terms.val_service_id;
  body.multi_modal_id = terms.session_id;
  api::nra_mm_qos::MmSession session;
  session.val_session_id = terms.session_id;
  session.mm_qos = std::move(sum);
  body.sessions = {{std::move(session)}};
  body.notif_uri = terms.notif_uri;
  return json::write(body);
}

std::string network_change_body(std::string_view wanted) {
  const auto whole = json::read<api::nra_mm_qos::MmQosManagement>(wanted);
  if (!whole) return "{}";  // It is our own writing.
  api::nra_mm_qos::MmQosPatch patch;
  patch.val_servers = whole->val_servers;
  patch.sessions = whole->sessions;
  return json::write(patch);
}

http::Request network_request(std::string body, std::string_view key) {
  auto request = request_of("POST", std::string(managements), "application/json", std::move(body));
  // Whatever became of the first one, the second makes nothing new.
  request.headers.add("idempotency-key", std::string(key));
  return request;
}
http::Request network_change_request(std::string_view id, std::string body) {
  return request_of("PATCH", one_of(id), "application/merge-patch+json", std::move(body));
}
http::Request network_release_request(std::string_view id) {
  return request_of("DELETE", one_of(id));
}

}  // namespace lobo::metaverse
