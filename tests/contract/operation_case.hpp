#pragma once
// How one status of one operation is provoked, and what the cases have in common.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/system.hpp"

namespace lobo::app::testing {

inline constexpr std::size_t beyond_any_limit = 70000;

/// How to provoke one status of one operation.
struct Case {
  std::string_view operation;
  int status;
  std::function<int(System&)> provoke;
  System::Setup setup{};
};

/// Sends and does not wait: what it asks for stays under way.
inline void begin(System& system, http::Request request) {
  system.server().control_plane.router().handle(std::move(request), [](const http::Response&) {});
  system.loop.run_for(std::chrono::milliseconds(20));
}

inline bool is_write_to_session(const http::Request& request) {
  return request.target.find("as-session-with-qos") != std::string::npos && request.method != "GET";
}

inline System::Setup slow_clients() {
  return {.adjust = [](ControlPlane::Config& config) {
    config.router.requests_per_second = 0.01;
    config.router.request_burst = 2;
  }};
}

/// Every record's state becomes one that we never wrote, as an older or broken store might hold.
inline void spoil_records(System& s) {
  std::vector<runtime::StoreChange> unit;
  for (auto [key, record] : s.durable().records) {
    record.state = "{}";
    ++record.version;
    unit.emplace_back(runtime::PutRecord{std::move(record)});
  }
  s.server().store.commit(std::move(unit), [](const Result<void>&) {});
  s.loop.run_for(std::chrono::milliseconds(20));
  s.crash_and_restart();  // A process that has read them before need not read them again.
}
/// The same question again over such records.
inline int over_spoilt(System& s, http::Request request) {
  spoil_records(s);
  return s.ask(std::move(request)).status;
}

}  // namespace lobo::app::testing
