#pragma once
// The fault plan: what shall go wrong with the next requests and callbacks.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::core_sim {

enum class FaultKind : std::uint8_t {
  refuse,              ///< the connection is closed before anything is answered
  never_answer,        ///< the request is read, and that is all the peer ever learns
  close_midway,        ///< the connection ends inside the answer
  status,              ///< an error answer
  redirect,            ///< 307 or 308
  delay,               ///< the answer comes late
  early_callback,      ///< the callbacks of a request leave before its answer
  allocation_fails,    ///< a session is accepted, and later turns out to have no resources
  duplicate_callback,  ///< a callback is sent twice
  reorder_callbacks,   ///< a callback lets the next one of its subscription pass
  drop_callback,       ///< a callback is lost
  delay_callback,      ///< a callback comes late
};

std::string_view to_string(FaultKind kind);
std::optional<FaultKind> fault_kind_from(std::string_view name);
/// What PlannedFault::performed is where nobody says.
bool performs_by_default(FaultKind kind);
/// Whether it strikes callbacks instead of requests.
bool strikes_callbacks(FaultKind kind);

struct PlannedFault {
  std::string operation;  ///< operationId; empty: all
  FaultKind kind{};
  std::uint32_t count = 1;  ///< how many it still strikes
  std::uint32_t skip = 0;   ///< how many pass before
  bool performed = false;   ///< the operation has its effect all the same
  int status = 503;
  std::string cause;
  std::optional<std::uint32_t> retry_after_seconds;
  std::string location;
  bool permanent = false;
  std::chrono::milliseconds delay{1000};
};

/// Bounded by faults_max.
class FaultPlan {
 public:
  /// False where the plan is full.
  bool add(PlannedFault fault);
  void clear() { faults_.clear(); }
  const std::deque<PlannedFault>& faults() const { return faults_; }

  /// The fault that strikes this request, used up by one; the oldest that matches wins.
  std::optional<PlannedFault> strike_request(std::string_view operation);
  std::optional<PlannedFault> strike_callback(std::string_view operation);

 private:
  std::optional<PlannedFault> strike(std::string_view operation, bool callback);
  std::deque<PlannedFault> faults_;
};

}  // namespace lobo::core_sim
