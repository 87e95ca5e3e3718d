// Each rule of a unicast subscription that its schema cannot say, refused by name; and every subset
// of what is optional, accepted.

#include "services/seal_nrm/checks.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {
namespace {

using Driver = lobo::testing::NrmDriver;
using Pointers = std::vector<std::string>;

std::string with(const std::string& members) {
  return R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n")" + members + "}";
}
std::string with_requirement(const std::string& text) {
  return with(",\"uniQosReq\":" + json::quoted(text));
}

struct Refused {
  std::string body;
  Pointers blamed;
};

TEST(checks, refuse_each_fault_by_the_name_of_its_member_and_change_nothing) {
  const std::string long_name(5000, 'x');
  const std::vector<Refused> cases = {
      // Structure: the schema's.
      {"{}", {"/valTgtUe", "/notifUri"}},
      {R"({"valTgtUe":{},"notifUri":"http://127.0.0.1/"})", {"/valTgtUe"}},
      {R"({"valTgtUe":{"valUeId":"ue1","valUserId":"alice"},"notifUri":"http://127.0.0.1/"})",
       {"/valTgtUe"}},
      {R"({"valTgtUe":null,"notifUri":null})", {"/valTgtUe", "/notifUri"}},
      {with(R"(,"duration":"22/11/2026","suppFeat":"xyz")"), {"/duration", "/suppFeat"}},
      {with(R"(,"reqTestNotif":"true","uniQosReq":7)"), {"/reqTestNotif", "/uniQosReq"}},
      {with(R"(,"notifUri":"http://127.0.0.1/")"), {"/notifUri"}},
      // Rules.
      {with(R"(,"duration":"2026-11-22T11:59:59Z")"), {"/duration"}},
      {with(R"(,"duration":"2036-11-22T12:00:00Z")"), {"/duration"}},
      {R"({"valTgtUe":{"valUeId":""},"notifUri":"http://127.0.0.1/"})", {"/valTgtUe/valUeId"}},
      {R"({"valTgtUe":{"valUserId":""},"notifUri":"http://127.0.0.1/"})", {"/valTgtUe/valUserId"}},
      {R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"ftp://127.0.0.1/"})", {"/notifUri"}},
      {R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://169.254.169.254/latest"})",
       {"/notifUri"}},
      {R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://user:pw@127.0.0.1/"})", {"/notifUri"}},
      // What a requirement may be.
      {with_requirement(""), {"/uniQosReq"}},
      {with_requirement("no-such-service"), {"/uniQosReq"}},
      {with_requirement(long_name), {"/uniQosReq"}},
      {with_requirement("{"), {"/uniQosReq"}},
      {with_requirement("{}"), {"/uniQosReq"}},
      {with_requirement(R"({"type":"IPV4","qci":1,"ulBW":5})"),
       {"/uniQosReq/type", "/uniQosReq/qci", "/uniQosReq/ulBW", "/uniQosReq"}},
      {with_requirement(R"({"qosReference":"unheard"})"), {"/uniQosReq/qosReference"}},
      {with_requirement(R"({"qosReference":"video-hd","altQoSReferences":["haptic","unheard"]})"),
       {"/uniQosReq/altQoSReferences/1"}},
      {with_requirement(R"({"qosReference":"video-hd","gbrDl":"1 Mbps"})"),
       {"/uniQosReq/qosReference"}},
      {with_requirement(R"({"gbrDl":"5 Mbps","dlBitRate":"4 Mbps"})"), {"/uniQosReq/gbrDl"}},
      {with_requirement(R"({"gbrUl":"0 bps"})"), {"/uniQosReq/gbrUl"}},
      {with_requirement(R"({"gbrUl":"5 Mb"})"), {"/uniQosReq/gbrUl"}},
      {with_requirement(R"({"gbrUl":"99999999999999999999 Tbps"})"), {"/uniQosReq/gbrUl"}},
      {with_requirement(R"({"packetDelayBudgetMs":0,"packetErrorRate":"often"})"),
       {"/uniQosReq/packetDelayBudgetMs", "/uniQosReq/packetErrorRate"}},
      {with_requirement(
           R"({"qosReference":"video-hd","flows":[{"flowId":1,"flowDescriptions":["permit in"]}]})"),
       {"/uniQosReq/flows/0/flowDescriptions/0"}},
      {with_requirement(R"({"qosReference":"video-hd","flows":[{"flowDescriptions":[""]}]})"),
       {"/uniQosReq/flows/0/flowDescriptions/0"}},
      {with_requirement(
           R"({"qosReference":"video-hd","flows":[{"flowId":1,"flowDescriptions":["permit out ip from any to any","permit out ip from any to any"]},{"flowId":1,"flowDescriptions":["permit in ip from any to any"]}]})"),
       {"/uniQosReq/flows/0/flowDescriptions/1", "/uniQosReq/flows/1/flowId"}},
  };
  for (const auto& one : cases) {
    Driver d;
    const auto request = d.create(one.body);
    EXPECT_EQ(d.status(request), 400) << one.body;
    EXPECT_EQ(d.blamed(request), one.blamed) << one.body;
    EXPECT_TRUE(d.lookup.records.empty()) << one.body;
    EXPECT_TRUE(d.calls.empty() && d.tells.empty() && d.timers.empty()) << one.body;
  }
}

TEST(checks, tell_several_faults_of_rules_at_once) {
  Driver d;
  const auto request = d.create(
      R"({"valTgtUe":{"valUeId":""},"notifUri":"ftp://x/","duration":"2000-01-01T00:00:00Z","uniQosReq":"unheard"})");
  EXPECT_EQ(d.blamed(request),
            (Pointers{"/valTgtUe/valUeId", "/notifUri", "/duration", "/uniQosReq"}));
}

TEST(checks, refuse_a_body_that_is_no_json_or_too_deep) {
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[]"), std::string("\xff"),
        std::string(100000, '['), std::string("{\"valTgtUe\":"), std::string(1, '\0')}) {
    Driver d;
    const auto request = d.create(body);
    EXPECT_EQ(d.status(request), 400);
    EXPECT_TRUE(d.lookup.records.empty());
  }
}

TEST(checks, find_no_ue_that_is_unknown_or_anothers) {
  for (const std::string ue : {"ue9", "ue2", "UE1", "ue1 ", "../ue1"}) {
    Driver d;
    const auto request = d.create(R"({"valTgtUe":{"valUeId":)" + json::quoted(ue) +
                                  R"(},"notifUri":"http://127.0.0.1:9000/n"})");
    EXPECT_EQ(d.status(request), 404) << ue;
    EXPECT_EQ(d.cause(request), "USER_NOT_FOUND");
    EXPECT_EQ(d.blamed(request), (Pointers{"/valTgtUe/valUeId"}));
    EXPECT_EQ(d.replies.at(request).body.find("example.com"), std::string::npos);
    EXPECT_TRUE(d.lookup.records.empty() && d.tells.empty());
  }
}

TEST(checks, need_a_default_where_no_requirement_is_stated) {
  Driver d;
  EXPECT_EQ(d.status(d.create(with(""), "app")), 0);
  const auto request = d.create(with(""), "stranger");
  EXPECT_EQ(d.status(request), 400);
  EXPECT_EQ(d.blamed(request), (Pointers{"/uniQosReq"}));
  Driver open;
  open.settings.defaults["*"] = open.settings.defaults["app"];
  EXPECT_EQ(open.status(open.create(with(""), "stranger")), 0);
}

TEST(checks, take_a_service_before_a_reference_before_the_json_form) {
  Settings settings = lobo::testing::test_settings();
  EXPECT_EQ(resolve_requirement("meeting", "app", settings)->qos_reference, "video-hd");
  EXPECT_EQ(resolve_requirement("haptic", "app", settings)->qos_reference, "haptic");
  settings.services["haptic"].qos_reference = "video-sd";
  EXPECT_EQ(resolve_requirement("haptic", "app", settings)->qos_reference, "video-sd");
  EXPECT_EQ(resolve_requirement(R"({"gbrDl":"1 Mbps"})", "app", settings)->gbr_dl, "1 Mbps");
}

TEST(checks, lesson_13_take_every_subset_of_what_is_optional) {
  const std::vector<std::string> optional = {
      R"("uniQosReq":"video-hd")",
      R"("duration":"2026-11-22T13:00:00Z")",
      R"("reqTestNotif":true)",
      R"("wsNotifCfg":{"requestWebsocketUri":true})",
      R"("suppFeat":"70000000001")",
      R"("uniQosState":{"controlPlane":"confirmed","userPlane":"enforced"})",
      R"("unheardOf":[{"a":1}])"};
  for (unsigned subset = 0; subset < 1U << optional.size(); ++subset) {
    std::string members;
    for (std::size_t i = 0; i < optional.size(); ++i)
      if ((subset >> i & 1U) != 0) members += "," + optional[i];
    Driver d;
    const auto request = d.create(with(members));
    d.deliver();
    ASSERT_EQ(d.status(request), 201) << members;
    const auto remove = d.remove(d.last_key);
    d.deliver();
    ASSERT_EQ(d.status(remove), 204) << members;
    ASSERT_TRUE(d.lookup.records.empty() && d.core.sessions.empty() && d.core.watches.empty())
        << members;
  }
}

TEST(checks, lesson_13_take_every_pair_of_what_a_requirement_may_hold) {
  const std::vector<std::string> optional = {
      R"("ulBitRate":"9 Mbps")",
      R"("dlBitRate":"9 Mbps")",
      R"("gbrUl":"1 Mbps")",
      R"("gbrDl":"1 Mbps")",
      R"("packetDelayBudgetMs":10)",
      R"("packetErrorRate":"1E-4")",
      R"("flows":[{"flowDescriptions":["permit in 17 from any to 192.0.2.1 5004"]}])",
      R"("pduSetQosDl":{"pduSetHandlingInfo":"ALL_PDUS_NEEDED"})",
      R"("pduSetQosUl":{"pduSetHandlingInfo":"NEW"})",
      R"("protoDescDl":{})",
      R"("protoDescUl":{"transportProto":"RTP"})",
      R"("datBurstSizeInd":false)",
      R"("timetoNextBurstInd":true)"};
  for (const std::string first : {R"("gbrDl":"1 Mbps")", R"("qosReference":"video-hd")"})
    for (std::size_t i = 0; i < optional.size(); ++i)
      for (std::size_t j = i + 1; j < optional.size(); ++j) {
        const bool reference = first[1] == 'q';
        if ((reference && i < 6) || (!reference && (i == 3 || j == 3))) continue;
        Driver d;
        const auto request =
            d.create(with_requirement("{" + first + "," + optional[i] + "," + optional[j] + "}"));
        d.deliver();
        ASSERT_EQ(d.status(request), 201)
            << first << optional[i] << optional[j] << d.replies.at(request).body;
      }
}

TEST(checks, lesson_02_refuse_what_is_there_but_empty) {
  for (const std::string member : {R"("uniQosReq":"")", R"("duration":"")", R"("notifUri":"")"}) {
    Driver d;
    const std::string notif =
        member.find("notifUri") == std::string::npos ? R"(,"notifUri":"http://127.0.0.1/")" : "";
    const auto request = d.create(R"({"valTgtUe":{"valUeId":"ue1"})" + notif + "," + member + "}");
    EXPECT_EQ(d.status(request), 400) << member;
  }
  // And from the core: an empty address is none.
  Driver d;
  const auto request = d.create(with(""));
  d.deliver_tells();
  auto response = d.core.handle(d.calls.front().call.request);
  response.body =
      R"({"notificationDestination":"http://x/","monitoringType":"PDN_CONNECTIVITY_STATUS","maximumNumberOfReports":1,
    "monitoringEventReport":{"monitoringType":"PDN_CONNECTIVITY_STATUS","pdnConnInfoList":[{"status":"CREATED","pdnType":"IPV4","ipv4Addr":""}]}})";
  d.answer(response);
  d.deliver();
  EXPECT_EQ(d.status(request), 201);  // Asked for plainly instead.
  EXPECT_EQ(d.core.journal[1], "POST /3gpp-ue-address/v1/retrieve");
}

}  // namespace
}  // namespace lobo::seal_nrm
