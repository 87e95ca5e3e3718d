#pragma once
// Principals of tokens that were verified already, by the SHA-256 of the token: a signature costs a
// hundred times what a look into this table does.

#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

#include "adapters/crypto/claims.hpp"
#include "adapters/crypto/digest.hpp"
#include "base/clock.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::size_t cached_tokens_max = 10'000;

/// The least recently used entry makes room. Entries end with their tokens, all with the keys.
class TokenCache {
 public:
  /// Borrowed until the next call; null where the token is not known or has expired.
  const resource::Principal* find(const Sha256& token, Instant now) {
    const auto found = index_.find(token);
    if (found == index_.end()) return nullptr;
    const auto entry = found->second;
    if (now >= entry->second.until) {
      index_.erase(found);
      entries_.erase(entry);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->second.who;
  }

  void put(const Sha256& token, Claims claims) {
    if (index_.contains(token)) return;
    if (entries_.size() >= cached_tokens_max) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(token, std::move(claims));
    index_.emplace(token, entries_.begin());
  }

  void clear() {
    index_.clear();
    entries_.clear();
  }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Sha256, Claims>>;
  Entries entries_;  ///< most recently used first
  std::unordered_map<Sha256, Entries::iterator, DigestHash> index_;
};

}  // namespace lobo::adapters::crypto
