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
    erase(key);
    if (weight > weight_max_) return;
    while (weight_ + weight > weight_max_) erase(*order_.back());
    const auto at = entries_.emplace(key, Entry{std::move(value), weight, {}}).first;
    order_.push_front(&at->first);
    at->second.place = order_.begin();
    weight_ += weight;
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
    Value value;
    std::size_t weight;
    typename Order::iterator place;
  };

  std::size_t weight_max_;
  std::size_t weight_ = 0;  ///< invariant: the sum over entries_
  Order order_;
  std::unordered_map<Key, Entry, Hash> entries_;
};

}  // namespace lobo
