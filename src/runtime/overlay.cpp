#include "runtime/overlay.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

using resource::Key;
using resource::Record;

namespace {

/// What a kept entry costs beside its strings: nodes, counts, pointers, about.
constexpr std::size_t entry_bytes = 256;
constexpr std::size_t id_bytes = 48;
/// A subject with more records is asked for in the store each time.
constexpr std::size_t keys_counted_max = 2'000'000;

std::size_t weight_of(const Record& record) {
  return entry_bytes + 2 * record.key.id.size() + record.owner.size() + record.subject.size() +
         record.state.size();
}

}  // namespace

// ---- changes ----------------------------------------------------------------------------------

void Overlay::recount(const RecordPtr& record, std::int64_t by) {
  if (!record) return;
  const auto counted = counts_.find(Key{record->key.kind, record->owner});
  if (counted != counts_.end()) counted->second += by;
  if (record->subject.empty()) return;
  const Key subject{record->key.kind, record->subject};
  if (auto* alike = subject_counts_.find(subject)) *alike += by;
  auto* kept = ids_of_.find(subject);
  if (kept == nullptr) return;
  Ids ids = std::move(*kept);
  const auto& id = record->key.id;
  const auto at = std::ranges::lower_bound(ids, id);
  const bool known = at != ids.end() && *at == id;
  if (by > 0 && !known) ids.insert(at, id);
  if (by < 0 && known) ids.erase(at);
  keep_ids(subject, std::move(ids));
}

/// `fresh` takes the place of `old`, in what is kept per owner and per subject.
void Overlay::replace(const RecordPtr& old, const RecordPtr& fresh) {
  if (old && fresh && old->owner == fresh->owner && old->subject == fresh->subject) return;
  recount(old, -1);
  recount(fresh, +1);
}

void Overlay::keep_ids(const Key& subject, Ids ids) const {
  if (ids.size() > keys_of_subject_kept_max) return ids_of_.erase(subject);
  std::size_t weight = entry_bytes + 2 * subject.id.size();
  for (const auto& id : ids) weight += id_bytes + id.size();
  ids_of_.put(subject, std::move(ids), weight);
}

void Overlay::begin(const Key& key, RecordPtr before, RecordPtr after) {
  replace(before, after);
  under_way_.insert_or_assign(key, Change{std::move(before), std::move(after)});
}

void Overlay::settle(const Key& key, bool held) {
  const auto found = under_way_.find(key);
  if (found == under_way_.end()) return;
  const Change change = std::move(found->second);
  under_way_.erase(found);
  if (!held)
    replace(change.after, change.before);
  else if (change.after)
    records_.put(key, change.after, weight_of(*change.after));
  else
    records_.erase(key);
}

// ---- reads ------------------------------------------------------------------------------------

Result<RecordPtr> Overlay::look(const Key& key) const {
  const auto change = under_way_.find(key);
  if (change != under_way_.end()) return change->second.after;
  if (const auto* kept = records_.find(key)) return *kept;
  auto stored = store_.find(key);
  if (!stored) return fail(std::move(stored.error()));
  if (!*stored) return RecordPtr{};
  auto record = std::make_shared<const Record>(std::move(**stored));
  records_.put(key, record, weight_of(*record));
  return record;
}

Result<std::optional<Record>> Overlay::find(const Key& key) const {
  auto record = look(key);
  if (!record) return fail(std::move(record.error()));
  return *record ? std::optional(**record) : std::nullopt;
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
  const Key whose{std::string(kind), std::string(subject)};
  if (const auto* kept = ids_of_.find(whose)) {
    std::vector<Key> keys;
    for (std::size_t i = 0; i < kept->size() && i < limit; ++i)
      keys.push_back({whose.kind, (*kept)[i]});
    return keys;
  }
  // Each change under way can hide at most one of those stored.
  const std::size_t asked = std::max(limit, keys_of_subject_kept_max + 1) + under_way_.size();
  auto stored = store_.by_subject(kind, subject, asked);
  if (!stored) return stored;
  const bool all = stored->size() < asked;
  std::erase_if(*stored, [&](const Key& key) { return under_way_.contains(key); });
  for (const auto& [key, change] : under_way_)
    if (change.after && key.kind == kind && change.after->subject == subject)
      stored->push_back(key);
  std::ranges::sort(*stored);
  if (all && !subject.empty()) {
    Ids ids;
    for (const auto& key : *stored) ids.push_back(key.id);
    keep_ids(whose, std::move(ids));
  }
  if (stored->size() > limit) stored->resize(limit);
  return stored;
}

Result<std::uint64_t> Overlay::count_by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const {
  const Key whose{std::string(kind), std::string(subject)};
  if (const auto* counted = subject_counts_.find(whose))
    return std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(*counted, 0)),
                                   limit);
  // All of them, once; of an empty subject records are not kept apart.
  const bool keeps = !subject.empty();
  const auto keys = by_subject(kind, subject, keeps ? keys_counted_max : limit);
  if (!keys) return fail(keys.error());
  if (keeps && keys->size() < keys_counted_max)
    subject_counts_.put(whose, static_cast<std::int64_t>(keys->size()),
                        entry_bytes + 2 * subject.size());
  return std::min<std::uint64_t>(keys->size(), limit);
}

Result<std::uint64_t> Overlay::count(std::string_view kind, std::string_view owner) const {
  const Key who{std::string(kind), std::string(owner)};
  if (const auto counted = counts_.find(who); counted != counts_.end())
    return static_cast<std::uint64_t>(std::max<std::int64_t>(counted->second, 0));
  auto stored = store_.count(kind, owner);
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
