#include "services/core_sim/journal.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

std::uint64_t Journal::add(JournalEntry entry, std::string_view body) {
  entry.sequence = next_++;
  entry.body_digest = fnv1a(body);
  entry.body = body.substr(0, journal_body_bytes_max);
  if (entries_.size() >= entries_max_ && !entries_.empty()) {
    entries_.pop_front();
    ++lost_;
  }
  if (entries_max_ > 0) entries_.push_back(std::move(entry));
  return next_ - 1;
}

// Invariant: the entries' sequence numbers are without a gap, because only the front is removed.
void Journal::answered(std::uint64_t sequence, int status, std::string_view fault) {
  if (entries_.empty() || sequence < entries_.front().sequence || sequence >= next_) return;
  auto& entry = entries_[static_cast<std::size_t>(sequence - entries_.front().sequence)];
  entry.status = status;
  if (!fault.empty()) entry.fault = fault;
}

}  // namespace lobo::core_sim
