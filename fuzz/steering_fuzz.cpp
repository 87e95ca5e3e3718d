// What players and strangers send to content steering: queries with tokens, and plans. The first
// octet chooses. Every query gets an answer, no token that nobody signed is believed, and a plan
// that is read is written as the same.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "energy/steering/answer.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy/steering/query.hpp"
#include "energy/steering/token.hpp"
#include "steering/token_keys.hpp"

namespace {

namespace steering = lobo::energy::steering;
using lobo::require;

struct World {
  lobo::SeededRng rng{1};
  std::unique_ptr<lobo::app::TokenKeys> keys = lobo::app::TokenKeys::random(rng);
  steering::PlanTable plan = *steering::read_plan(
      R"({"version":1,"validUntil":"2100-01-01T00:00:00Z","locations":[)"
      R"({"id":"SL1","baseUrl":"http://a.example/"},{"id":"SL2","standing":"unknown"},)"
      R"({"id":"SL3","baseUrl":"http://c.example/"}],)"
      R"("groups":[{"id":"all","shares":{"SL1":1,"SL2":1},"reserve":{"SL3":1}}]})");
};

void ask(std::string_view query, const World& world) {
  const auto asked = steering::parse_steering_query(query);
  const lobo::Instant now = lobo::ManualClock{}.now();
  const auto told = steering::answer(world.plan, asked, now, *world.keys, 1, 1, {});
  require(!told.priority.empty());
  require(told.ttl >= steering::ttl_least && told.ttl <= steering::ttl_most);
  require(told.token.size() <= steering::token_bytes_max);
  require(steering::read_token(told.token, *world.keys).has_value());
  // The key was made a moment ago: no input can hold its signature.
  require(told.fate == steering::TokenFate::none || told.fate == steering::TokenFate::foreign);
  for (const auto& clone : told.clones) require(clone.id != clone.base_id);
}

void plan(std::string_view text) {
  const auto read = steering::read_plan(text);
  if (!read) return;
  const auto again = steering::read_plan(steering::write_plan(*read));
  require(again.has_value());
  require(again->said() == read->said());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  if (size == 0) return 0;
  // Octets are characters here, as in a request's target.
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: ask(text, world); break;
    case 1: require(!steering::read_token(text, *world.keys).has_value()); break;
    case 2: plan(text); break;
    default: (void)lobo::app::TokenKeys::parse(text); break;
  }
  return 0;
}
