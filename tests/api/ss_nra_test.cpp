#include "api/ss_nra.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "base/result.hpp"
#include "wire/json/json.hpp"

namespace lobo::api::ss_nra {
namespace {

using Seen = std::vector<std::pair<Errc, std::string>>;

template <class T>
Seen faults_of(std::string_view text) {
  const auto body = json::read<T>(text);
  Seen seen;
  if (!body)
    for (const auto& fault : body.error().faults) seen.emplace_back(fault.code, fault.where);
  return seen;
}

TEST(unicast_subscription, names_either_a_user_or_a_ue) {
  const auto with = [](std::string_view target) {
    return R"({"valTgtUe":)" + std::string(target) + R"(,"notifUri":"http://127.0.0.1/n"})";
  };
  EXPECT_EQ(faults_of<UnicastSubscription>(with(R"({"valUeId":"ue1"})")), Seen{});
  EXPECT_EQ(faults_of<UnicastSubscription>(with(R"({"valUserId":""})")), Seen{});
  EXPECT_EQ(faults_of<UnicastSubscription>(with("{}")), (Seen{{Errc::not_allowed, "/valTgtUe"}}));
  EXPECT_EQ(faults_of<UnicastSubscription>(with(R"({"valUeId":"a","valUserId":"b"})")),
            (Seen{{Errc::not_allowed, "/valTgtUe"}}));
}

TEST(unicast_subscription, an_empty_body_lacks_what_is_required) {
  EXPECT_EQ(faults_of<UnicastSubscription>("{}"),
            (Seen{{Errc::missing, "/valTgtUe"}, {Errc::missing, "/notifUri"}}));
}

TEST(unicast_subscription, a_notification_uri_is_absolute) {
  for (const auto* uri :
       {"", "/n", "127.0.0.1", "http:", "http://", "http:///n", "1http://x", "http://a b"})
    EXPECT_EQ(faults_of<UnicastSubscription>(R"({"valTgtUe":{"valUeId":"u"},"notifUri":")" +
                                             std::string(uri) + "\"}"),
              (Seen{{Errc::pattern, "/notifUri"}}))
        << uri;
}

TEST(unicast_subscription_patch, an_end_may_be_taken_away_and_a_requirement_may_not) {
  const auto patch = json::read<UnicastSubscriptionPatch>(R"({"duration":null})");
  ASSERT_TRUE(patch);
  EXPECT_TRUE(patch->duration.is_null());
  EXPECT_EQ(faults_of<UnicastSubscriptionPatch>(R"({"uniQosReq":null})"),
            (Seen{{Errc::wrong_type, "/uniQosReq"}}));
  EXPECT_EQ(faults_of<UnicastSubscriptionPatch>("{}"), (Seen{{Errc::out_of_range, ""}}));
}

TEST(nrm_event_notification, an_event_of_a_later_release_passes_through_untouched) {
  const std::string text = R"({"event":"UP_TELEPORTED","ts":"2026-11-22T00:26:09Z"})";
  const auto event = json::read<NrmEventNotification>(text);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->event.known(), std::nullopt);
  EXPECT_EQ(json::write(*event), text);
}

TEST(uni_qos_requirement, a_requirement_says_something_and_nothing_unknown) {
  EXPECT_EQ(
      faults_of<UniQosRequirement>(R"({"qosReference":"gold","altQoSReferences":["silver"]})"),
      Seen{});
  EXPECT_EQ(faults_of<UniQosRequirement>("{}"), (Seen{{Errc::not_allowed, ""}}));
  EXPECT_EQ(faults_of<UniQosRequirement>(R"({"dlBitRate":"5 Mbps","altQoSReferences":["silver"]})"),
            (Seen{{Errc::not_allowed, ""}}));
  EXPECT_EQ(faults_of<UniQosRequirement>(R"({"qosReference":"gold","qci":1})"),
            (Seen{{Errc::not_allowed, "/qci"}}));
  EXPECT_EQ(faults_of<UniQosRequirement>(R"({"qosReference":"gold","altQoSReferences":["a","a"]})"),
            (Seen{{Errc::duplicate, "/altQoSReferences/1"}}));
}

TEST(uni_qos_requirement, pdu_set_handling_has_the_release_19_names) {
  const std::string text =
      R"({"qosReference":"xr","pduSetQosDl":{"pduSetDelayBudget":1000,"pduSetErrRate":"1E-4",)"
      R"("pduSetHandlingInfo":"ALL_PDUS_NEEDED"},"protoDescDl":{"transportProto":"SRTP",)"
      R"("rtpHeaderExtInfo":{"rtpHeaderExtType":"PDU_SET_MARKING","rtpHeaderExtId":1},)"
      R"("mriTransferInfo":"UDP_OPTION"},"datBurstSizeInd":true})";
  const auto requirement = json::read<UniQosRequirement>(text);
  ASSERT_TRUE(requirement);
  EXPECT_EQ(requirement->proto_desc_dl->transport_proto, common::MediaTransportProtoKnown::srtp);
  EXPECT_EQ(json::write(*requirement), text);
  EXPECT_EQ(
      faults_of<UniQosRequirement>(
          R"({"qosReference":"xr","pduSetQosDl":{"pduSetErrRate":"1e-4"}})"),
      (Seen{{Errc::pattern, "/pduSetQosDl/pduSetErrRate"}, {Errc::not_allowed, "/pduSetQosDl"}}));
}

TEST(ss_nra_operations, each_row_says_path_scope_and_body) {
  const auto rows = operations();
  const auto find = [&](std::string_view id) {
    return *std::ranges::find(rows, id, &resource::Operation::id);
  };
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(find(operation::create_unicast_subscription).path, "/ss-nra/v1/unicast-subscriptions");
  EXPECT_EQ(find(operation::create_unicast_subscription).content_type, "application/json");
  EXPECT_EQ(find(operation::modify_unicast_subscription).content_type,
            "application/merge-patch+json");
  EXPECT_EQ(find(operation::delete_unicast_subscription).path,
            "/ss-nra/v1/unicast-subscriptions/{uniSubId}");
  EXPECT_EQ(find(operation::get_unicast_subscription).scope, "ss-nra");
  EXPECT_EQ(find(operation::list_unicast_subscriptions).method, "GET");
}

}  // namespace
}  // namespace lobo::api::ss_nra
