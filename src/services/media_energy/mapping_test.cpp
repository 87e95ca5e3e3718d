#include "services/media_energy/mapping.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/date_time.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

TEST(canonical_url, writes_what_is_one_in_one_way) {
  const std::string plain = "http://a.example/x/~y";
  for (const auto* same : {"http://A.Example/x/~y", "HTTP://a.example:80/x/%7Ey",
                           "http://a.example/x/~y?token=1", "http://a.example/x/%7ey#frag"})
    EXPECT_EQ(canonical_url(same).value_or("none"), plain) << same;
  EXPECT_EQ(canonical_url("https://a.example/x").value_or("none"), "https://a.example/x");
  EXPECT_EQ(canonical_url("http://[::1]:8080/a").value_or("none"), "http://[::1]:8080/a");
  for (const auto* none : {"", "a.example/x", "ftp://a.example/", "http://user@a.example/",
                           "http://a.example/%zz", "http://a.example/%00"})
    EXPECT_FALSE(canonical_url(none)) << none;
}

TEST(location_index, finds_the_longest_base_by_whole_segments) {
  LocationIndex index;
  EXPECT_TRUE(index.add("http://a.example/a", "SL1"));
  EXPECT_TRUE(index.add("http://a.example/a/b/", "SL2"));
  EXPECT_TRUE(index.add("http://[2001:db8::1]:8080/", "SL3"));
  EXPECT_EQ(index.find("http://a.example/a/x.mp4"), "SL1");
  EXPECT_EQ(index.find("http://a.example/a/b"), "SL2");
  EXPECT_EQ(index.find("http://a.example/a/b/c.mp4?sig=/a/x"), "SL2");
  EXPECT_EQ(index.find("http://a.example/a/bc.mp4"), "SL1");
  EXPECT_EQ(index.find("http://[2001:DB8::1]:8080/z"), "SL3");
  EXPECT_FALSE(index.find("http://a.example/ab/x"));
  EXPECT_FALSE(index.find("https://a.example/a/x"));
  EXPECT_FALSE(index.find("nonsense"));
}

TEST(location_index, gives_a_base_to_one_location_only) {
  LocationIndex index;
  EXPECT_TRUE(index.add("http://a.example/", "SL1"));
  EXPECT_TRUE(index.add("http://A.example", "SL1"));
  EXPECT_FALSE(index.add("http://a.example:80/", "SL2"));
  EXPECT_FALSE(index.add("not a url", "SL2"));
}

RC_GTEST_PROP(location_index, finds_what_a_search_through_all_bases_finds,
              (const std::vector<std::vector<bool>>& given, const std::vector<bool>& wanted)) {
  const auto url = [](const std::vector<bool>& turns) {
    std::string out = "http://a.example/";
    for (std::size_t i = 0; i < turns.size() && i < 6; ++i) out += turns[i] ? "r/" : "l/";
    return out;
  };
  LocationIndex index;
  std::string best;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto base = url(given[i]);
    if (index.add(base, base) && url(wanted).starts_with(base) && base.size() > best.size())
      best = base;
  }
  RC_ASSERT(std::string(index.find(url(wanted)).value_or("")) == best);
}

class session_map : public ::testing::Test {
 protected:
  bool saw(std::string_view location, Source source, Instant at) {
    return map.saw("s", location, source, at, 30s);
  }
  std::string where() const {
    const auto* placed = map.find("s");
    return placed == nullptr ? "nowhere" : placed->location;
  }
  SessionMap map;
};

TEST_F(session_map, believes_the_best_source_while_it_is_fresh) {
  EXPECT_TRUE(saw("SL1", Source::consumption, noon));
  EXPECT_TRUE(saw("SL2", Source::collector, noon + 1s));
  EXPECT_FALSE(saw("SL1", Source::consumption, noon + 2s));
  EXPECT_EQ(where(), "SL2");
  EXPECT_TRUE(saw("SL1", Source::qoe, noon + 31s));
  EXPECT_EQ(where(), "SL1");
}

TEST_F(session_map, takes_the_newest_word_of_one_source) {
  saw("SL1", Source::steering, noon + 5s);
  EXPECT_FALSE(saw("SL2", Source::steering, noon));
  EXPECT_EQ(where(), "SL1");
  EXPECT_TRUE(saw("SL2", Source::steering, noon + 6s));
}

TEST_F(session_map, forgets_what_nobody_confirms) {
  saw("SL1", Source::collector, noon);
  EXPECT_EQ(map.expire(noon), 0U);
  EXPECT_EQ(map.expire(noon + 1s), 1U);
  EXPECT_EQ(where(), "nowhere");
}

TEST(location_index, lets_nobody_take_what_is_below_the_base_of_another) {
  LocationIndex index;
  EXPECT_TRUE(index.add("http://sl1.example/m4/", "SL1"));
  EXPECT_FALSE(index.claim("http://sl1.example/m4/live/", "SL2"));
  EXPECT_FALSE(index.claim("http://sl1.example/m4/", "SL2"));
  EXPECT_TRUE(index.claim("http://sl1.example/m4/live/", "SL1"));
  EXPECT_TRUE(index.claim("http://sl1.example/", "SL2")) << "what is above is not taken from it";
  EXPECT_EQ(index.find("http://sl1.example/m4/live/1.mp4"), "SL1");
}

TEST(location_index, is_bounded) {
  LocationIndex index;
  for (std::size_t i = 0; i < bases_max; ++i)
    ASSERT_TRUE(index.add("http://sl1.example/" + std::to_string(i) + "/", "SL1"));
  EXPECT_FALSE(index.add("http://sl2.example/", "SL2"));
  EXPECT_TRUE(index.add("http://sl1.example/7/", "SL1")) << "known already";
  EXPECT_EQ(index.size(), bases_max);
}

TEST(location_index, knows_a_host_whose_bases_are_of_one_location) {
  LocationIndex index;
  index.add("https://sl1.example:8443/a/", "SL1");
  index.add("https://sl1.example:8443/b/", "SL1");
  index.add("http://both.example/a/", "SL1");
  index.add("http://both.example/b/", "SL2");
  EXPECT_EQ(index.at_authority("sl1.example:8443/"), "SL1");
  EXPECT_EQ(index.at_authority("sl1.example:844/"), std::nullopt);
  EXPECT_EQ(index.at_authority("both.example:80/"), std::nullopt);
}

TEST_F(session_map, leaves_room_for_sessions_that_more_than_a_report_names) {
  const Instant now{};
  for (std::size_t i = 0; i < unproven_max + 10; ++i)
    map.saw("invented-" + std::to_string(i), "SL1", Source::consumption, now,
            std::chrono::hours{1});
  EXPECT_EQ(map.size(), unproven_max);
  EXPECT_EQ(map.unmapped(), 10U);
  EXPECT_TRUE(map.saw("real", "SL1", Source::collector, now, std::chrono::hours{1}));
  // One that turns out to be real makes room.
  EXPECT_TRUE(map.saw("invented-1", "SL2", Source::collector, now, std::chrono::hours{1}));
  EXPECT_EQ(map.unproven(), unproven_max - 1);
  map.expire(now + std::chrono::hours{2});
  EXPECT_EQ(map.unproven(), 0U);
}

}  // namespace
}  // namespace lobo::media_energy
