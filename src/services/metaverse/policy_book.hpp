#pragma once
// All policies, read: a session is resolved without a look into the store. Lives in memory; what
// the policies let it know keeps it true, and the start fills it from the store.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/metaverse/ports.hpp"
#include "sync/policy.hpp"

namespace lobo::metaverse {

class PolicyBook {
 public:
  /// `settings` outlives it.
  explicit PolicyBook(const Settings& settings) : settings_(settings) {}

  /// `state` as it is stored.
  void put(std::string_view id, std::string_view state);
  void erase(std::string_view id);

  /// Those that count for sessions of that owner: his own and the operators'.
  std::vector<sync::PolicyPtr> for_owner(std::string_view owner) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string owner;
    sync::PolicyPtr policy;
  };
  const Settings& settings_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace lobo::metaverse
