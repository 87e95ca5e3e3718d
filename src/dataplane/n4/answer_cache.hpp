#pragma once
// Answers that were given, for requests that come again because an answer was lost or a network
// repeats (TS 29.244 clause 6.4): the same bytes are sent, and nothing is done twice. Requests of
// control planes that have an association alone get in; where there is no room a request is refused
// before it is done, so that what is forgotten is old.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"

namespace lobo::dataplane::n4 {

class AnswerCache {
 public:
  struct Key {
    Endpoint from;
    pfcp::MessageType type{};
    std::uint32_t sequence_number = 0;
    bool operator==(const Key&) const = default;
  };

  explicit AnswerCache(std::chrono::microseconds kept) : kept_(kept) {}

  /// Null where this request was not answered. One with the same number and other content is
  /// another request: a control plane that restarted counts anew.
  MessageBytes find(const Key& key, Bytes request) const;
  bool has_room(const model::IpAddress& from) const;
  void put(const Key& key, Bytes request, MessageBytes answer, Instant now);
  /// A control plane there begins anew, with its sequence numbers too: what it was told before is
  /// no answer to what it asks from now on.
  void begin_anew(const model::IpAddress& from);
  /// Cost: what is forgotten, each once.
  void forget_old(Instant now);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    std::uint64_t request = 0;  ///< a hash of it
    std::uint64_t number = 0;   ///< of its place in order_
    std::uint64_t epoch = 0;    ///< of its peer
    MessageBytes answer;
  };
  struct Place {
    Key key;
    Instant at;
    std::uint64_t number = 0;
    std::size_t bytes = 0;
  };

  std::chrono::microseconds kept_;
  std::unordered_map<Key, Entry, KeyHash> entries_;
  std::deque<Place> order_;  ///< as they came
  struct Held {
    std::size_t count = 0;  ///< of order_
    std::uint64_t epoch = 0;
  };
  std::map<model::IpAddress, Held> peers_;
  std::uint64_t numbers_ = 0;
  std::size_t bytes_ = 0;  ///< invariant: the sum over order_
};

}  // namespace lobo::dataplane::n4
