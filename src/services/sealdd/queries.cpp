#include "services/sealdd/queries.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "model/supported_features.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::sealdd {
namespace {

constexpr std::uint64_t order_max = 9'007'199'254'740'991;

tl::unexpected<Error> wrong(std::string_view name, std::string reason) {
  return fail(Errc::out_of_range, "the query is not as the API wants it",
              {{Errc::out_of_range, "query:" + std::string(name), std::move(reason)}});
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t least,
                                    std::uint64_t most) {
  const auto value = parse_decimal(text);
  if (!value || *value < least || *value > most) return std::nullopt;
  return value;
}

}  // namespace

Result<OrdersQuery> orders_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  OrdersQuery out;
  for (const auto& [name, value] : *query) {
    if (name == "after") {
      const auto after = number(value, 0, order_max);
      if (!after) return wrong(name, "must be the number of an order");
      out.after = static_cast<std::int64_t>(*after);
    } else if (name == "wait") {
      const auto wait = number(value, 0, static_cast<std::uint64_t>(poll_wait_max.count()));
      if (!wait) return wrong(name, "must be milliseconds from 0 to 10000");
      out.wait = std::chrono::milliseconds(*wait);
    }
  }
  return out;
}

Result<PageQuery> page_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  PageQuery out;
  for (const auto& [name, value] : *query) {
    if (name == "cursor") out.after = value;
    if (name == "room") out.room = value;
    if (name != "limit") continue;
    const auto limit = number(value, 1, list_limit_max);
    if (!limit) return wrong(name, "must be a number from 1 to 1000");
    out.limit = static_cast<std::size_t>(*limit);
  }
  return out;
}

Result<std::string> asset_query(const http::Request& request) {
  constexpr std::size_t asset_bytes_max = 256;
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  std::string out;
  for (const auto& [name, value] : *query) {
    if (name != "asset-id") continue;
    if (value.empty() || value.size() > asset_bytes_max)
      return wrong(name, "must be the identifier of an asset");
    out = value;
  }
  return out;
}

Result<ContextQuery> context_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  ContextQuery out;
  for (const auto& [name, value] : *query) {
    if (name == "sdd-flow-id") {
      const auto flow = number(value, 1, 4294967295U);
      if (!flow) return wrong(name, "must be the number of a flow");
      out.flow = static_cast<std::int64_t>(*flow);
    } else if (name == "supp-feats") {
      const auto features = model::SupportedFeatures::parse(value);
      if (!features) return wrong(name, "must be hexadecimal digits");
      out.features = true;
      out.extended = features->has(extension_feature);
    }
  }
  return out;
}

Result<std::set<std::string, std::less<>>> storages_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  std::set<std::string, std::less<>> out;
  for (const auto& [name, value] : *query)
    if (name == "storage-ids")
      for (const auto one : split(value, ',')) out.emplace(one);
  return out;
}

Result<ReportsQuery> reports_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  ReportsQuery out;
  int selectors = 0;
  for (const auto& [name, value] : *query) {
    if (name == "app-traffic-ids") {
      for (const auto one : split(value, ',')) out.whom.assets.emplace(one);
    } else if (name == "val-ue-ids-list") {
      ++selectors;
      for (const auto one : split(value, ',')) out.whom.ues.emplace(one);
    } else if (name == "val-group-id") {
      ++selectors;
      out.whom.room = value;
    } else if (name == "all-val-ues") {
      if (value != "true" && value != "false") return wrong(name, "must be true or false");
      selectors += value == "true" ? 1 : 0;
    } else if (name == "supp-feat") {
      const auto features = model::SupportedFeatures::parse(value);
      if (!features) return wrong(name, "must be hexadecimal digits");
      out.features = true;
      out.extended = features->has(extension_feature);
    }
  }
  if (out.whom.assets.empty())
    return fail(Errc::missing, "the query is not as the API wants it",
                {{Errc::missing, "query:app-traffic-ids", "of which traffic?"}});
  if (selectors > 1) return wrong("val-ue-ids-list", "goes alone: a group, or UEs, or everybody");
  return out;
}

}  // namespace lobo::sealdd
