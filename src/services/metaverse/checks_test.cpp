#include "services/metaverse/checks.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "api/mm_das.hpp"
#include "model/date_time.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/json/json.hpp"

namespace lobo::metaverse {
namespace {

/// Where the first fault is, of a session with these assets and this beside them.
std::string fault(std::string_view assets, std::string_view more = "") {
  const auto text = R"({"valServiceId":"x","requesterId":"v","assets":[)" + std::string(assets) +
                    "]" + std::string(more) + "}";
  const auto session = json::read<api::mm_das::SyncSessionReq>(text);
  EXPECT_TRUE(session) << text;
  if (!session) return "unreadable";
  const auto sinks = http::SinkPolicy::from({"val.example"}, true);
  const auto done =
      check_session(*session, *sinks, *model::parse_date_time("2026-11-22T12:00:00Z"));
  return done ? "none" : done.error().faults.at(0).where;
}
std::string asset(std::string_view id, std::string_view ue, std::string_view more = "") {
  return R"({"assetId":"urn:)" + std::string(id) +
         R"(","serverEp":{"id":"s"},"clientEp":{"id":"c"},"hostUe":{"valUeId":")" +
         std::string(ue) + R"("},"qos":{})" + std::string(more) + "}";
}

TEST(mm_checks, name_the_member_that_contradicts_another) {
  EXPECT_EQ(fault(asset("a", "1")), "none");
  EXPECT_EQ(fault(asset("a", "1") + ',' + asset("a", "2")), "none");
  EXPECT_EQ(fault(asset("a", "1") + ',' + asset("a", "1")), "/assets/1");
  EXPECT_EQ(fault(asset("a", "")), "/assets/0/hostUe");
  EXPECT_EQ(fault(asset("a", "1", R"(,"components":0)")), "/assets/0/components");
  EXPECT_EQ(fault(asset("a", "1", R"(,"dependsOn":["urn:b"])")), "/assets/0/dependsOn");
  EXPECT_EQ(fault(asset("a", "1", R"(,"dependsOn":["urn:a"])")), "/assets/0/dependsOn");
  EXPECT_EQ(fault(asset("a", "1"),
                  R"(,"syncGroups":[{"id":"g","assetIds":["urn:a","urn:z"],"maxSkewMs":5}])"),
            "/syncGroups/0/assetIds");
  EXPECT_EQ(fault(asset("a", "1"), R"(,"expTime":"2026-11-22T12:00:00Z")"), "/expTime");
  EXPECT_EQ(fault(asset("a", "1"), R"(,"expTime":"2026-11-22T12:00:01Z")"), "none");
}

TEST(mm_checks, let_notifications_go_only_where_the_operator_lets_them) {
  const auto to = [](std::string_view uri) {
    return fault(asset("a", "1"),
                 R"(,"notif":{"uri":")" + std::string(uri) + R"(","events":["FLOW_STATE"]})");
  };
  EXPECT_EQ(to("http://val.example/n"), "none");
  EXPECT_EQ(to("https://10.0.0.1/n"), "/notif/uri");
  EXPECT_EQ(to("http://elsewhere.example/n"), "/notif/uri");
}

TEST(mm_checks, of_rates_a_guarantee_is_no_more_than_its_maximum) {
  const std::string text =
      R"({"assetId":"urn:a","serverEp":{"id":"s"},"clientEp":{"id":"c"},"hostUe":{"valUserId":"u"},)"
      R"("qos":{"gbrDl":"2 Mbps","mbrDl":"1999 Kbps"}})";
  EXPECT_EQ(fault(text), "/assets/0/qos/gbrDl");
}

}  // namespace
}  // namespace lobo::metaverse
