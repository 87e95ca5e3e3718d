#pragma once
// What the tests of this service drive its machines with: a runtime of a few lines (records,
// timers, calls, tells in memory, one event at a time) and a core that can be healthy or not. Only
// for tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/rng.hpp"
#include "model/date_time.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/applied_bdt.hpp"
#include "services/seal_nrm/core_peer.hpp"
#include "services/seal_nrm/reliable.hpp"
#include "services/seal_nrm/routes.hpp"
#include "services/seal_nrm/ue_watch.hpp"
#include "services/seal_nrm/unicast.hpp"
#include "support/text_file.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::testing {

using seal_nrm::AllocationEvents;
using seal_nrm::CorePeerMachine;
using seal_nrm::DirectoryEntry;
using seal_nrm::Settings;
using seal_nrm::UeDirectory;
using seal_nrm::UeWatchMachine;
using seal_nrm::UnicastMachine;

using resource::Key;
using resource::Record;

class MemoryLookup final : public resource::Lookup {
 public:
  std::map<Key, Record> records;
  bool broken = false;

  Result<std::optional<Record>> find(const Key& key) const override {
    if (broken) return fail(Errc::unavailable, "the store is gone");
    const auto found = records.find(key);
    return found == records.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<Record>> list(std::string_view kind, std::string_view owner,
                                   std::string_view after, std::size_t limit) const override {
    if (broken) return fail(Errc::unavailable, "the store is gone");
    std::vector<Record> out;
    for (const auto& [key, record] : records)
      if (key.kind == kind && record.owner == owner && key.id > after && out.size() < limit)
        out.push_back(record);
    return out;
  }
  Result<std::vector<Key>> by_subject(std::string_view kind, std::string_view subject,
                                      std::size_t limit) const override {
    if (broken) return fail(Errc::unavailable, "the store is gone");
    std::vector<Key> out;
    for (const auto& [key, record] : records)
      if (key.kind == kind && record.subject == subject && out.size() < limit) out.push_back(key);
    return out;
  }
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override {
    std::uint64_t n = 0;
    for (const auto& [key, record] : records)
      n += key.kind == kind && record.owner == owner ? 1U : 0U;
    return n;
  }
};

/// ue1, ue2 (for app2 alone), as many as one likes called m…, and the groups that a test makes.
class TwoUes final : public UeDirectory {
 public:
  std::map<std::string, std::shared_ptr<const seal_nrm::DirectoryGroup>, std::less<>> groups;
  bool unsettled = false;  ///< whoever knows other groups is away

  bool group_unsettled(std::string_view id) const override {
    return unsettled && !groups.contains(id);
  }
  std::optional<DirectoryEntry> ue(std::string_view id) const override {
    if (id == "ue1") return DirectoryEntry{"msisdn-491700000001", {}};
    if (id == "ue2") return DirectoryEntry{"extid-ue2@example.com", {"app2"}};
    if (id.starts_with("m")) return DirectoryEntry{"extid-" + std::string(id) + "@example.com", {}};
    return std::nullopt;
  }
  std::shared_ptr<const seal_nrm::DirectoryGroup> group(std::string_view id) const override {
    const auto found = groups.find(id);
    return found == groups.end() ? nullptr : found->second;
  }
  void set_group(const std::string& id, const std::vector<std::string>& members,
                 std::vector<std::string> requesters = {}) {
    seal_nrm::DirectoryGroup group;
    for (const auto& member : members) group.members.push_back({.user = false, .id = member});
    std::ranges::sort(group.members);
    group.requesters = std::move(requesters);
    group.revision = seal_nrm::revision_of(group.members);
    groups[id] = std::make_shared<const seal_nrm::DirectoryGroup>(std::move(group));
  }
  std::optional<DirectoryEntry> user(std::string_view id) const override {
    return id == "alice" ? ue("ue1") : std::nullopt;
  }
};

inline Settings test_settings() {
  Settings settings;
  settings.api_root = "http://127.0.0.60:7777";
  settings.callback_base = "http://127.0.0.60:7778";
  settings.core.allocation_events = AllocationEvents::never;
  settings.core.scs_as_id = "lobo";
  settings.sinks = *http::SinkPolicy::from({"127.0.0.0/8", "app.example.com"}, false);
  api::ss_nra::UniQosRequirement video;
  video.qos_reference = "video-hd";
  settings.services["meeting"] = video;
  settings.defaults["app"] = video;
  settings.qos_references = {"video-hd", "video-sd", "haptic"};
  return settings;
}

/// The core as far as this service sees it.
class FakeCore {
 public:
  struct Session {
    std::string destination;
    std::string body;
  };
  std::map<std::string, Session> sessions;
  std::map<std::string, Session> watches;
  std::map<std::string, Session> guidance;  // of URSP, ServiceParameter
  std::string address = "10.45.0.2";        // of every UE; empty: none is connected
  bool watches_ues = true;
  bool refuse_creates = false;  // of sessions
  /// QoS reference that is not granted -> the ProblemDetails that says so.
  std::map<std::string, std::string> refused_references;
  std::map<std::string, std::string> policies;  // applied BDT policies
  std::vector<std::string> journal;             // "POST /3gpp-…"

  http::Response handle(const http::Request& request) {
    journal.push_back(request.method + " " + request.target);
    const auto path = http::split_target(request.target).path;
    if (refuse_creates && request.method == "POST" && path.starts_with("/3gpp-as-session"))
      return {403, {}, {}};
    if (request.method != "GET" && path.starts_with("/3gpp-as-session"))
      if (const auto body = json::parse(request.body); body && body->find("qosReference"))
        if (const auto no = refused_references.find(*body->find("qosReference")->text());
            no != refused_references.end())
          return {403, {{"content-type", "application/problem+json"}}, no->second};
    if (path.starts_with("/3gpp-applying-bdt-policy/")) return policy(request, path);
    if (path.starts_with("/3gpp-as-session-with-qos/v1/lobo/subscriptions"))
      return objects(sessions, request, path.substr(47),
                     "/3gpp-as-session-with-qos/v1/lobo/subscriptions/", "s");
    if (path.starts_with("/3gpp-service-parameter/v1/lobo/subscriptions")) {
      if (refuse_creates && request.method == "POST") return {403, {}, {}};
      return objects(guidance, request, path.substr(45),
                     "/3gpp-service-parameter/v1/lobo/subscriptions/", "g");
    }
    if (path.starts_with("/3gpp-monitoring-event/v1/lobo/subscriptions")) {
      if (!watches_ues) return {501, {}, {}};
      auto response = objects(watches, request, path.substr(44),
                              "/3gpp-monitoring-event/v1/lobo/subscriptions/", "w");
      if (response.status == 201) {
        response.body.pop_back();
        response.body += ",\"monitoringEventReport\":" + report() + "}";
      }
      return response;
    }
    if (path == "/3gpp-ue-address/v1/retrieve") {
      if (address.empty()) return {404, {}, R"({"cause":"UE_NOT_REGISTERED"})"};
      return {200,
              {{"content-type", "application/json"}},
              R"({"ueIpAddrs":[{"ipv4Addr":")" + address + R"("}]})"};
    }
    return {404, {}, {}};
  }

  std::string report() const {
    const std::string where = address.empty() ? "" : R"(,"ipv4Addr":")" + address + "\"";
    return R"({"monitoringType":"PDN_CONNECTIVITY_STATUS","pdnConnInfoList":[{"status":")" +
           std::string(address.empty() ? "RELEASED" : "CREATED") + R"(","pdnType":"IPV4")" + where +
           "}]}";
  }

 private:
  http::Response policy(const http::Request& request, std::string_view path) {
    const std::string root = "/3gpp-applying-bdt-policy/v1/lobo/subscriptions";
    if (request.method == "POST") {
      if (request.body.find("\"bdt-1\"") == std::string::npos)
        return {404, {}, R"({"cause":"BDT_REF_UNKNOWN"})"};
      const auto id = "b" + std::to_string(++last_);
      policies[id] = with_self(request.body, root + "/" + id);
      return {201, {{"location", "http://core.example" + root + "/" + id}}, policies[id]};
    }
    if (path == root) {
      std::string list = "[";
      for (const auto& [id, one] : policies) list += (list.size() > 1 ? "," : "") + one;
      return {200, {}, list + "]"};
    }
    const std::string id(path.substr(root.size() + 1));
    if (request.method == "GET")
      return policies.contains(id) ? http::Response{200, {}, policies[id]}
                                   : http::Response{404, {}, {}};
    const auto erased = policies.erase(id);
    return {erased == 1 ? 204 : 404, {}, {}};
  }
  http::Response objects(std::map<std::string, Session>& all, const http::Request& request,
                         std::string_view rest, const std::string& root, const char* prefix) {
    if (request.method == "POST") {
      const auto body = json::parse(request.body);
      if (!body || body->find("notificationDestination") == nullptr) return {400, {}, {}};
      const std::string id = prefix + std::to_string(++last_);
      all[id] = {*body->find("notificationDestination")->text(),
                 with_self(request.body, root + id)};
      return {201, {{"location", "http://core.example" + root + id}}, all[id].body};
    }
    if (rest.empty()) {
      std::string list = "[";
      for (const auto& [id, session] : all) list += (list.size() > 1 ? "," : "") + session.body;
      return {200, {}, list + "]"};
    }
    const auto found = all.find(std::string(rest.substr(1)));
    if (found == all.end()) return {404, {}, {}};
    if (request.method == "DELETE") {
      all.erase(found);
      return {204, {}, {}};
    }
    if (request.method == "GET") return {200, {}, found->second.body};
    const std::string base =
        request.method == "PUT" ? with_self("{}", root + found->first) : found->second.body;
    found->second.body = *json::merge_patch(base, request.body);
    return {200, {}, found->second.body};
  }
  static std::string with_self(const std::string& body, const std::string& path) {
    return *json::merge_patch(body, R"({"self":"http://core.example)" + path + "\"}");
  }
  std::uint64_t last_ = 0;
};

/// Runs the machines: one event at a time for each resource, decided, recorded, performed.
class NrmDriver {
 public:
  Settings settings = test_settings();
  TwoUes directory;
  MemoryLookup lookup;
  UnicastMachine unicast{settings, directory};
  UeWatchMachine watch{settings, directory};
  CorePeerMachine peer;
  seal_nrm::AdaptationMachine adaptation{settings, directory};
  seal_nrm::AdaptationPageMachine page{settings, directory};
  seal_nrm::AppliedBdtMachine bdt{settings};
  seal_nrm::ReliableMachine reliable{settings, directory};
  FakeCore core;
  Instant now = *model::parse_date_time("2026-11-22T12:00:00Z");

  struct Call {
    Key from;
    resource::CallNetwork call;
    bool operator==(const Call&) const = default;
  };
  std::deque<Call> calls;
  std::deque<std::pair<Key, resource::Tell>> tells;
  std::map<std::pair<Key, std::string>, Instant> timers;
  std::map<resource::RequestId, http::Response> replies;
  std::vector<resource::Notify> notifications;
  std::optional<Error> refused;  // of the last event

  const resource::Machine& machine_of(std::string_view kind) const {
    for (const resource::Machine* one : std::initializer_list<const resource::Machine*>{
             &unicast, &watch, &adaptation, &page, &bdt, &reliable})
      if (one->kind() == kind) return *one;
    return peer;
  }
  /// True where the event was taken.
  bool apply(const Key& key, const resource::Event& event) {
    const resource::Machine& machine = machine_of(key.kind);
    const auto found = lookup.records.find(key);
    const Record* current = found == lookup.records.end() ? nullptr : &found->second;
    auto outcome = machine.step(current, key, event, now, lookup);
    refused.reset();
    if (!outcome) {
      refused = outcome.error();
      if (const auto request = requester(event)) reply(*request, http::problem(*refused));
      return false;
    }
    if (outcome->change == resource::Change::erase) {
      lookup.records.erase(key);
      std::erase_if(timers, [&](const auto& timer) { return timer.first.first == key; });
    } else if (outcome->change == resource::Change::put) {
      const std::uint64_t version = current == nullptr ? 1 : current->version + 1;
      lookup.records[key] = {key, outcome->owner, outcome->subject, version, outcome->state};
    }
    for (auto& effect : outcome->effects) perform(key, std::move(effect));
    return true;
  }

  // ---- what the application does ----------------------------------------------------------------
  resource::RequestId create(std::string body, std::string who = "app", std::string id = "") {
    if (id.empty()) id = "u" + std::to_string(++last_id_);
    last_key = {"unicast", id};
    return command(last_key, "CreateUnicastSubscription", std::move(body), std::move(who));
  }
  resource::RequestId modify(const Key& key, std::string patch, std::string who = "app") {
    return command(key, "ModifyUnicastSubscription", std::move(patch), std::move(who));
  }
  resource::RequestId remove(const Key& key, std::string who = "app") {
    return command(key, "DeleteUnicastSubscription", {}, std::move(who));
  }
  resource::RequestId command(const Key& key, std::string operation, std::string body,
                              std::string who) {
    resource::Command command;
    command.request = ++last_request_;
    command.operation = std::move(operation);
    command.http.body = std::move(body);
    command.who.subject = std::move(who);
    command.secret = "secret" + std::to_string(command.request);
    apply(key, command);
    return command.request;
  }

  resource::RequestId adapt(std::string body, std::string who = "app") {
    last_key = {"adaptation", "a" + std::to_string(++last_id_)};
    return command(last_key, "CreateNetworkResourceAdaptation", std::move(body), std::move(who));
  }

  // ---- what the core does -----------------------------------------------------------------------
  resource::RequestId call_back(const Key& key, std::string body,
                                std::optional<std::string> secret = {}) {
    resource::Callback callback;
    callback.request = ++last_request_;
    callback.http.body = std::move(body);
    if (!said_of_packets.empty()) callback.http.headers.add("x-lobo-simulated", said_of_packets);
    callback.secret = secret ? *secret : secret_of(key);
    apply(key, callback);
    return callback.request;
  }
  std::string said_of_packets;  ///< header of each callback, by which a core says what it is
  resource::RequestId event(const Key& key, const std::string& name, const std::string& more = "") {
    const auto session = core.sessions.empty() ? "none" : session_of(key);
    return call_back(
        key,
        R"({"transaction":"http://core.example/3gpp-as-session-with-qos/v1/lobo/subscriptions/)" +
            session + R"(","eventReports":[{"event":")" + name + "\"" + more + "}]}");
  }
  void answer(Result<http::Response> response) {
    ASSERT_FALSE(calls.empty());
    auto call = calls.front();
    calls.pop_front();
    apply(call.from, resource::NetworkAnswer{call.call.name, std::move(response)});
  }
  void answer_by_core() {
    ASSERT_FALSE(calls.empty());
    answer(core.handle(calls.front().call.request));
  }
  void move_ue(const std::string& address) {
    core.address = address;
    const Key key{"ue_watch", "msisdn-491700000001"};
    call_back(
        key,
        R"({"subscription":"http://core.example/x/subscriptions/w1","monitoringEventReports":[)" +
            core.report() + "]}");
    deliver();
  }

  /// Tells and calls, until nothing is left that needs no time.
  void deliver() {
    for (int i = 0; i < 10000 && (!tells.empty() || !calls.empty()); ++i) {
      if (!tells.empty())
        one_tell();
      else
        answer_by_core();
    }
  }
  void deliver_tells() {
    while (!tells.empty()) one_tell();
  }
  void one_tell() {
    auto [from, tell] = std::move(tells.front());
    tells.pop_front();
    apply(tell.to, resource::Told{from, tell.what, tell.body});
  }
  /// Time goes on, timers fire in their order.
  void run_for(std::chrono::milliseconds span, bool with_core = true) {
    const Instant end = now + span;
    for (;;) {
      if (with_core) deliver();
      auto next = timers.end();
      for (auto at = timers.begin(); at != timers.end(); ++at)
        if (at->second <= end && (next == timers.end() || at->second < next->second)) next = at;
      if (next == timers.end()) break;
      now = std::max(now, next->second);
      const auto [of, name] = next->first;
      timers.erase(next);
      apply(of, resource::TimerFired{name});
    }
    now = end;
  }

  // ---- what there is ----------------------------------------------------------------------------
  api::state::seal_nrm::UnicastState state(const Key& key) const {
    return *json::read<api::state::seal_nrm::UnicastState>(lookup.records.at(key).state);
  }
  bool exists(const Key& key) const { return lookup.records.contains(key); }
  std::string stage(const Key& key) const {
    return exists(key) ? std::string(json::name_of(state(key).stage)) : "gone";
  }
  std::string secret_of(const Key& key) const {
    const auto found = lookup.records.find(key);
    if (found == lookup.records.end()) return "";
    const auto value = json::parse(found->second.state);
    return *value->find("secret")->text();
  }
  std::string session_of(const Key& key) const {
    return exists(key) ? state(key).held.current.value_or("none") : "none";
  }
  int status(resource::RequestId request) const {
    const auto found = replies.find(request);
    return found == replies.end() ? 0 : found->second.status;
  }
  json::Value body(resource::RequestId request) const {
    return *json::parse(replies.at(request).body);
  }
  std::string cause(resource::RequestId request) const {
    const auto value = body(request);
    const auto* cause = value.find("cause");
    return cause == nullptr ? "" : *cause->text();
  }
  /// Pointers of invalidParams.
  std::vector<std::string> blamed(resource::RequestId request) const {
    std::vector<std::string> out;
    const auto value = body(request);
    if (const auto* params = value.find("invalidParams"))
      for (const auto& param : *params->array()) out.push_back(*param.find("param")->text());
    return out;
  }
  bool has_timer(const Key& key) const {
    return std::ranges::any_of(timers, [&](const auto& timer) { return timer.first.first == key; });
  }
  bool has_timer(const Key& key, const std::string& name) const {
    return timers.contains({key, name});
  }
  bool has_call(const Key& key) const {
    return std::ranges::any_of(calls, [&](const auto& call) { return call.from == key; });
  }

  Key last_key;

 private:
  static std::optional<resource::RequestId> requester(const resource::Event& event) {
    if (const auto* command = std::get_if<resource::Command>(&event)) return command->request;
    if (const auto* callback = std::get_if<resource::Callback>(&event)) return callback->request;
    return std::nullopt;
  }
  void reply(resource::RequestId request, http::Response response) {
    EXPECT_FALSE(replies.contains(request)) << "answered twice: " << request;
    replies.emplace(request, std::move(response));
  }
  void perform(const Key& key, resource::Effect effect) {
    if (auto* done = std::get_if<resource::Reply>(&effect)) {
      reply(done->request, std::move(done->response));
    } else if (auto* call = std::get_if<resource::CallNetwork>(&effect)) {
      for (const auto& other : calls)
        EXPECT_FALSE(other.from == key) << "two calls of one resource under way";
      calls.push_back({key, std::move(*call)});
    } else if (auto* notify = std::get_if<resource::Notify>(&effect)) {
      notifications.push_back(std::move(*notify));
    } else if (auto* start = std::get_if<resource::StartTimer>(&effect)) {
      timers[{key, start->name}] = start->due;
    } else if (auto* stop = std::get_if<resource::StopTimer>(&effect)) {
      timers.erase({key, stop->name});
    } else if (auto* tell = std::get_if<resource::Tell>(&effect)) {
      tells.emplace_back(key, std::move(*tell));
    }
  }
  resource::RequestId last_request_ = 1000;
  int last_id_ = 0;
};

inline const std::string plain_create =
    R"({"valTgtUe":{"valUeId":"ue1"},"uniQosReq":"video-hd","notifUri":"http://127.0.0.1:9000/n","suppFeat":"70000000001"})";

}  // namespace lobo::testing
