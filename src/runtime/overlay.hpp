#pragma once
// The store as decisions must see it: what is committed, with the commits under way laid over it.
// Without it, two creates in flight would both pass a quota of one, and a watch could be released
// under a subscription that is just being made.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

class Overlay final : public resource::Lookup {
 public:
  explicit Overlay(const Store& store) : store_(store) {}

  /// From now until settle(), `key` reads as `after` (nothing: erased).
  void begin(const resource::Key& key, const std::optional<resource::Record>& before,
             std::optional<resource::Record> after);
  /// The commit ended; `held` tells whether it did what begin() announced.
  void settle(const resource::Key& key, bool held);

  Result<std::optional<resource::Record>> find(const resource::Key& key) const override;
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override;
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override;
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override;

 private:
  struct Change {
    std::optional<resource::Record> before;
    std::optional<resource::Record> after;
  };
  void adjust(const std::optional<resource::Record>& record, std::int64_t by);

  const Store& store_;
  std::unordered_map<resource::Key, Change, resource::KeyHash> under_way_;
  /// Records per kind and owner, counted once in the store and then kept: a quota check must not
  /// cost a scan. Bounded by owners_counted_max; beyond it the store is asked each time.
  mutable std::unordered_map<resource::Key, std::int64_t, resource::KeyHash> counts_;
};

inline constexpr std::size_t owners_counted_max = 10000;

}  // namespace lobo::runtime
