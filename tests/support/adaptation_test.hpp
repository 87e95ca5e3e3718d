#pragma once
// What the tests of adaptations have in common: bodies, and a driver that knows what was told. Only
// for tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::testing {

using api::nra_adaptation::AdaptationNotification;
using api::nra_adaptation::NetworkResourceAdaptation;
using api::state::adaptation::AdaptationState;

inline std::string names(int from, int to) {
  std::string out = "[";
  for (int i = from; i <= to; ++i)
    out +=
        (out.size() > 1 ? "," : "") + std::string(R"({"valUeId":"m)") + std::to_string(i) + "\"}";
  return out + "]";
}
inline std::string body_of(const std::string& target, const std::string& more = "") {
  return "{" + target + R"(,"uniQosReq":"video-hd","notifUri":"http://127.0.0.1:9000/n")" + more +
         "}";
}
inline std::string list_body(int from, int to, const std::string& more = "") {
  return body_of(R"("valUeIds":)" + names(from, to), more);
}

/// What an offer of the core looks like.
inline const std::string offers_sd =
    R"({"status":403,"cause":"REQUESTED_SERVICE_NOT_AUTHORIZED","acceptableServInfo":{"accBwMedComps":{"1":{"medCompN":1,"qosReference":"video-sd"}}}})";

class AdaptationTest : public ::testing::Test {
 protected:
  NrmDriver driver;

  resource::RequestId adapt(const std::string& body) {
    const auto request = driver.adapt(body);
    driver.deliver();
    return request;
  }
  resource::RequestId patch(const std::string& body, const std::string& who = "app") {
    const auto request =
        driver.command(driver.last_key, "ModifyNetworkResourceAdaptation", body, who);
    driver.deliver();
    return request;
  }
  resource::RequestId remove(const std::string& who = "app") {
    return driver.command(driver.last_key, "DeleteNetworkResourceAdaptation", {}, who);
  }
  NetworkResourceAdaptation answer(resource::RequestId request) {
    auto read = json::read<NetworkResourceAdaptation>(driver.replies.at(request).body);
    EXPECT_TRUE(read) << driver.replies.at(request).body;
    return read ? *read : NetworkResourceAdaptation{};
  }
  std::map<std::string, std::string> results(const NetworkResourceAdaptation& doc) {
    std::map<std::string, std::string> out;
    for (const auto& result : *doc.ue_results)
      out[result.val_tgt_ue.val_ue_id ? *result.val_tgt_ue.val_ue_id
                                      : *result.val_tgt_ue.val_user_id] =
          result.result.text + (result.cause ? " " + *result.cause : "");
    return out;
  }
  NetworkResourceAdaptation shown() {
    return *seal_nrm::represent_adaptation(driver.last_key.id, state(), driver.settings,
                                           driver.lookup);
  }
  AdaptationState state() {
    return *json::read<AdaptationState>(driver.lookup.records.at(driver.last_key).state);
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& notification : driver.notifications) {
      const auto body = json::read<AdaptationNotification>(notification.body);
      EXPECT_TRUE(body) << notification.body;
      for (const auto& event : body->event_notifs) {
        EXPECT_EQ(event.seq, static_cast<std::int64_t>(notification.sequence));
        std::string line = event.event.text;
        if (event.val_tgt_ue) line += " " + event.val_tgt_ue->val_ue_id.value_or("user");
        if (event.ue_result) line += " " + event.ue_result->result.text;
        if (event.cause) line += " " + *event.cause;
        out.push_back(std::move(line));
      }
    }
    driver.notifications.clear();
    return out;
  }
  Key member(const std::string& name) { return {"unicast", driver.last_key.id + ".e." + name}; }
  std::size_t records(std::string_view kind) {
    return static_cast<std::size_t>(std::ranges::count_if(
        driver.lookup.records, [&](const auto& entry) { return entry.first.kind == kind; }));
  }
  void nothing_is_left() {
    EXPECT_TRUE(driver.core.sessions.empty());
    EXPECT_TRUE(driver.core.policies.empty());
    for (const auto& [key, record] : driver.lookup.records)
      EXPECT_EQ(key.kind, "core_peer") << key.id << " is left";
    EXPECT_TRUE(driver.timers.empty());
  }
};

}  // namespace lobo::testing
