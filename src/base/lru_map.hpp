#pragma once
// A bounded map that forgets what was not looked at for the longest time. The bound is the sum of
// weights that the user gives, bytes usually: entries of very different sizes share it.

#include <cstddef>
#include <functional>
#include <list>
#include <unordered_map>
#include <utility>

namespace lobo {

template <class Key, class Value, class Hash = std::hash<Key>>
class LruMap {
 public:
  explicit LruMap(std::size_t weight_max) : weight_max_(weight_max) {}
  LruMap(const LruMap&) = delete;
  LruMap& operator=(const LruMap&) = delete;

  /// Null where there is none. Valid until the next put() or erase().
  Value* find(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return &found->second.value;
  }

  /// Inserts or replaces; one that is heavier than everything may be is not kept.
  void put(const Key& key, Value value, std::size_t weight) {
    if (weight > weight_max_) return erase(key);
    const auto [at, fresh] = entries_.try_emplace(key);
    auto& entry = at->second;
    if (fresh)
      entry.place = order_.insert(order_.begin(), &at->first);
    else
      order_.splice(order_.begin(), order_, entry.place);
    weight_ += weight - entry.weight;
    entry.weight = weight;
    entry.value = std::move(value);
    // Ends before it comes to this one, which fits alone.
    while (weight_ > weight_max_) erase(*order_.back());
  }

  void erase(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    weight_ -= found->second.weight;
    order_.erase(found->second.place);
    entries_.erase(found);
  }

  std::size_t size() const { return entries_.size(); }
  std::size_t weight() const { return weight_; }

 private:
  using Order = std::list<const Key*>;  ///< of the keys in entries_, the latest first
  struct Entry {
    Value value{};
    std::size_t weight = 0;
    typename Order::iterator place{};
  };

  std::size_t weight_max_;
  std::size_t weight_ = 0;  ///< invariant: the sum over entries_
  Order order_;
  std::unordered_map<Key, Entry, Hash> entries_;
};

}  // namespace lobo
