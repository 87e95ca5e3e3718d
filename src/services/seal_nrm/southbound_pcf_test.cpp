#include "services/seal_nrm/southbound_pcf.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "api/policy_authorization.hpp"
#include "api/ss_nra.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

constexpr const char* gpsi = "msisdn-491700000001";
const std::string callback = "http://127.0.0.60:7777/nrm-callbacks/v1/unicast/u1/s3cret";

Settings settings_of_pcf() {
  Settings settings;
  settings.callback_base = "http://127.0.0.60:7777";
  settings.core.kind = CoreKind::pcf;
  settings.core.peer = "pcf";
  settings.core.bsf = true;
  settings.core.pcfs = *http::SinkPolicy::from({"127.0.0.0/8", "pcf.example"}, false);
  settings.core.af_app_id = "nrm";
  settings.core.dnn = "internet";
  settings.core.supported_features = "2";
  return settings;
}

const UeAddress at_ipv4{.ipv4 = "10.45.0.2", .ipv6 = {}, .mac = {}};

UniQosRequirement by_reference() {
  UniQosRequirement qos;
  qos.qos_reference = "video-hd";
  auto& flow = qos.flows.emplace().emplace_back();
  flow.flow_descriptions = {"permit out 17 from 192.0.2.10 5004 to assigned 40000",
                            "permit in 17 from any 40000 to 192.0.2.10 5004"};
  return qos;
}

UniQosRequirement by_figures() {
  UniQosRequirement qos;
  qos.gbr_dl = "4 Mbps";
  qos.ul_bit_rate = "1 Mbps";
  qos.packet_delay_budget_ms = 30;
  qos.packet_error_rate = "4E-3";
  return qos;
}

http::Request reserve(const UniQosRequirement& qos, const UeAddress& address = at_ipv4,
                      const Settings& settings = settings_of_pcf()) {
  return southbound(settings).reserve(settings, {callback, address, qos});
}

TEST(southbound_pcf, reserves_in_the_form_that_a_real_pcf_took) {
  const auto request = reserve(by_reference());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/npcf-policyauthorization/v1/app-sessions");
  EXPECT_EQ(
      request.body,
      R"({"ascReqData":{"afAppId":"nrm","dnn":"internet","evSubsc":{"events":[)"
      R"({"event":"SUCCESSFUL_RESOURCES_ALLOCATION"},{"event":"FAILED_RESOURCES_ALLOCATION"},)"
      R"({"event":"QOS_NOTIF"}],"notifUri":")" +
          callback + R"("},"notifUri":")" + callback +
          R"(","suppFeat":"2","ueIpv4":"10.45.0.2","medComponents":{"1":{"qosReference":"video-hd",)"
          R"("fStatus":"ENABLED","medCompN":1,"medSubComps":{"1":{"fNum":1,"fDescs":[)"
          R"("permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000",)"
          R"("permit in 17 from 10.45.0.2 40000 to 192.0.2.10 5004"],"flowUsage":"NO_INFO"}}}}}})");
}

TEST(southbound_pcf, gives_figures_with_a_media_type_and_a_maximum_beside_each_minimum) {
  const auto body = reserve(by_figures()).body;
  const auto read = json::read<api::policy_authorization::AppSessionContext>(body);
  ASSERT_TRUE(read) << body;
  const auto& component = read->asc_req_data->med_components->at("1");
  EXPECT_EQ(component.med_type->text, "VIDEO");
  EXPECT_EQ(component.mir_bw_dl, "4 Mbps");
  EXPECT_EQ(component.mar_bw_dl, "4 Mbps");
  EXPECT_FALSE(component.mir_bw_ul);
  EXPECT_EQ(component.mar_bw_ul, "1 Mbps");
  EXPECT_EQ(component.des_max_latency, 30.0);
  EXPECT_NEAR(component.des_max_loss.value_or(0), 0.4, 1e-9);
}

TEST(southbound_pcf, names_every_kind_of_address_and_lets_no_half_rule_out) {
  const auto of = [](const UeAddress& address) {
    return *json::read<api::policy_authorization::AppSessionContext>(
                reserve(by_figures(), address).body)
                ->asc_req_data;
  };
  EXPECT_EQ(of({.ipv4 = {}, .ipv6 = "2001:db8::2", .mac = {}}).ue_ipv6, "2001:db8::2");
  const auto ethernet = of({.ipv4 = {}, .ipv6 = {}, .mac = "02-00-00-00-00-03"});
  EXPECT_EQ(ethernet.ue_mac, "02-00-00-00-00-03");
  const auto& flow = ethernet.med_components->at("1").med_sub_comps->at("1");
  EXPECT_EQ(flow.ethf_descs->size(), 2U);
  EXPECT_FALSE(flow.f_descs);
  auto qos = by_reference();
  qos.flows->front().flow_descriptions = {"permit out 17 from"};
  EXPECT_EQ(reserve(qos).body.find("permit"), std::string::npos);
}

TEST(southbound_pcf, sends_the_whole_component_in_a_patch_and_null_for_what_goes) {
  const auto settings = settings_of_pcf();
  const auto request = southbound(settings).modify(
      settings, "a1@http://127.0.0.9:7777", {callback, at_ipv4, by_reference()}, by_figures());
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target, "/npcf-policyauthorization/v1/app-sessions/a1");
  EXPECT_EQ(request.headers.find("content-type"), "application/merge-patch+json");
  ASSERT_TRUE(json::read<api::policy_authorization::AppSessionContextUpdateDataPatch>(request.body))
      << request.body;
  const auto body = json::parse(request.body);
  const auto& component = *body->find("ascReqData")->find("medComponents")->find("1");
  EXPECT_EQ(*component.find("qosReference")->text(), "video-hd");
  for (const auto* gone : {"mirBwDl", "marBwDl", "marBwUl", "desMaxLatency", "desMaxLoss"})
    EXPECT_EQ(*component.find(gone), json::Value{}) << gone;
  EXPECT_EQ(component.find("medType"), nullptr) << "the standard has no null for it";
  EXPECT_EQ(body->find("ascReqData")->object()->size(), 1U);
}

TEST(southbound_pcf, releases_by_the_operation_of_its_own) {
  const auto settings = settings_of_pcf();
  const auto request = southbound(settings).release(settings, "a1@http://127.0.0.9:7777");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/npcf-policyauthorization/v1/app-sessions/a1/delete");
  EXPECT_EQ(request.body, "");
  EXPECT_EQ(origin_of("a1@http://127.0.0.9:7777"), "http://127.0.0.9:7777");
  EXPECT_EQ(origin_of("a1"), std::nullopt);
}

TEST(southbound_pcf, asks_the_bsf_by_each_kind_of_address) {
  const auto settings = settings_of_pcf();
  const auto target = [&](const UeAddress& address) {
    return southbound(settings).locate(settings, address, by_figures())->request.target;
  };
  EXPECT_EQ(target(at_ipv4), "/nbsf-management/v1/pcfBindings?ipv4Addr=10.45.0.2&dnn=internet");
  EXPECT_EQ(target({.ipv4 = {}, .ipv6 = "2001:db8::2", .mac = {}}),
            "/nbsf-management/v1/pcfBindings?ipv6Prefix=2001%3Adb8%3A%3A2%2F128&dnn=internet");
  EXPECT_EQ(target({.ipv4 = {}, .ipv6 = {}, .mac = "02-00-00-00-00-03"}),
            "/nbsf-management/v1/pcfBindings?macAddr48=02-00-00-00-00-03&dnn=internet");
  auto fixed = settings;
  fixed.core.bsf = false;
  EXPECT_FALSE(southbound(fixed).locate(fixed, at_ipv4, by_figures()));
}

struct Located {
  std::string where;
  std::string refused;
};
Located located(int status, const std::string& body) {
  const auto settings = settings_of_pcf();
  const auto read =
      southbound(settings).read_located(settings, http::Response{status, {}, body}, gpsi);
  return read ? Located{*read, {}} : Located{{}, read.error().cause};
}
std::string binding(const std::string& more) {
  return R"({"dnn":"internet","snssai":{"sst":1},)" + more + "}";
}

TEST(southbound_pcf, goes_where_the_bsf_says_and_only_where_it_may) {
  EXPECT_EQ(
      located(200, binding(R"("pcfIpEndPoints":[{"ipv4Address":"127.0.0.9","port":7777}])")).where,
      "http://127.0.0.9:7777");
  EXPECT_EQ(located(200, binding(R"("pcfFqdn":"pcf.example")")).where, "http://pcf.example");
  EXPECT_EQ(
      located(200, binding(R"("pcfFqdn":"pcf.example","pcfIpEndPoints":[{"port":80}])")).where,
      "http://pcf.example");
  for (const std::string elsewhere :
       {R"("pcfIpEndPoints":[{"ipv4Address":"10.0.0.9"}])", R"("pcfFqdn":"evil.example")",
        R"("pcfIpEndPoints":[{"ipv6Address":"2001:db8::9"}])", R"("pcfDiamHost":"pcf.example")",
        R"("pcfFqdn":"pcf.example/../x")", R"("pcfFqdn":"user@pcf.example")"})
    EXPECT_EQ(located(200, binding(elsewhere)).refused, "NETWORK_UNAVAILABLE") << elsewhere;
  for (const std::string broken : {"", "null", "[]", "{}", R"({"dnn":7,"snssai":{"sst":1}})"})
    EXPECT_EQ(located(200, broken).refused, "NETWORK_UNAVAILABLE") << broken;
}

TEST(southbound_pcf, believes_a_bsf_that_says_there_is_no_session_or_another_ues) {
  EXPECT_EQ(located(204, "").refused, "UE_NOT_CONNECTED");
  EXPECT_EQ(located(404, "").refused, "UE_NOT_CONNECTED");
  const std::string pcf = R"(,"pcfIpEndPoints":[{"ipv4Address":"127.0.0.9"}])";
  EXPECT_EQ(located(200, binding(R"("gpsi":"msisdn-491700000002")" + pcf)).refused,
            "UE_ADDRESS_NOT_VALID");
  EXPECT_EQ(located(200, binding(R"("gpsi":"msisdn-491700000001")" + pcf)).where,
            "http://127.0.0.9");
  EXPECT_EQ(located(200, binding(R"("gpsi":"extid-ue1@lab.example")" + pcf)).where,
            "http://127.0.0.9")
      << "the other kind of GPSI says nothing against it";
  EXPECT_EQ(located(503, "").refused, "NETWORK_UNAVAILABLE");
}

std::string heard(const std::string& path, const std::string& body) {
  const auto settings = settings_of_pcf();
  http::Request request;
  request.method = "POST";
  request.target = "/nrm-callbacks/v1/unicast/u1/s3cret" + path;
  request.body = body;
  const auto news = southbound(settings).read_news(request);
  if (!news) return "refused";
  std::string all = news->transaction;
  for (const auto& report : news->event_reports)
    all += " " + report.event.text +
           (report.applied_qos_ref ? "(" + *report.applied_qos_ref + ")" : std::string());
  return all;
}

TEST(southbound_pcf, tells_what_a_pcf_says_in_the_words_of_a_nef) {
  const std::string of =
      R"({"evSubsUri":"http://p/app-sessions/a1/events-subscription","evNotifs":)";
  EXPECT_EQ(heard("/notify", of + R"([{"event":"SUCCESSFUL_RESOURCES_ALLOCATION"}],)"
                                  R"("succResourcAllocReports":[{"altSerReq":"video-sd"}]})"),
            "http://p/app-sessions/a1 SUCCESSFUL_RESOURCES_ALLOCATION(video-sd)");
  EXPECT_EQ(heard("/notify", of + R"([{"event":"FAILED_RESOURCES_ALLOCATION"}]})"),
            "http://p/app-sessions/a1 FAILED_RESOURCES_ALLOCATION");
  EXPECT_EQ(heard("/notify", of + R"([{"event":"QOS_NOTIF"}],"qncReports":[)"
                                  R"({"notifType":"NOT_GUARANTEED","altSerReq":"video-sd"}]})"),
            "http://p/app-sessions/a1 QOS_NOT_GUARANTEED(video-sd)");
  EXPECT_EQ(heard("/notify",
                  of + R"([{"event":"QOS_NOTIF"}],"qncReports":[{"notifType":"GUARANTEED"}]})"),
            "http://p/app-sessions/a1 QOS_GUARANTEED");
  EXPECT_EQ(heard("/notify", of + R"([{"event":"QOS_NOTIF"}]})"), "http://p/app-sessions/a1");
  EXPECT_EQ(heard("/notify", of + R"([{"event":"SOMETHING_OF_RELEASE_20"}]})"),
            "http://p/app-sessions/a1 SOMETHING_OF_RELEASE_20");
  EXPECT_EQ(heard("/terminate",
                  R"({"termCause":"PDU_SESSION_TERMINATION","resUri":"http://p/app-sessions/a1"})"),
            "http://p/app-sessions/a1 SESSION_TERMINATION");
}

TEST(southbound_pcf, refuses_callbacks_that_are_none) {
  for (const std::string body : {"", "null", "[]", "{}", R"({"evSubsUri":"http://p/a"})",
                                 R"({"evSubsUri":"http://p/a","evNotifs":[]})",
                                 R"({"evSubsUri":"http://p/a","evNotifs":[{"event":7}]})"}) {
    EXPECT_EQ(heard("/notify", body), "refused") << body;
    EXPECT_EQ(heard("/terminate", body), "refused") << body;
  }
}

TEST(southbound_pcf, reads_back_what_it_asked_for) {
  const auto settings = settings_of_pcf();
  const auto& core = southbound(settings);
  const auto shown = reserve(by_reference()).body;
  EXPECT_TRUE(core.keeps(shown, settings, at_ipv4, by_reference()));
  EXPECT_FALSE(core.keeps(shown, settings, at_ipv4, by_figures()));
  EXPECT_FALSE(core.keeps("{}", settings, at_ipv4, by_reference()));
  const auto path = callback_path("unicast", "u1", "s3cret");
  EXPECT_FALSE(core.says_gone(http::Response{200, {}, shown}, path));
  EXPECT_TRUE(core.says_gone(http::Response{200, {}, shown}, "/another"));
  EXPECT_TRUE(core.says_gone(http::Response{404, {}, {}}, path));
  EXPECT_FALSE(core.says_gone(http::Response{405, {}, {}}, path));
}

}  // namespace
}  // namespace lobo::seal_nrm
