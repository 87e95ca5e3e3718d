#include "demo_session/kept.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "adapters/store/database.hpp"
#include "base/result.hpp"

namespace lobo::app {
namespace {

using adapters::store::Database;
using adapters::store::Statement;

constexpr std::size_t kinds_max = 100;  ///< a store has a handful

constexpr std::string_view still_there =
    "SELECT kind, count(*) FROM resource WHERE kind NOT IN ('core_peer') GROUP BY kind UNION ALL "
    "SELECT type || ' of ' || from_kind, count(*) FROM effect WHERE from_kind NOT IN ('core_peer') "
    "GROUP BY type, from_kind UNION ALL "
    "SELECT 'timer of ' || kind, count(*) FROM timer WHERE kind NOT IN ('core_peer') GROUP BY kind";

}  // namespace

Result<std::string> left_in_store(const std::string& path) {
  auto database = Database::open(path, Database::Mode::read_only);
  if (!database) return fail(database.error());
  auto rows = Statement::prepare(*database, still_there);
  if (!rows) return fail(rows.error());
  std::string said;
  for (std::size_t i = 0; i < kinds_max; ++i) {
    const auto step = rows->step();
    if (step == Statement::Step::failed)
      return fail(database->failure("reading what is left").error);
    if (step == Statement::Step::end) break;
    said += fmt::format("{}{} {}", said.empty() ? "" : ", ", rows->number(1), rows->text(0));
  }
  return said;
}

}  // namespace lobo::app
