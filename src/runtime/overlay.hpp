#pragma once
// The store as decisions must see it: what is committed, with the commits under way laid over it.
// Without it, two creates in flight would both pass a quota of one, and a watch could be released
// under a subscription that is just being made.
//
// It also remembers what was committed or read of late: the second event of a resource follows its
// first within milliseconds, and a read from the store costs more than the rest of a decision,
// because every commit of the writer empties the reader's page cache. Only the effect runner writes
// records, each through begin() and settle(), so what is remembered here is what the store holds;
// a commit that failed leaves it untouched, and a crash takes it along.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lru_map.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

inline constexpr std::size_t owners_counted_max = 10000;
inline constexpr std::size_t subject_counts_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t records_kept_bytes_max = std::size_t{8} << 20U;
inline constexpr std::size_t subjects_kept_bytes_max = std::size_t{4} << 20U;
/// A subject with more records than this is looked up in the store each time.
inline constexpr std::size_t keys_of_subject_kept_max = 128;

/// Null: there is no such record.
using RecordPtr = std::shared_ptr<const resource::Record>;

class Overlay final : public resource::Lookup {
 public:
  explicit Overlay(const Store& store) : store_(store) {}

  /// From now until settle(), `key` reads as `after` (null: erased).
  void begin(const resource::Key& key, RecordPtr before, RecordPtr after);
  /// The commit ended; `held` tells whether it did what begin() announced.
  void settle(const resource::Key& key, bool held);

  /// As find(), without a copy.
  Result<RecordPtr> look(const resource::Key& key) const;

  Result<std::optional<resource::Record>> find(const resource::Key& key) const override;
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override;
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override;
  Result<std::uint64_t> count_by_subject(std::string_view kind, std::string_view subject,
                                         std::size_t limit) const override;
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override;

 private:
  struct Change {
    RecordPtr before;
    RecordPtr after;
  };
  using Ids = std::vector<std::string>;

  void replace(const RecordPtr& old, const RecordPtr& fresh);
  void recount(const RecordPtr& record, std::int64_t by);
  void keep_ids(const resource::Key& subject, Ids ids) const;

  const Store& store_;
  std::unordered_map<resource::Key, Change, resource::KeyHash> under_way_;
  /// Records per kind and owner, counted once in the store and then kept: a quota check must not
  /// cost a scan. Bounded by owners_counted_max; beyond it the store is asked each time.
  mutable std::unordered_map<resource::Key, std::int64_t, resource::KeyHash> counts_;
  /// The same per kind and subject, of those that were asked for of late.
  mutable LruMap<resource::Key, std::int64_t, resource::KeyHash> subject_counts_{
      subject_counts_bytes_max};
  /// Committed records that were written or read of late; never those under way.
  mutable LruMap<resource::Key, RecordPtr, resource::KeyHash> records_{records_kept_bytes_max};
  /// By kind and subject the ids of all its records, ascending, with the changes under way.
  mutable LruMap<resource::Key, Ids, resource::KeyHash> ids_of_{subjects_kept_bytes_max};
};

}  // namespace lobo::runtime
