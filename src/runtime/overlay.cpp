#include "runtime/overlay.hpp"

#include <algorithm>
#include <utility>

namespace lobo::runtime {

using resource::Key;
using resource::Record;

void Overlay::adjust(const std::optional<Record>& record, std::int64_t by) {
  if (!record) return;
  const auto counted = counts_.find(Key{record->key.kind, record->owner});
  if (counted != counts_.end()) counted->second += by;
}

void Overlay::begin(const Key& key, const std::optional<Record>& before,
                    std::optional<Record> after) {
  adjust(before, -1);
  adjust(after, +1);
  under_way_.insert_or_assign(key, Change{before, std::move(after)});
}

void Overlay::settle(const Key& key, bool held) {
  const auto change = under_way_.find(key);
  if (change == under_way_.end()) return;
  if (!held) {
    adjust(change->second.after, -1);
    adjust(change->second.before, +1);
  }
  under_way_.erase(change);
}

Result<std::optional<Record>> Overlay::find(const Key& key) const {
  const auto change = under_way_.find(key);
  if (change != under_way_.end()) return change->second.after;
  return store_.find(key);
}

Result<std::vector<Record>> Overlay::list(std::string_view kind, std::string_view owner,
                                          std::string_view after, std::size_t limit) const {
  // Each change under way can hide at most one stored record, so that many more are read.
  auto stored = store_.list(kind, owner, after, limit + under_way_.size());
  if (!stored) return stored;
  std::erase_if(*stored, [&](const Record& record) { return under_way_.contains(record.key); });
  for (const auto& [key, change] : under_way_)
    if (change.after && key.kind == kind && key.id > after && change.after->owner == owner)
      stored->push_back(*change.after);
  std::ranges::sort(*stored, {},
                    [](const Record& record) -> const std::string& { return record.key.id; });
  if (stored->size() > limit) stored->resize(limit);
  return stored;
}

Result<std::vector<Key>> Overlay::by_subject(std::string_view kind, std::string_view subject,
                                             std::size_t limit) const {
  auto stored = store_.by_subject(kind, subject, limit + under_way_.size());
  if (!stored) return stored;
  std::erase_if(*stored, [&](const Key& key) { return under_way_.contains(key); });
  for (const auto& [key, change] : under_way_)
    if (change.after && key.kind == kind && change.after->subject == subject)
      stored->push_back(key);
  std::ranges::sort(*stored);
  if (stored->size() > limit) stored->resize(limit);
  return stored;
}

Result<std::uint64_t> Overlay::count(std::string_view kind, std::string_view owner) const {
  const Key who{std::string(kind), std::string(owner)};
  if (const auto counted = counts_.find(who); counted != counts_.end())
    return static_cast<std::uint64_t>(std::max<std::int64_t>(counted->second, 0));
  const auto stored = store_.count(kind, owner);
  if (!stored) return stored;
  std::int64_t total = static_cast<std::int64_t>(*stored);
  for (const auto& [key, change] : under_way_) {
    if (key.kind != kind) continue;
    if (change.before && change.before->owner == owner) --total;
    if (change.after && change.after->owner == owner) ++total;
  }
  if (counts_.size() < owners_counted_max) counts_.emplace(who, total);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(total, 0));
}

}  // namespace lobo::runtime
