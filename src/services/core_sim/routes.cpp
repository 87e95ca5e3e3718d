#include "services/core_sim/routes.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "api/analytics_exposure.hpp"
#include "api/applying_bdt_policy.hpp"
#include "api/as_session_with_qos.hpp"
#include "api/bsf.hpp"
#include "api/group_management.hpp"
#include "api/monitoring_event.hpp"
#include "api/net_control.hpp"
#include "api/oam.hpp"
#include "api/oam_files.hpp"
#include "api/policy_authorization.hpp"
#include "api/service_parameter.hpp"
#include "api/ue_address.hpp"
#include "api/ue_id.hpp"
#include "base/text.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/route.hpp"

namespace lobo::core_sim {

namespace {

std::vector<resource::Operation> collect() {
  std::vector<resource::Operation> all;
  const auto add = [&](std::span<const resource::Operation> some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  add(api::as_session_with_qos::operations());
  add(api::monitoring_event::operations());
  add(api::analytics_exposure::operations());
  add(api::ue_address::operations());
  add(api::ue_id::operations());
  add(api::policy_authorization::operations());
  add(api::bsf::operations());
  add(api::applying_bdt_policy::operations());
  add(api::service_parameter::operations());
  add(api::group_management::operations());
  add(api::net_control::operations());
  add(api::oam::operations());
  add(api::oam_files::operations());
  all.push_back({.id = request_access_token,
                 .method = "POST",
                 .path = "/oauth2/token",
                 .scope = "",
                 .content_type = "application/x-www-form-urlencoded",
                 .protection = resource::Protection::none,
                 .body_bytes_max = 8192});
  return all;
}

std::optional<resource::PathParams> match(std::string_view path_template,
                                          const std::vector<std::string_view>& segments) {
  const auto parts = split(path_template, '/');
  if (parts.size() != segments.size()) return std::nullopt;
  resource::PathParams params;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    if (!part.starts_with('{')) {
      if (part != segments[i]) return std::nullopt;
      continue;
    }
    auto value = http::percent_decode(segments[i]);
    if (!value || value->empty()) return std::nullopt;
    params.emplace(part.substr(1, part.size() - 2), std::move(*value));
  }
  return params;
}

}  // namespace

std::span<const resource::Operation> all_operations() {
  static const auto all = collect();
  return all;
}

RouteMatch match_route(std::string_view method, std::string_view path,
                       std::vector<std::string_view>& allowed) {
  const auto segments = split(path, '/');
  for (const auto& operation : all_operations()) {
    auto params = match(operation.path, segments);
    if (!params) continue;
    if (operation.method == method) return {&operation, std::move(*params)};
    allowed.push_back(operation.method);
  }
  return {};
}

}  // namespace lobo::core_sim
