#pragma once
// How each declared status of ss-nrm is provoked, and good requests of its operations.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/system.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {

/// How to provoke one status of one operation.
struct MonitorCase {
  std::string_view operation;
  int status;
  std::function<int(System&)> provoke;
  System::Setup setup{};
};
std::vector<MonitorCase> monitor_cases();

/// Good requests of every operation of ss-nrm, and of the callbacks of its sources with a secret
/// that is none.
std::vector<http::Request> one_of_each_monitoring(System& system, std::string_view client,
                                                  const http::Headers& headers);

}  // namespace lobo::app::testing
