#include "adapters/store/apply.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/store/database.hpp"
#include "adapters/store/schema.hpp"
#include "adapters/store/statements.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::adapters::store {
namespace {

using runtime::EraseEffect;
using runtime::EraseIdempotency;
using runtime::EraseIdempotencyBefore;
using runtime::EraseRecord;
using runtime::EraseTimer;
using runtime::EraseTimersOf;
using runtime::PutEffect;
using runtime::PutFact;
using runtime::PutIdempotency;
using runtime::PutRecord;
using runtime::PutTimer;
using runtime::StoreChange;

inline constexpr std::size_t change_bytes = 128;  ///< a change without its strings, about

template <class... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};

std::size_t size_of(const resource::Key& key) { return key.kind.size() + key.id.size(); }

std::size_t bytes_of(const StoreChange& change) {
  return change_bytes +
         std::visit(Overload{
                        [](const PutRecord& c) {
                          return size_of(c.record.key) + c.record.owner.size() +
                                 c.record.subject.size() + c.record.state.size();
                        },
                        [](const EraseRecord& c) { return size_of(c.key); },
                        [](const PutEffect& c) {
                          return size_of(c.effect.from) + c.effect.type.size() +
                                 c.effect.body.size();
                        },
                        [](const EraseEffect&) { return std::size_t{0}; },
                        [](const PutTimer& c) { return size_of(c.timer.of) + c.timer.name.size(); },
                        [](const EraseTimer& c) { return size_of(c.of) + c.name.size(); },
                        [](const EraseTimersOf& c) { return size_of(c.of); },
                        [](const PutIdempotency& c) {
                          return size_of(c.entry.made) + c.entry.owner.size() + c.entry.key.size() +
                                 c.entry.digest.size();
                        },
                        [](const EraseIdempotency& c) { return c.owner.size() + c.key.size(); },
                        [](const EraseIdempotencyBefore&) { return std::size_t{0}; },
                        [](const PutFact& c) { return c.name.size() + c.value.size(); },
                    },
                    change);
}

constexpr std::uint64_t bigint_max = std::numeric_limits<std::int64_t>::max();
std::int64_t bigint(std::uint64_t number) { return static_cast<std::int64_t>(number); }

bool ran(Use& statement) { return statement->step() == Statement::Step::end; }

}  // namespace

std::size_t bytes_of(const std::vector<StoreChange>& unit) {
  std::size_t bytes = change_bytes;
  for (const auto& change : unit) bytes += bytes_of(change);
  return bytes;
}

Result<void> check(const std::vector<StoreChange>& unit) {
  for (const auto& change : unit) {
    const auto* record = std::get_if<PutRecord>(&change);
    const auto* effect = std::get_if<PutEffect>(&change);
    if ((record != nullptr && record->record.version > bigint_max) ||
        (effect != nullptr && effect->effect.id > bigint_max))
      return fail(Errc::out_of_range, "the store takes versions and effect ids up to 2^63-1");
  }
  return {};
}

Result<Applier> Applier::prepare(Database& database) {
  Applier applier(database);
  auto& s = applier.sql_;
  const std::pair<Statement*, std::string_view> all[] = {
      {&s.begin, sql::begin},
      {&s.commit, sql::commit},
      {&s.insert_record, sql::insert_record},
      {&s.update_record, sql::update_record},
      {&s.update_record_and_owner, sql::update_record_and_owner},
      {&s.owner_of_record, sql::owner_of_record},
      {&s.erase_record, sql::erase_record},
      {&s.add_to_tally, sql::add_to_tally},
      {&s.drop_empty_tally, sql::drop_empty_tally},
      {&s.put_effect, sql::put_effect},
      {&s.erase_effect, sql::erase_effect},
      {&s.put_timer, sql::put_timer},
      {&s.erase_timer, sql::erase_timer},
      {&s.erase_timers_of, sql::erase_timers_of},
      {&s.put_idempotency, sql::put_idempotency},
      {&s.erase_idempotency, sql::erase_idempotency},
      {&s.erase_idempotency_before, sql::erase_idempotency_before},
      {&s.put_fact, sql::put_fact},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = Statement::prepare(database, text);
    if (!prepared) return fail(prepared.error());
    *statement = std::move(*prepared);
  }
  return applier;
}

bool Applier::begin() {
  Use use(sql_.begin);
  return ran(use);
}

bool Applier::commit() {
  if (!write_tallies()) return false;
  Use use(sql_.commit);
  return ran(use);
}

bool Applier::apply(const std::vector<StoreChange>& unit) {
  return std::ranges::all_of(unit, [this](const StoreChange& change) {
    return std::visit([this](const auto& c) { return apply(c); }, change);
  });
}

bool Applier::write_tallies() {
  for (const auto& [of, records] : tallies_) {
    if (records == 0) continue;
    Use add(sql_.add_to_tally);
    add->bind(1, of.first).bind(2, of.second).bind(3, records);
    if (!ran(add)) return false;
    if (records > 0) continue;
    Use drop(sql_.drop_empty_tally);
    drop->bind(1, of.first).bind(2, of.second);
    if (!ran(drop)) return false;
  }
  tallies_.clear();
  return true;
}

void Applier::tally(const std::string& kind, const std::string& owner, std::int64_t records) {
  tallies_[{kind, owner}] += records;
}

// ---- records ----------------------------------------------------------------------------------

Applier::Touched Applier::write(Statement& statement, const resource::Record& record) {
  Use use(statement);
  use->bind(1, record.key.kind).bind(2, record.key.id).bind(3, record.owner);
  use->bind(4, record.subject).bind(5, bigint(record.version)).bind(6, record.state);
  if (!ran(use)) return Touched::failed;
  return database_->changes() == 0 ? Touched::none : Touched::some;
}

bool Applier::apply(const PutRecord& change) {
  const auto& record = change.record;
  const bool first = record.version <= 1;
  const auto touched = write(first ? sql_.insert_record : sql_.update_record, record);
  if (touched == Touched::none) return put_in_general(record);
  if (touched == Touched::some && first) tally(record.key.kind, record.owner, 1);
  return touched == Touched::some;
}

bool Applier::put_in_general(const resource::Record& record) {
  std::string owner;
  bool exists = false;
  {
    Use look(sql_.owner_of_record);
    look->bind(1, record.key.kind).bind(2, record.key.id);
    const auto step = look->step();
    if (step == Statement::Step::failed) return false;
    exists = step == Statement::Step::row;
    if (exists) owner = look->text(0);
  }
  if (write(exists ? sql_.update_record_and_owner : sql_.insert_record, record) != Touched::some)
    return false;
  if (exists) tally(record.key.kind, owner, -1);
  tally(record.key.kind, record.owner, 1);
  return true;
}

bool Applier::apply(const EraseRecord& change) {
  Use use(sql_.erase_record);
  use->bind(1, change.key.kind).bind(2, change.key.id);
  auto step = use->step();
  if (step == Statement::Step::row) {
    tally(change.key.kind, use->text(0), -1);
    step = use->step();
  }
  return step == Statement::Step::end;
}

// ---- the rest ---------------------------------------------------------------------------------

bool Applier::apply(const PutEffect& change) {
  const auto& effect = change.effect;
  Use use(sql_.put_effect);
  use->bind(1, bigint(effect.id)).bind(2, effect.from.kind).bind(3, effect.from.id);
  use->bind(4, effect.type).bind(5, effect.body);
  use->bind(6, std::int64_t{effect.parked}).bind(7, std::int64_t{effect.attempts});
  return ran(use);
}

bool Applier::apply(const EraseEffect& change) {
  if (change.id > bigint_max) return true;  // no such effect can be stored
  Use use(sql_.erase_effect);
  use->bind(1, bigint(change.id));
  return ran(use);
}

bool Applier::apply(const PutTimer& change) {
  const auto& timer = change.timer;
  Use use(sql_.put_timer);
  use->bind(1, timer.of.kind).bind(2, timer.of.id).bind(3, timer.name);
  use->bind(4, std::int64_t{timer.due.time_since_epoch().count()});
  return ran(use);
}

bool Applier::apply(const EraseTimer& change) {
  Use use(sql_.erase_timer);
  use->bind(1, change.of.kind).bind(2, change.of.id).bind(3, change.name);
  return ran(use);
}

bool Applier::apply(const EraseTimersOf& change) {
  Use use(sql_.erase_timers_of);
  use->bind(1, change.of.kind).bind(2, change.of.id);
  return ran(use);
}

bool Applier::apply(const PutIdempotency& change) {
  const auto& entry = change.entry;
  Use use(sql_.put_idempotency);
  use->bind(1, entry.owner).bind(2, entry.key).bind(3, entry.digest);
  use->bind(4, entry.made.kind).bind(5, entry.made.id);
  use->bind(6, std::int64_t{entry.expires.time_since_epoch().count()});
  return ran(use);
}

bool Applier::apply(const EraseIdempotency& change) {
  Use use(sql_.erase_idempotency);
  use->bind(1, change.owner).bind(2, change.key);
  return ran(use);
}

bool Applier::apply(const EraseIdempotencyBefore& change) {
  Use use(sql_.erase_idempotency_before);
  use->bind(1, std::int64_t{change.expires.time_since_epoch().count()});
  return ran(use);
}

bool Applier::apply(const PutFact& change) {
  Use use(sql_.put_fact);
  use->bind(1, change.name).bind(2, change.value);
  return ran(use);
}

}  // namespace lobo::adapters::store
