// The newest state of an asset, read at the enabler.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "metaverse/world.hpp"

namespace lobo::app::testing {
namespace {

TEST(mm_state, of_an_asset_that_ends_here_is_read_as_json_or_as_it_was_published) {
  MmWorld w;
  const auto at =
      w.session(MmWorld::ending_here("1", "ue-1") + ',' + MmWorld::asset("2", "ue-1")) + "/state/";
  const auto path = at + "urn%3Aa%3A1";
  const auto read = [&](const std::string& query, std::string_view accept) {
    return w.ask("GET", path + query, {}, {{"accept", std::string(accept)}});
  };
  constexpr std::string_view json_type = "application/json";
  constexpr std::string_view octets = "application/octet-stream";
  const std::string pose = R"({"component":0,"seq":7,"ageUs":2500,"state":"cG9zZQ=="})";
  const std::string hand =
      R"({"component":3,"seq":9,"ageUs":100,"state":"aGFuZA==","delta":"ZA=="})";
  w.sealdd.replica = MmWorld::replica(pose);
  EXPECT_EQ(
      read("", json_type).body,
      R"({"assetId":"urn:a:1","components":[{"component":0,"seq":7,"ageMs":2.5,"state":"cG9zZQ=="}]})");
  const auto whole = read("", octets);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "pose");
  EXPECT_EQ(whole.headers.find("content-type"), "application/octet-stream");
  EXPECT_EQ(whole.headers.find("x-lobo-seq"), "7");
  w.sealdd.replica = MmWorld::replica(pose + ',' + hand);
  EXPECT_EQ(read("", octets).status, 400) << "which component?";
  EXPECT_EQ(read("?component=0", octets).body, "pose");
  EXPECT_EQ(read("?component=3", octets).status, 406) << "a delta is nothing without its key";
  EXPECT_NE(read("?component=3", json_type).body.find(R"("delta":"ZA==")"), std::string::npos);
  EXPECT_EQ(read("?component=4", json_type).status, 404);
  EXPECT_EQ(read("?component=32", json_type).status, 400);
  w.sealdd.replica = MmWorld::replica("");
  EXPECT_EQ(read("", json_type).status, 404) << "nothing was published";
  w.sealdd.replica = "nonsense";
  EXPECT_EQ(read("", json_type).status, 503);
  EXPECT_EQ(w.ask("GET", at + "urn%3Aa%3A2").status, 409) << "it ends at the VAL server";
  EXPECT_EQ(w.ask("GET", at + "urn%3Aa%3A9").status, 404);
  EXPECT_EQ(w.ask("GET", path, {}, {}, "stranger").status, 404);
}

}  // namespace
}  // namespace lobo::app::testing
