#include "adapters/store/reader.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/store/database.hpp"
#include "adapters/store/statements.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::adapters::store {
namespace {

std::int64_t bigint(std::uint64_t number) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(number < most ? number : most);
}

std::uint64_t unsigned_of(const Use& use, int column) {
  return static_cast<std::uint64_t>(use->number(column));
}

Instant instant_of(const Use& use, int column) {
  return Instant{Instant::duration{use->number(column)}};
}

runtime::StoredEffect effect_of(const Use& use) {
  return {.id = unsigned_of(use, 0),
          .from = {use->text(1), use->text(2)},
          .type = use->text(3),
          .body = use->text(4),
          .parked = use->number(5) != 0,
          .attempts = static_cast<std::uint32_t>(use->number(6))};
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::prepare(Database database) {
  std::unique_ptr<Reader> reader(new Reader(std::move(database)));
  const std::pair<Statement*, std::string_view> all[] = {
      {&reader->find_record_, sql::find_record},
      {&reader->list_records_, sql::list_records},
      {&reader->records_by_subject_, sql::records_by_subject},
      {&reader->count_records_, sql::count_records},
      {&reader->effects_after_, sql::effects_after},
      {&reader->effects_of_, sql::effects_of},
      {&reader->timers_until_, sql::timers_until},
      {&reader->find_idempotency_, sql::find_idempotency},
      {&reader->find_fact_, sql::find_fact},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = Statement::prepare(reader->database_, text);
    if (!prepared) return fail(prepared.error());
    *statement = std::move(*prepared);
  }
  return reader;
}

template <class Row>
auto Reader::all(Use& use, Row row) -> Result<std::vector<decltype(row(use))>> {
  std::vector<decltype(row(use))> rows;
  for (;;) {
    switch (use->step()) {
      case Statement::Step::row: rows.push_back(row(use)); break;
      case Statement::Step::end: return rows;
      case Statement::Step::failed: return fail(database_.failure("read").error);
    }
  }
}

template <class Row>
auto Reader::one(Use& use, Row row) -> Result<std::optional<decltype(row(use))>> {
  auto rows = all(use, row);
  if (!rows) return fail(rows.error());
  if (rows->empty()) return std::nullopt;
  return std::move(rows->front());
}

Result<std::optional<resource::Record>> Reader::find(const resource::Key& key) {
  Use use(find_record_);
  use->bind(1, key.kind).bind(2, key.id);
  return one(use, [&](const Use& row) {
    return resource::Record{key, row->text(0), row->text(1), unsigned_of(row, 2), row->text(3)};
  });
}

Result<std::vector<resource::Record>> Reader::list(std::string_view kind, std::string_view owner,
                                                   std::string_view after, std::size_t limit) {
  Use use(list_records_);
  use->bind(1, kind).bind(2, owner).bind(3, after).bind(4, bigint(limit));
  return all(use, [&](const Use& row) {
    return resource::Record{{std::string(kind), row->text(0)},
                            std::string(owner),
                            row->text(1),
                            unsigned_of(row, 2),
                            row->text(3)};
  });
}

Result<std::vector<resource::Key>> Reader::by_subject(std::string_view kind,
                                                      std::string_view subject, std::size_t limit) {
  Use use(records_by_subject_);
  use->bind(1, kind).bind(2, subject).bind(3, bigint(limit));
  return all(use, [&](const Use& row) { return resource::Key{std::string(kind), row->text(0)}; });
}

Result<std::uint64_t> Reader::count(std::string_view kind, std::string_view owner) {
  Use use(count_records_);
  use->bind(1, kind).bind(2, owner);
  const auto records = one(use, [](const Use& row) { return unsigned_of(row, 0); });
  if (!records) return fail(records.error());
  return records->value_or(0);
}

Result<std::vector<runtime::StoredEffect>> Reader::effects(std::uint64_t after, std::size_t limit) {
  Use use(effects_after_);
  use->bind(1, bigint(after)).bind(2, bigint(limit));
  return all(use, effect_of);
}

Result<std::vector<runtime::StoredEffect>> Reader::effects_of(const resource::Key& from) {
  Use use(effects_of_);
  use->bind(1, from.kind).bind(2, from.id);
  return all(use, effect_of);
}

Result<std::vector<runtime::StoredTimer>> Reader::timers(Instant until, std::size_t limit) {
  Use use(timers_until_);
  use->bind(1, std::int64_t{until.time_since_epoch().count()}).bind(2, bigint(limit));
  return all(use, [](const Use& row) {
    return runtime::StoredTimer{{row->text(0), row->text(1)}, row->text(2), instant_of(row, 3)};
  });
}

Result<std::optional<runtime::StoredIdempotency>> Reader::idempotency(std::string_view owner,
                                                                      std::string_view key) {
  Use use(find_idempotency_);
  use->bind(1, owner).bind(2, key);
  return one(use, [&](const Use& row) {
    return runtime::StoredIdempotency{std::string(owner),
                                      std::string(key),
                                      row->text(0),
                                      {row->text(1), row->text(2)},
                                      instant_of(row, 3)};
  });
}

Result<std::optional<std::string>> Reader::fact(std::string_view name) {
  Use use(find_fact_);
  use->bind(1, name);
  return one(use, [](const Use& row) { return row->text(0); });
}

}  // namespace lobo::adapters::store
