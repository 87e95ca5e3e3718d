#include "demo_session_story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_live_acts.hpp"
#include "demo_live_path.hpp"
#include "demo_live_sequence.hpp"
#include "demo_report.hpp"
#include "demo_session/joined.hpp"
#include "demo_session/kept.hpp"
#include "demo_session/texts.hpp"
#include "demo_session_room.hpp"
#include "demo_world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto patience = 20'000ms;  ///< for anything that has no limit of its own
/// Ten good windows of a second are a step up; twice that where one in between is bad.
constexpr auto tier_back_within = 60'000ms;
constexpr std::uint64_t many_states = 180;  ///< three seconds of somebody
constexpr double silence_max_ms = 1000;     ///< while a UE goes to another node

constexpr std::string_view sessions = "/mm-das/v1/sessions", policies = "/mm-pol/v1/policies";
constexpr std::string_view connections = "/sdd-trans/v1/connections";
constexpr std::string_view managements = "/ss-nra/v1/mm-qos";
constexpr std::string_view pdu_session = "/netsim-control/v1/ues/ue1/pdu-session";

double seconds_since(steady_clock::time_point since) {
  return std::chrono::duration<double>(steady_clock::now() - since).count();
}

http::Headers of_json() { return {{"content-type", "application/json"}}; }

const json::Value::Array& array_of(const json::Value* value) {
  static const json::Value::Array none;
  return value && value->array() ? *value->array() : none;
}

std::string last_of(std::string_view location) {
  return std::string(location.substr(location.rfind('/') + 1));
}

std::optional<std::int64_t> tier_of(const json::Value& event) {
  const auto* tier = event.find("tier");
  return tier ? tier->integer() : std::nullopt;
}

class SessionStory {
 public:
  SessionStory(const LiveDemoSettings& settings, LivePath& path)
      : folder_(std::filesystem::absolute(settings.directory).lexically_normal().string()),
        path_(path),
        acts_(with_avatars(settings, path), path, report_) {}

  DemoReport play(const std::string& fallback);

 private:
  static LiveDemoSettings with_avatars(LiveDemoSettings settings, const LivePath& path) {
    if (path.edge_is_behind_the_cell()) settings.beside = avatar_rate;
    return settings;
  }
  template <class... Acts>
  bool acts_of_video(Acts... acts);

  bool servers_start();
  bool asset_stands();
  bool policies_stand();
  bool session_is_asked_for();
  bool network_promises();
  bool sealdd_connects();
  bool avatars_move();
  bool congestion_reaches_the_session();
  bool handled_by_flow();
  bool first_tier_is_back();
  bool room_goes_to_another_node();
  bool torn_down();
  bool nothing_is_left();

  bool step(std::string name, std::string clause, bool ok, std::string detail) {
    return acts_.step(std::move(name), std::move(clause), ok, std::move(detail));
  }
  void figure(std::string name, double value) { acts_.figure(std::move(name), value); }
  void note(std::string from, std::string to, std::string text) {
    notes_.push_back(seen_by_demo(std::move(from), std::move(to), std::move(text), "sdd/1"));
  }
  DemoWorld& world() { return *acts_.world(); }
  /// Of the UE behind the cell: its QoS flow for what comes from the nodes, as the SMF has it.
  struct RoomFlow {
    std::int64_t qfi = 0;
    std::vector<std::string> filters;
  };
  RoomFlow flow_of_room();
  std::string node_of_room();
  std::optional<JoinedUe::Measured> measured_since(steady_clock::time_point since);
  /// What a gNB would say of the avatar's QoS flow, where no avatar is behind one.
  Result<void> say_of_promise(bool kept);
  std::string session_path() const { return fmt::format("{}/{}", sessions, session_); }

  std::string folder_;
  LivePath& path_;
  DemoReport report_{.demo = "session", .subject = {}, .steps = {}, .figures = {}};
  LiveActs acts_;
  std::optional<SessionRoom> room_;
  std::vector<adapters::trace::SeenMessage> notes_;  ///< of what goes over QUIC
  std::vector<std::string> mdrb_;                    ///< paths, the block first
  std::vector<std::string> policies_;
  std::string session_;
  json::Value granted_;  ///< the enabler's answer
  std::int64_t qfi_ = 0;
  std::size_t before_congestion_ = 0;
  steady_clock::time_point congested_{}, handled_{};
  std::optional<JoinedUe::Measured> calm_, bad_;
};

// ---- what stands before a session --------------------------------------------------------------

bool SessionStory::servers_start() {
  room_.emplace(folder_, path_, world());
  const auto begin = steady_clock::now();
  auto done = room_->start_servers();
  if (done) done = room_->start_nodes();
  figure("room_start_seconds", seconds_since(begin));
  return step("SEALDD, the enabler and two relay nodes start", "TR 23.700-21 clause 7.y; TS 23.433",
              done.has_value(),
              !done ? done.error().detail
                    : fmt::format("two nodes at {} have registered with keys, lease and capacity",
                                  path_.edge_address()));
}

bool SessionStory::asset_stands() {
  const auto make = [&](std::string_view at, const std::string& text) {
    const auto made = room_->enabler().call("POST", at, text, of_json());
    if (!made) return Result<std::string>(fail(made.error()));
    const auto url = http::parse_url(made->headers.find("location").value_or(""));
    return url ? Result<std::string>(url->target) : Result<std::string>(fail(url.error()));
  };
  auto done = make("/mm-mdrb/v1/blocks", session_block());
  if (done) {
    mdrb_.push_back(*done);
    done = make("/mm-mdrb/v1/assets", session_screen(last_of(*done)));
  }
  if (done) mdrb_.push_back(*done);
  return step(
      "an asset stands in the MDRB: a screen with a video texture",
      "TR 23.700-21 clause 7.y step 0", done.has_value(),
      done ? fmt::format("{}, component 1 is the video", screen_asset) : done.error().detail);
}

bool SessionStory::policies_stand() {
  std::string said;
  for (const auto& text : {session_policy(), network_policy()}) {
    const auto made = room_->enabler().call("POST", policies, text, of_json());
    if (!made) {
      said = made.error().detail;
      break;
    }
    policies_.push_back(last_of(made->headers.find("location").value_or("")));
  }
  const bool ok = policies_.size() == 2;
  return step(
      "an operator's policies", "TR 23.700-21 clause 7.y step 0", ok,
      ok ? fmt::format("at most {} guaranteed; {} and then {} Hz; the network has to promise "
                       "it to {}",
                       granted_gbr, avatar_rate_hz, lower_rate_hz, bob_ue)
         : said);
}

// ---- the session, layer by layer ---------------------------------------------------------------

bool SessionStory::session_is_asked_for() {
  const auto begin = steady_clock::now();
  auto answer = room_->enabler().exchange("POST", sessions,
                                          session_request(world().notify_uri("room")), of_json());
  const double took = seconds_since(begin) * 1000;
  std::string said;
  bool ok = false;
  if (!answer) {
    said = answer.error().detail;
  } else if (answer->status != 201) {
    said = error_of(*answer).detail;
  } else if (auto body = json::parse(answer->body)) {
    granted_ = std::move(*body);
    session_ = text_at(granted_, "sessionId");
    const auto& grants = array_of(granted_.find("granted"));
    ok = grants.size() == 2 && std::ranges::all_of(grants, [](const json::Value& one) {
           return text_at(one, "grantedQos.gbrDl") == granted_gbr;
         });
    said = fmt::format(
        "session {}: {} asked for, {} granted to each of {}, by {} policies; 201 after "
        "{:.0f} ms",
        session_, asked_gbr, granted_gbr, grants.size(), policies_.size(), took);
    figure("session_created_ms", took);
  }
  return step("a VAL server asks for a session, and policy decides what it gets",
              "TR 23.700-21 clause 7.y steps 1 and 2", ok, said);
}

Result<void> SessionStory::say_of_promise(bool kept) {
  const auto told =
      world().net().call("POST", fmt::format("{}/notify", pdu_session),
                         fmt::format(R"({{"qfi":{},"fulfilled":{}}})", qfi_, kept), of_json());
  if (!told) return fail(told.error());
  return {};
}

SessionStory::RoomFlow SessionStory::flow_of_room() {
  RoomFlow found;
  const auto session = world().net().ask("GET", pdu_session);
  const auto from_nodes = fmt::format(" from {} ", path_.edge_address());
  for (const auto& flow : array_of(session ? session->find("qosFlows") : nullptr))
    for (const auto& filter : array_of(flow.find("filtersDl"))) {
      if (!filter.text() || filter.text()->find(from_nodes) == std::string::npos) continue;
      found.filters.push_back(*filter.text());
      if (const auto* number = flow.find("qfi")) found.qfi = number->integer().value_or(0);
    }
  return found;
}

bool SessionStory::network_promises() {
  const auto held = world().nrm().ask("GET", managements);
  const auto& items = array_of(held ? held->find("items") : nullptr);
  const bool ours = std::ranges::any_of(items, [&](const json::Value& one) {
    return text_at(one, "management.multiModalId") == session_;
  });
  const auto reserved = world().net().ask("GET", "/netsim-control/v1/reservations");
  const auto reservations = array_of(reserved ? reserved->find("reservations") : nullptr).size();
  const auto flow = flow_of_room();
  const auto& filters = flow.filters;
  qfi_ = flow.qfi;
  std::string confirmed;
  for (const auto& one : array_of(granted_.find("granted")))
    if (text_at(one, "hostUe.valUeId") == bob_ue || text_at(one, "assetId") == bob_asset)
      confirmed = text_at(one, "networkQos");
  const bool ok = ours && reservations == 1 && filters.size() == 1 && confirmed == "CONFIRMED";
  return step(
      "NRM asks the core, and the packets of the UE behind the cell get a QoS flow",
      "TS 23.434 clause 14.3.5.4.2 (T69-T71); TS 29.122 clause 5.14; TS 29.244", ok,
      fmt::format(
          "{} at the core, multiModalId is {}the session's; at the SMF and the UPF: "
          "{}; the session says {}",
          reservations == 1 ? "one reservation" : fmt::format("{} reservations", reservations),
          ours ? "" : "not ", filters.empty() ? "no filter" : filters.front(),
          confirmed.empty() ? "nothing" : confirmed));
}

std::string SessionStory::node_of_room() {
  const auto listed = room_->sealdd().ask("GET", connections);
  std::string node;
  for (const auto& one : array_of(listed ? listed->find("items") : nullptr)) {
    const auto its = text_at(one, "nodeId");
    if (!node.empty() && its != node) return {};
    node = its;
  }
  return node;
}

bool SessionStory::sealdd_connects() {
  const auto listed = room_->sealdd().ask("GET", connections);
  const auto count = array_of(listed ? listed->find("items") : nullptr).size();
  const auto node = node_of_room();
  const auto& grants = array_of(granted_.find("granted"));
  const bool tokens = std::ranges::all_of(
      grants, [](const json::Value& one) { return !text_at(one, "token").empty(); });
  return step(
      "SEALDD has connections, a node that carries the room, and tokens for it",
      "TR 23.700-21 clause 7.y steps 3 and 4; TS 29.548 (extended)",
      count == 2 && !node.empty() && tokens,
      fmt::format("{} connections, all at {}", count, node.empty() ? "different nodes" : node));
}

bool SessionStory::avatars_move() {
  Result<void> done;
  for (const auto& one : array_of(granted_.find("granted"))) {
    const bool bobs = text_at(one, "assetId") == bob_asset;
    if (!done) break;
    done = room_->join(bobs ? bob_ue : alice_ue, one);
    note(bobs ? "ue" : "other UE", "relay", "Establish, with its token");
  }
  const auto seen = [](const JoinedUe& ue, std::string_view asset) {
    const auto* of_it = ue.of(asset);
    return of_it ? of_it->states : 0;
  };
  const bool see_each_other = done && room_->wait(
                                          [&] {
                                            return seen(room_->bob(), alice_asset) >= many_states &&
                                                   seen(room_->alice(), bob_asset) >= many_states;
                                          },
                                          patience);
  const bool active =
      see_each_other &&
      room_->await_event("SESSION_STATE", 0, patience, [](const json::Value& event) {
        return text_at(event, "state") == "ACTIVE";
      });
  if (see_each_other) {
    calm_ = measured_since({});
    note("other UE", "relay", fmt::format("states of its avatar, {} Hz", avatar_rate_hz));
    note("relay", "ue", "the same, the newest of each component");
  }
  if (calm_) figure("calm_delay_p50_ms", calm_->delay_p50_ms);
  return step(
      "two avatars move and see each other: the session is ACTIVE",
      "TR 23.700-21 clause 7.y step 5; sdd/1", active && calm_.has_value(),
      !done             ? done.error().detail
      : !see_each_other ? "they do not see each other; see ue1.log and ue2.log"
      : !active         ? "nobody was told ACTIVE"
      : !calm_
          ? "nobody knows how old the states are"
          : fmt::format("{} sees {} {}: {:.0f} states a second, one-way delay {:.1f} ms "
                        "(p99 {:.1f} ms)",
                        bob_ue, alice_ue,
                        path_.edge_is_behind_the_cell() ? "over gNB, UPF and the server's router"
                                                        : "over loopback",
                        calm_->states_a_second, calm_->delay_p50_ms, calm_->delay_p99_ms));
}

// ---- congestion, and what becomes of it --------------------------------------------------------

std::optional<JoinedUe::Measured> SessionStory::measured_since(steady_clock::time_point since) {
  const auto seen = [&] { return room_->bob().typical(since, steady_clock::now()); };
  (void)room_->wait([&] { return seen().has_value(); }, patience);
  return seen();
}

bool SessionStory::congestion_reaches_the_session() {
  if (!path_.edge_is_behind_the_cell())
    if (const auto told = say_of_promise(false); !told)
      return step("the session is told", "TR 23.700-21 clause 7.y step 7", false,
                  told.error().detail);
  const auto lower =
      room_->await_event("TIER_CHANGE", before_congestion_, patience,
                         [](const json::Value& event) { return tier_of(event) == 1; });
  const auto broken = room_->await_event("QOS_NOT_FULFILLED", before_congestion_, patience);
  const bool ordered = lower && room_->wait([&] { return room_->bob().tier() == 1; }, patience);
  if (ordered) note("relay", "ue", "Tier 1");
  bad_ = measured_since(congested_);
  const double after = lower ? std::chrono::duration<double>(lower->at - congested_).count() : 0;
  if (lower) figure("tier_change_after_seconds", after);
  if (bad_) figure("congested_delay_p50_ms", bad_->delay_p50_ms);
  const bool ok = lower && broken && ordered && bad_.has_value();
  const auto reason = broken ? text_at(broken->event, "reason") : std::string();
  return step(
      "the session goes a tier down, and application and UE are told why",
      "TR 23.700-21 clause 7.y step 7; TS 29.122 clause 5.14.2.1.6", ok,
      !lower     ? "no TIER_CHANGE came"
      : !broken  ? "no QOS_NOT_FULFILLED came"
      : !ordered ? "the node did not tell the UE"
      : !bad_    ? "nothing was measured"
                 : fmt::format(
                    "TIER_CHANGE to {} Hz after {:.1f} s ({}), QOS_NOT_FULFILLED{}; the avatar's "
                       "one-way delay was {:.1f} ms",
                    lower_rate_hz, after, text_at(lower->event, "reason"),
                    reason.empty() ? "" : " (" + reason + ")", bad_->delay_p50_ms));
}

bool SessionStory::handled_by_flow() {
  const auto now = measured_since(handled_);
  if (now) figure("handled_delay_p50_ms", now->delay_p50_ms);
  if (!path_.edge_is_behind_the_cell())
    return step("the avatar's promise is kept again", "TS 38.413 clause 8.2.4 (by hand)",
                now.has_value(), "no cell is between the avatars here: it was said, not measured");
  return step("in the same narrow cell the avatar has its promise back", "TS 23.501 clause 5.7.3",
              now && bad_ && now->delay_p50_ms < bad_->delay_p50_ms / 2,
              now && bad_
                  ? fmt::format("its QoS flow goes first: one-way delay {:.1f} ms in place of "
                                "{:.1f} ms",
                                now->delay_p50_ms, bad_->delay_p50_ms)
                  : "nothing was measured");
}

bool SessionStory::first_tier_is_back() {
  const auto first =
      room_->await_event("TIER_CHANGE", before_congestion_, tier_back_within,
                         [](const json::Value& event) { return tier_of(event) == 0; });
  const auto restored = room_->await_event("QOS_RESTORED", before_congestion_, patience);
  const bool ordered = first && room_->wait([&] { return room_->bob().tier() == 0; }, patience);
  const double after = first ? std::chrono::duration<double>(first->at - handled_).count() : 0;
  if (first) figure("tier_back_after_seconds", after);
  return step("the first tier is back, and application and UE are told",
              "TR 23.700-21 clause 7.y step 7", first && restored && ordered,
              !first      ? "no TIER_CHANGE came"
              : !restored ? "no QOS_RESTORED came"
              : !ordered  ? "the node did not tell the UE"
                         : fmt::format("TIER_CHANGE to {} Hz ({}) {:.1f} s after the cell began to "
                                       "serve flows apart, and QOS_RESTORED",
                                       avatar_rate_hz, text_at(first->event, "reason"), after));
}

// ---- another node, and the end -----------------------------------------------------------------

bool SessionStory::room_goes_to_another_node() {
  constexpr std::string_view name = "the room goes to another node while states flow";
  constexpr std::string_view clause = "TS 23.433 clause 9.9, CHANGE_SEALDD_SERVER; TS 29.548";
  const auto before = node_of_room();
  const auto filters_before = flow_of_room().filters;
  const auto since = world().heard().size();
  room_->silence_from();
  const auto policy =
      room_->sealdd().call("POST", "/sdd-pc/v1/configurations", relocation_policy(), of_json());
  if (!policy) return step(std::string(name), std::string(clause), false, policy.error().detail);
  const auto at = fmt::format("/sdd-pc/v1/configurations/{}",
                              last_of(policy->headers.find("location").value_or("")));
  note("relay", "ue", "Relocate");
  const bool moved = room_->wait_for_items(
      room_->sealdd(), connections,
      [&](const auto& items) {
        return items.size() == 2 && std::ranges::all_of(items, [&](const json::Value& one) {
                 return text_at(one, "nodeId") != before && text_at(one, "state") == "ESTABLISHED";
               });
      },
      patience);
  (void)room_->sealdd().call("DELETE", at);
  const auto told = room_->await_event("RELOCATED", since, patience);
  const auto states = [&] {
    const auto* seen = room_->bob().of(alice_asset);
    return seen ? seen->states : 0;
  };
  const auto many = states() + many_states;
  const bool go_on = moved && room_->wait([&] { return states() >= many; }, patience);
  // What is reserved follows to the new node's port.
  const bool followed = go_on && world().ask_until(
                                     world().net(), pdu_session,
                                     [&](const json::Value&) {
                                       const auto now = flow_of_room().filters;
                                       return now.size() == 1 && now != filters_before;
                                     },
                                     patience);
  const auto* seen = room_->bob().of(alice_asset);
  const double silence = seen ? static_cast<double>(seen->silence.count()) / 1000 : 0;
  figure("relocation_silence_ms", silence);
  const bool ok = told && followed && seen && seen->steps_back == 0 && silence < silence_max_ms;
  return step(
      std::string(name), std::string(clause), ok,
      !moved   ? "the connections are not established at another node"
      : !told  ? "no RELOCATED came"
      : !go_on ? "no states come over the other node"
      : !followed
          ? "the QoS flow is still about the old node"
          : fmt::format("from {} to {}; {} was without news of {} for {:.0f} ms at most, {} "
                        "states stepped back; the QoS flow followed: {}",
                        before, node_of_room(), bob_ue, alice_ue, silence, seen->steps_back,
                        flow_of_room().filters.front()));
}

bool SessionStory::torn_down() {
  const auto begin = steady_clock::now();
  const auto gone = room_->enabler().exchange("DELETE", session_path());
  std::string left = !gone                                        ? gone.error().detail + ", "
                     : gone->status != 204 && gone->status != 202 ? error_of(*gone).detail + ", "
                                                                  : std::string();
  const auto want = [&](bool nothing, std::string_view what) {
    if (!nothing) left += fmt::format("{}, ", what);
  };
  const auto empty = [](const json::Value::Array& items) { return items.empty(); };
  want(room_->wait_for_items(room_->sealdd(), connections, empty, patience),
       "a connection at SEALDD");
  want(room_->wait_for_items(world().nrm(), managements, empty, patience), "a promise at NRM");
  want(world().ask_until(
           world().net(), pdu_session,
           [&](const json::Value&) { return flow_of_room().filters.empty(); }, patience),
       "a QoS flow of the room");
  want(room_->wait([&] { return room_->both_ended(); }, patience), "a UE that has not ended");
  const double took = seconds_since(begin) * 1000;
  figure("teardown_ms", took);
  want(room_->wait_for_items(room_->enabler(), sessions, empty, patience),
       "a session at the enabler, or the record of one");
  for (const auto& policy : policies_)
    want(room_->enabler().call("DELETE", fmt::format("{}/{}", policies, policy)).has_value(),
         "a policy at the enabler");
  for (; !mdrb_.empty(); mdrb_.pop_back())
    want(room_->enabler().call("DELETE", mdrb_.back()).has_value(), "an asset in the MDRB");
  if (!left.empty()) left.resize(left.size() - 2);
  return step("the VAL server ends the session, and every layer lets go",
              "TR 23.700-21 clause 7.y step 8", left.empty(),
              left.empty() ? fmt::format("within {:.0f} ms: no session, connection, promise or QoS "
                                         "flow of it; both UEs were told and left",
                                         took)
                           : "left: " + left);
}

bool SessionStory::nothing_is_left() {
  room_->end_nodes();
  room_->end_servers();
  world().end();
  std::string left;
  for (const auto& [name, file] : {std::pair{"the enabler", "metaverse.sqlite"},
                                   {"SEALDD", "sealdd.sqlite"},
                                   {"NRM", "store.sqlite"}}) {
    const auto rows = left_in_store(fmt::format("{}/{}", folder_, file));
    if (rows && rows->empty()) continue;
    left +=
        fmt::format("{}{}: {}", left.empty() ? "" : "; ", name, rows ? *rows : rows.error().detail);
  }
  figure("left_in_stores", left.empty() ? 0 : 1);
  return step(
      "the servers end, and their stores are opened", "own", left.empty(),
      left.empty() ? "no record, effect or timer in the stores of enabler, SEALDD and NRM" : left);
}

// ---- the whole ---------------------------------------------------------------------------------

template <class... Acts>
bool SessionStory::acts_of_video(Acts... acts) {
  return (... && [&] {
    (acts_.*acts)();
    return !acts_.interrupted() && !report_.steps.empty() && report_.steps.back().ok;
  }());
}

DemoReport SessionStory::play(const std::string& fallback) {
  const auto begin = steady_clock::now();
  report_.facts = {{"network", std::string(path_.network())}};
  if (!fallback.empty()) report_.facts.emplace_back("fallback", fallback);
  report_.subject =
      acts_.real()
          ? "A synchronisation session from its request to nothing left: policies, NRM, SEALDD, "
            "avatars and marked video through one congested cell, another node, teardown. "
            "Programs, "
            "packets, marks, rules and what is measured are real; the radio is emulated, N2 and "
            "NAS "
            "are stand-ins, the core is lobo netsim."
          : "A synchronisation session from its request to nothing left. Servers, nodes and "
            "avatars "
            "are real processes over loopback; video, UPF and cell are the same code over memory "
            "rings in virtual time, and what the core says of the avatars' UE is said by hand. " +
                fallback;
  using Act = bool (SessionStory::*)();
  const auto play_acts = [&](std::initializer_list<Act> acts) {
    return std::ranges::all_of(acts,
                               [&](Act act) { return (this->*act)() && !acts_.interrupted(); });
  };
  bool good = acts_of_video(&LiveActs::video_is_encoded, &LiveActs::programs_start) &&
              play_acts({&SessionStory::servers_start, &SessionStory::asset_stands,
                         &SessionStory::policies_stand, &SessionStory::session_is_asked_for,
                         &SessionStory::network_promises, &SessionStory::sealdd_connects,
                         &SessionStory::avatars_move}) &&
              acts_of_video(&LiveActs::application_asks);
  if (good) {
    before_congestion_ = world().heard().size();
    congested_ = steady_clock::now();
  }
  good = good && acts_of_video(&LiveActs::plain) &&
         play_acts({&SessionStory::congestion_reaches_the_session});
  handled_ = steady_clock::now();
  if (good && !path_.edge_is_behind_the_cell()) good = say_of_promise(true).has_value();
  good = good && acts_of_video(&LiveActs::with_sets) &&
         play_acts({&SessionStory::handled_by_flow}) &&
         acts_of_video(&LiveActs::guarantee_is_broken, &LiveActs::well_again) &&
         play_acts({&SessionStory::first_tier_is_back, &SessionStory::room_goes_to_another_node,
                    &SessionStory::torn_down}) &&
         acts_of_video(&LiveActs::released) && play_acts({&SessionStory::nothing_is_left}) &&
         acts_of_video(&LiveActs::evaluated);
  report_.interrupted = acts_.interrupted();
  room_.reset();
  acts_.end();
  acts_.draw(std::move(notes_));
  figure("total_seconds", seconds_since(begin));
  return std::move(report_);
}

}  // namespace

DemoReport play_session(const LiveDemoSettings& settings, LivePath& path,
                        const std::string& fallback) {
  return SessionStory(settings, path).play(fallback);
}

}  // namespace lobo::app
