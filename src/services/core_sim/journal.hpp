#pragma once
// What was asked and what was called back: for assertions. A ring; the oldest entries make room.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace lobo::core_sim {

struct JournalEntry {
  std::uint64_t sequence{};
  Instant at{};
  bool incoming = true;   ///< a request to the NEF; else a callback of it
  std::string operation;  ///< operationId; empty where no operation was met
  std::string method;
  std::string path;  ///< path and query; of a callback, the whole URI
  int status = 0;    ///< 0: no answer (yet)
  std::string fault;
  std::uint64_t body_digest{};
  std::string body;  ///< its first journal_body_bytes_max octets
  std::string scs_as_id;
  std::string traceparent;
  std::string steps;  ///< of TR 26.942 clause 7.13.6, that were taken with it
};

class Journal {
 public:
  explicit Journal(std::size_t entries_max) : entries_max_(entries_max) {}

  /// Fills in sequence, digest and the cut body.
  std::uint64_t add(JournalEntry entry, std::string_view body);
  /// Nothing happens where the entry is gone already.
  void answered(std::uint64_t sequence, int status, std::string_view fault = {});

  const std::deque<JournalEntry>& entries() const { return entries_; }
  std::uint64_t next() const { return next_; }
  std::uint64_t lost() const { return lost_; }
  void clear() { entries_.clear(); }

 private:
  std::size_t entries_max_;
  std::deque<JournalEntry> entries_;
  std::uint64_t next_ = 1;
  std::uint64_t lost_ = 0;
};

}  // namespace lobo::core_sim
