#include "adapters/store/schema.hpp"

#include <fmt/format.h>

#include <cstddef>

#include "adapters/store/database.hpp"
#include "base/result.hpp"

namespace lobo::adapters::store {
namespace {

Result<int> version_of(Database& database) {
  const auto tables = database.number("SELECT count(*) FROM sqlite_master");
  if (!tables) return fail(tables.error());
  if (*tables == 0) return 0;
  const auto maker = database.number("PRAGMA application_id");
  if (!maker) return fail(maker.error());
  if (*maker != application_id)
    return fail(Errc::conflict, fmt::format("{} is an SQLite file of another program; name another "
                                            "file in the configuration",
                                            database.path()));
  const auto version = database.number("SELECT version FROM schema_version");
  if (!version) return fail(version.error());
  if (*version < 1 || *version > schema_version_newest)
    return fail(Errc::conflict,
                fmt::format("{} has schema version {}, this release knows 1 to {}; run the release "
                            "that wrote it, or name another file in the configuration",
                            database.path(), *version, schema_version_newest));
  return static_cast<int>(*version);
}

}  // namespace

Result<void> migrate(Database& database) {
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto steps = [&]() -> Result<void> {
    const auto version = version_of(database);
    if (!version) return fail(version.error());
    if (*version == schema_version_newest) return {};
    if (*version == 0) {
      const auto marked = database.run(fmt::format("PRAGMA application_id = {}", application_id));
      if (!marked) return marked;
    }
    for (auto step = static_cast<std::size_t>(*version); step < schema_steps.size(); ++step)
      if (auto done = database.run(schema_steps[step]); !done) return done;
    return {};
  }();
  if (!steps) {
    database.rollback();
    return steps;
  }
  return database.run("COMMIT");
}

}  // namespace lobo::adapters::store
