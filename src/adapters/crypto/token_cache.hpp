#pragma once
// Principals of tokens that were verified already: a signature costs a hundred times what a look
// into this table does. The tokens themselves are the keys. A digest in their place cost more than
// the rest of the look, and would tell a thief of our memory nothing less: the requests are there.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adapters/crypto/claims.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::size_t cached_tokens_max = 10'000;
inline constexpr std::size_t cached_bytes_max = std::size_t{16} << 20U;  ///< of tokens

/// Whether two tokens are the same, in a time that their lengths alone decide: how far a guess was
/// right cannot be measured.
struct SameToken {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    if (a.size() != b.size()) return false;
    std::uint64_t differing = 0;
    for (std::size_t at = 0; at < a.size(); at += sizeof differing) {
      const std::size_t size = std::min(a.size() - at, sizeof differing);
      std::uint64_t ours = 0;
      std::uint64_t theirs = 0;
      std::memcpy(&ours, a.data() + at, size);
      std::memcpy(&theirs, b.data() + at, size);
      differing |= ours ^ theirs;
    }
    return differing == 0;
  }
};

/// The least recently used entry makes room. Entries end with their tokens, all with the keys. Only
/// verified tokens are put in, so nobody without a key chooses what collides.
class TokenCache {
 public:
  /// Borrowed until the next call; null where the token is not known or has expired.
  const resource::Principal* find(std::string_view token, Instant now) {
    const auto found = index_.find(token);
    if (found == index_.end()) return nullptr;
    const auto entry = found->second;
    if (now >= entry->claims.until) {
      forget(entry);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->claims.who;
  }

  void put(std::string_view token, Claims claims) {
    if (token.size() > cached_bytes_max || index_.contains(token)) return;
    while (entries_.size() >= cached_tokens_max || bytes_ + token.size() > cached_bytes_max)
      forget(std::prev(entries_.end()));
    entries_.push_front({std::string(token), std::move(claims)});
    index_.emplace(entries_.front().token, entries_.begin());
    bytes_ += token.size();
  }

  void clear() {
    index_.clear();
    entries_.clear();
    bytes_ = 0;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string token;
    Claims claims;
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator entry) {
    bytes_ -= entry->token.size();
    index_.erase(entry->token);
    entries_.erase(entry);
  }

  Entries entries_;  ///< most recently used first
  std::unordered_map<std::string_view, Entries::iterator, TextHash, SameToken> index_;
  std::size_t bytes_ = 0;
};

}  // namespace lobo::adapters::crypto
