#pragma once
// What stands in queries; each fault is told by name.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/result.hpp"
#include "services/sealdd/measures.hpp"
#include "wire/http/message.hpp"

namespace lobo::sealdd {

inline constexpr std::size_t list_limit_default = 100;
inline constexpr std::size_t list_limit_max = 1000;

struct OrdersQuery {
  std::int64_t after = 0;
  std::chrono::milliseconds wait{0};
};
/// `after` and `wait` of ListRelayOrders.
Result<OrdersQuery> orders_query(const http::Request& request);

struct PageQuery {
  std::size_t limit = list_limit_default;
  std::string after;
  std::string room;  ///< empty: of any
};
/// `limit`, `cursor` and `room` of a list.
Result<PageQuery> page_query(const http::Request& request);

/// `asset-id` of GetSddFlowState; empty: the flow's own.
Result<std::string> asset_query(const http::Request& request);

struct ContextQuery {
  std::optional<std::int64_t> flow;
  bool features = false;
  bool extended = false;
};
/// Of PullDdContext.
Result<ContextQuery> context_query(const http::Request& request);

inline constexpr std::size_t storage_list_octets_max = std::size_t{4} << 20U;
/// `storage-ids` of GetDataStorages; empty: all.
Result<std::set<std::string, std::less<>>> storages_query(const http::Request& request);

struct ReportsQuery {
  Whom whom;
  bool features = false;
  bool extended = false;
};
/// Of GetHistTransQualMeasReports: whose reports, exactly one of a group, UEs or everybody.
Result<ReportsQuery> reports_query(const http::Request& request);

}  // namespace lobo::sealdd
