// ApplyingBdtPolicy (TS 29.522): requests, and the list by which a lost answer is made good.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/applying_bdt_policy.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

constexpr std::size_t listed_policies_max = 64;

std::string collection(const Settings& settings) {
  return "/3gpp-applying-bdt-policy/v1/" + http::percent_encode(nef_of(settings).scs_as_id) +
         "/subscriptions";
}

bool is_policy_of(const json::Value& policy, std::string_view gpsi, std::string_view bdt_ref_id) {
  const auto says = [&](std::string_view member, std::string_view text) {
    const auto* value = policy.find(member);
    return value != nullptr && value->text() != nullptr && *value->text() == text;
  };
  return says("gpsi", gpsi) && says("bdtRefId", bdt_ref_id);
}

std::optional<std::string> name_of(const json::Value& policy) {
  const auto* self = policy.find("self");
  if (self == nullptr || self->text() == nullptr) return std::nullopt;
  return last_segment(*self->text());
}

}  // namespace

http::Request apply_bdt_request(const Settings& settings, std::string_view gpsi,
                                std::string_view bdt_ref_id) {
  api::applying_bdt_policy::AppliedBdtPolicy body;
  body.gpsi = std::string(gpsi);
  body.bdt_ref_id = bdt_ref_id;
  body.supp_feat = "0";
  return request_of("POST", collection(settings), "application/json", json::write(body));
}

http::Request withdraw_bdt_request(const Settings& settings, std::string_view id) {
  return request_of("DELETE", collection(settings) + "/" + http::percent_encode(id));
}

http::Request get_bdt_request(const Settings& settings, std::string_view id) {
  return request_of("GET", collection(settings) + "/" + http::percent_encode(id));
}

http::Request list_bdt_request(const Settings& settings) {
  return request_of("GET", collection(settings));
}

bool says_bdt_gone(const Result<http::Response>& response, std::string_view gpsi,
                   std::string_view bdt_ref_id) {
  const auto kept = read_session(response);
  if (!kept || kept->gone) return kept.has_value();
  const auto body = json::parse(kept->body);
  return body && !is_policy_of(*body, gpsi, bdt_ref_id);
}

std::optional<std::vector<std::string>> read_bdt_names(const Result<http::Response>& response) {
  if (!response || (response->status != 200 && response->status != 204)) return std::nullopt;
  std::vector<std::string> names;
  if (response->status == 204) return names;
  const auto list = json::parse(response->body);
  if (!list || list->array() == nullptr) return std::nullopt;
  for (const auto& item : *list->array()) {
    auto id = name_of(item);
    if (!id) return std::nullopt;
    names.push_back(std::move(*id));
  }
  std::ranges::sort(names);
  return names;
}

std::optional<std::vector<std::string>> read_bdt_list(const Result<http::Response>& response,
                                                      std::string_view gpsi,
                                                      std::string_view bdt_ref_id) {
  if (!response) return std::nullopt;
  if (response->status == 204 || response->status == 404 || response->status == 501)
    return std::vector<std::string>{};
  if (response->status != 200) return std::nullopt;
  const auto list = json::parse(response->body);
  if (!list || list->array() == nullptr) return std::nullopt;
  std::vector<std::string> found;
  for (const auto& item : *list->array()) {
    if (!is_policy_of(item, gpsi, bdt_ref_id)) continue;
    auto id = name_of(item);
    if (!id) return std::nullopt;
    if (found.size() < listed_policies_max) found.push_back(std::move(*id));
  }
  return found;
}

}  // namespace lobo::seal_nrm
