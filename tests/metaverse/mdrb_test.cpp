// Blocks, assets and their media (precondition 0): whole and in parts, by range, through a crash.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "contract/declared.hpp"
#include "metaverse/world.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

class Mdrb : public MmWorld {
 public:
  Mdrb() {
    on_answer = [](const http::Request& request, const http::Response& response) {
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
    const auto made = ask("POST", "/mm-mdrb/v1/blocks", R"({"name":"hall"})");
    EXPECT_EQ(made.status, 201) << made.body;
    const auto path = path_of(made);
    block = path.substr(path.rfind('/') + 1);
  }
  std::string text(std::string_view more = "") const {
    return R"({"blockId":")" + block + R"(","name":"alice","assetClass":"avatar")" +
           std::string(more) + '}';
  }
  std::string asset(std::string_view more = "") {
    const auto made = ask("POST", "/mm-mdrb/v1/assets", text(more));
    EXPECT_EQ(made.status, 201) << made.body;
    return path_of(made);
  }
  http::Response put(const std::string& at, std::string octets, std::string range = {},
                     std::string type = "model/gltf-binary") {
    http::Headers headers{{"content-type", std::move(type)}};
    if (!range.empty()) headers.add("content-range", std::move(range));
    return ask("PUT", at + "/media", std::move(octets), std::move(headers));
  }
  http::Response fetch(const std::string& at, std::string range = {}) {
    http::Headers headers{{"accept", "model/gltf-binary"}};
    if (!range.empty()) headers.add("range", std::move(range));
    return ask("GET", at + "/media", {}, std::move(headers));
  }
  std::string block;
};

TEST(mm_mdrb, an_asset_has_an_identifier_of_its_own_in_its_block) {
  Mdrb w;
  const auto at = w.asset(R"(,"assetId":"urn:mdrb:hall:alice","components":{"0":"root"})");
  EXPECT_EQ(at, "/mm-mdrb/v1/assets/urn%3Amdrb%3Ahall%3Aalice");
  EXPECT_NE(w.ask("GET", at).body.find(R"("assetId":"urn:mdrb:hall:alice")"), std::string::npos);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "other").status, 404);
  const auto again = w.text(R"(,"assetId":"urn:mdrb:hall:alice")");
  EXPECT_EQ(w.ask("POST", "/mm-mdrb/v1/assets", again).status, 409);
  EXPECT_EQ(w.ask("PUT", at, w.text(R"(,"assetId":"urn:other")")).status, 400);
  EXPECT_EQ(w.ask("PUT", at, w.text()).status, 200);
  EXPECT_EQ(w.ask("POST", "/mm-mdrb/v1/assets", R"({"blockId":"none","name":"a"})").status, 404);
  EXPECT_EQ(w.ask("POST", "/mm-mdrb/v1/assets", w.text(), {}, "other").status, 404);
  EXPECT_EQ(w.ask("DELETE", "/mm-mdrb/v1/blocks/" + w.block).status, 409);
  EXPECT_EQ(w.ask("DELETE", at).status, 204);
  EXPECT_EQ(w.ask("DELETE", "/mm-mdrb/v1/blocks/" + w.block).status, 204);
  EXPECT_TRUE(w.durable().records.empty());
}

TEST(mm_mdrb, media_come_back_as_they_were_whole_or_by_range) {
  Mdrb w;
  const auto at = w.asset();
  EXPECT_EQ(w.fetch(at).status, 404);
  const std::string octets("glTF\0\x01\xff rest", 12);
  EXPECT_EQ(w.put(at, octets).status, 200);
  const auto all = w.fetch(at);
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.body, octets);
  EXPECT_EQ(all.headers.find("content-type"), "model/gltf-binary");
  EXPECT_TRUE(all.headers.find("etag"));
  const auto some = w.fetch(at, "bytes=2-5");
  EXPECT_EQ(some.status, 206);
  EXPECT_EQ(some.body, octets.substr(2, 4));
  EXPECT_EQ(some.headers.find("content-range"), "bytes 2-5/12");
  EXPECT_EQ(w.fetch(at, "bytes=-3").body, octets.substr(9));
  EXPECT_EQ(w.fetch(at, "bytes=10-99").body, octets.substr(10));
  EXPECT_EQ(w.fetch(at, "bytes=12-").status, 416);
  EXPECT_EQ(w.fetch(at, "bytes=0-1,3-4").status, 200);  // Several ranges may be ignored.
  EXPECT_EQ(w.fetch(at, "lines=1-2").status, 200);
}

TEST(mm_mdrb, parts_come_in_order_and_the_old_media_stay_until_the_last_one) {
  Mdrb w;
  const auto at = w.asset();
  w.put(at, "old");
  EXPECT_EQ(w.put(at, "abc", "bytes 0-2/8").status, 200);
  EXPECT_NE(w.ask("GET", at).body.find(R"("received":3)"), std::string::npos);
  EXPECT_EQ(w.fetch(at).body, "old");
  EXPECT_EQ(w.put(at, "fgh", "bytes 5-7/8").status, 409);
  EXPECT_EQ(w.put(at, "de", "bytes 3-4/8").status, 200);
  w.crash_and_restart();
  EXPECT_EQ(w.put(at, "fgh", "bytes 5-7/8").status, 200);
  EXPECT_EQ(w.fetch(at).body, "abcdefgh");
  EXPECT_EQ(w.media.files.size(), 1U);
  EXPECT_EQ(w.ask("DELETE", at).status, 204);
  EXPECT_TRUE(w.media.files.empty());
}

TEST(mm_mdrb, what_does_not_fit_is_refused_and_leaves_nothing) {
  Mdrb w;
  const auto at = w.asset();
  EXPECT_EQ(w.put(at, "x", {}, "text/html").status, 415);
  EXPECT_EQ(w.put(at, std::string(1001, 'x')).status, 413);
  EXPECT_EQ(w.put(at, "abc", "bytes 0-2/1001").status, 413);
  EXPECT_EQ(w.put(at, "abc", "bytes 0-3/8").status, 400);
  EXPECT_EQ(w.put(at, "abc", "0-2/8").status, 400);
  EXPECT_EQ(w.put(at, std::string((4U << 20U) + 1, 'x')).status, 413);
  w.media.full = true;
  EXPECT_EQ(w.put(at, "abc").status, 503);
  EXPECT_TRUE(w.media.files.empty());
  EXPECT_EQ(w.ask("GET", at).body.find("upload"), std::string::npos);
}

TEST(mm_mdrb, an_upload_that_no_asset_knows_is_gone_after_a_start) {
  Mdrb w;
  const auto at = w.asset();
  w.put(at, "kept");
  w.media.files.emplace("orphan", "x");
  w.crash_and_restart();
  EXPECT_EQ(w.media.files.size(), 1U);
  EXPECT_EQ(w.fetch(at).body, "kept");
}

}  // namespace
}  // namespace lobo::app::testing
