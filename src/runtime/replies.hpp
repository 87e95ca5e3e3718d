#pragma once
// Requests that wait for their answer. An answer to one that has gone (hung up, timed out, asked
// before a restart) is a no-op.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/clock.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::runtime {

inline constexpr std::size_t waiting_requests_max = 8192;
/// Longer than any answer may take (5 s at the network and the time to commit it): what is still
/// waiting then is told 504 instead of being left to hang.
inline constexpr std::chrono::seconds waiting_request_age_max{15};

class Replies {
 public:
  /// Identifiers start at the present microsecond, so that one given before a restart is never met
  /// again.
  Replies(Scheduler& scheduler, const Clock& clock);
  ~Replies();
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;

  /// Nothing when waiting_requests_max wait already.
  std::optional<resource::RequestId> wait(HttpHandler::ReplyFn reply);
  void reply(resource::RequestId request, http::Response response);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    HttpHandler::ReplyFn reply;
    Instant since;
  };
  void sweep();

  Scheduler& scheduler_;
  const Clock& clock_;
  resource::RequestId last_;
  std::map<resource::RequestId, Waiting> waiting_;  ///< ascending is oldest first
  Scheduler::TimerId sweeping_ = 0;
};

}  // namespace lobo::runtime
