#pragma once
// Callbacks of the network to the application functions, as a NEF sends them: in order for each
// subscription, one at a time, repeated while there is no answer, following redirects.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/faults.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/timers.hpp"
#include "wire/http/message.hpp"

namespace lobo::core_sim {

/// Send this now, and tell CoreSim::answered what came back under the same id.
struct OutgoingCallback {
  std::uint64_t id{};
  http::Request request;  ///< with scheme, authority and target
};

/// A reordered callback waits for its successor at most this long.
inline constexpr std::chrono::milliseconds reorder_hold_max{1000};
/// Pauses between attempts stop doubling here.
inline constexpr std::chrono::milliseconds callback_retry_max{30'000};

class CallbackQueue {
 public:
  CallbackQueue(const CoreConfig& config, FaultPlan& faults, Journal& journal);

  /// `to` is an absolute http(s) URI. What does not fit into callbacks_pending_max is counted as
  /// dropped. `enforced`: what it is about is done to packets. After a lane was closed its
  /// callbacks still leave; drop() takes them away.
  void push(Number lane, std::string_view to, std::string_view operation, std::string body,
            Instant due, Instant now, bool enforced = false);
  /// A QoE report as it came from the radio: gzip of XML, whose text the journal has not. `step` is
  /// what the journal says of it.
  void push_gzip(Number lane, std::string_view to, std::string_view operation, std::string octets,
                 std::string_view media_type, std::string_view step, Instant now);
  /// What is to be sent now, earliest first; ties in the order of lanes.
  std::vector<OutgoingCallback> take_due(Instant now);
  std::optional<Instant> next_due() const;
  /// `response` is null where there was none. An unknown id (after a reset, or the answer to a
  /// duplicate) is ignored.
  void answered(std::uint64_t id, const http::Response* response, Instant now);
  /// Forgets what waits in a lane; what is under way stays.
  void drop(Number lane);
  void clear();

  /// Identifiers go on over a reset, so that a late answer meets no other callback.
  std::uint64_t next_id() const { return next_id_; }
  void continue_from(std::uint64_t id) { next_id_ = id; }

  std::size_t pending() const { return pending_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Entry {
    std::string operation;
    std::string body;
    std::string gzip_of;  ///< the media type in the gzip; empty: the body is plain JSON
    std::string step;     ///< of TR 26.942 clause 7.13.6; mostly empty
    Instant due;
    bool enforced = false;      ///< what it is about is treated so by a UPF
    std::string redirected_to;  ///< a 307 for this one entry
    bool twice = false;
    bool lets_next_pass = false;
    unsigned attempts = 0;
    unsigned hops = 0;
  };
  struct Lane {
    std::string to;
    std::deque<Entry> waiting;
    std::optional<std::uint64_t> under_way;  ///< id of the front entry's attempt
    std::optional<Instant> queued_at;        ///< as it stands in ready_
  };
  struct Moved {
    std::string from;  ///< the destination that the subscriber named
    std::string to;
  };
  struct Attempt {
    Number lane{};
    std::uint64_t journal_sequence{};
    bool duplicate = false;
  };

  void push(Number lane, std::string_view to, Entry entry, Instant now);
  static http::Request request_of(const Entry& entry, std::string_view to);
  OutgoingCallback send(Number number, Lane& lane, bool duplicate, Instant now);
  void schedule(Number number, Lane& lane);
  void finish_front(Number number, Lane& lane);
  bool redirect(Number number, Lane& lane, const http::Response& response, Instant now);
  bool retry(Lane& lane, Instant now);
  const std::string& destination(Number number, const Lane& lane) const;

  const CoreConfig& config_;
  FaultPlan& faults_;
  Journal& journal_;
  std::map<Number, Lane> lanes_;  ///< only those with something waiting
  std::set<std::pair<Instant, Number>> ready_;
  std::map<std::uint64_t, Attempt> attempts_;
  std::map<Number, Moved> moved_;
  std::uint64_t next_id_ = 1;
  std::size_t pending_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace lobo::core_sim
