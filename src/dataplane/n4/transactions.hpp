#pragma once
// Requests of ours until their response comes or nobody answers (TS 29.244 clause 6.4): sent again
// each T1, N1 times at most.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "dataplane/n4/types.hpp"
#include "wire/pfcp/header.hpp"

namespace lobo::dataplane::n4 {

struct OwnRequest {
  Endpoint to;
  pfcp::MessageType type{};
  MessageBytes bytes;
  std::string node;        ///< of a node's message: whose
  std::uint64_t seid = 0;  ///< of a session's message: which, ours
};

class Transactions {
 public:
  Transactions(std::chrono::microseconds again_after, unsigned again_max)
      : again_after_(again_after), again_max_(again_max) {}

  bool has_room() const;
  /// A sequence number that no request of ours waits under.
  std::uint32_t number();
  /// Under such a number, which its bytes have as well.
  void start(std::uint32_t number, OwnRequest request, Instant now);
  /// Whose response this is; nothing where no such request waits there.
  std::optional<OwnRequest> finish(std::uint32_t number, const Endpoint& from,
                                   pfcp::MessageType response);
  void cancel(std::uint32_t number);

  /// One whose time has come: to be sent again, or the last time was the last.
  struct Due {
    OwnRequest request;
    bool again = false;
  };
  std::optional<Due> next_due(Instant now);
  std::optional<Instant> next_call() const;
  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    OwnRequest request;
    Instant due;
    unsigned again = 0;  ///< how often it was sent again
  };

  std::chrono::microseconds again_after_;
  unsigned again_max_;
  std::uint32_t last_ = 0;
  std::map<std::uint32_t, Waiting> waiting_;
  std::set<std::pair<Instant, std::uint32_t>> due_;
};

}  // namespace lobo::dataplane::n4
