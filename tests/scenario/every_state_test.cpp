// Every state that a unicast resource can come to in an honest but lossy world, breadth first.
//
// The world: a core that does what it says, answers that are lost before or after it did, restarts
// of ours, callbacks, a UE at one of two addresses or nowhere, and (where `forgets`) a core that
// loses everything without a word, with audits. A node of the search is the stored state, the armed
// timers, who waits for an answer, and what the core really holds. Counters that only grow (numbers
// of notifications, attempts) are put back after each step, identifiers are the smallest that are
// free, so the set of nodes is finite but for two lists, which are bounded: `old_bound`,
// `early_bound`. What would go beyond is not followed and is counted.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/adaptation.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using api::state::seal_nrm::Doubt;
using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;
using resource::Event;
using resource::Told;

constexpr std::size_t old_bound = 1;
constexpr std::size_t early_bound = 1;
constexpr std::size_t core_bound = 3;
constexpr std::size_t nodes_max = 2'000'000;
constexpr std::uint64_t create_id = 1, modify_id = 2, delete_id = 3;

struct Node {
  std::string state;  // empty: no record
  bool created = false;
  bool lost = false;  // the core forgot something and nobody knows yet
  std::set<std::string> timers;
  std::set<std::uint64_t> open;  // wait for an answer
  std::set<std::uint64_t> gone;  // waited, and went with the process
  std::set<std::string> core;    // sessions that really exist

  std::string key() const {
    std::string out = state + (created ? '+' : '-') + (lost ? '+' : '-');
    for (const auto& timer : timers) (out += timer) += ',';
    for (const auto id : open) (out += std::to_string(id)) += 'o';
    for (const auto id : gone) (out += std::to_string(id)) += 'g';
    for (const auto& id : core) (out += id) += ',';
    return out;
  }
};

struct World {
  AllocationEvents allocation = AllocationEvents::never;
  bool moves = true;     // the UE
  bool modifies = true;  // the application
  bool forgets = true;   // the core
  bool degrades = true;  // the core tells of loss, return and allocation
  bool member = false;   // it belongs to a page of an adaptation, which takes offers
};

class Search {
 public:
  explicit Search(const World& world) : world_(world) {
    settings_.core.allocation_events = world.allocation;
    settings_.limits.rebind_attempts_max = 2;
  }

  void run() {
    visit(Node{});
    for (; !queue_.empty() && nodes_.size() < nodes_max && !::testing::Test::HasFailure(); ++depth_)
      for (auto left = queue_.size(); left > 0 && !::testing::Test::HasFailure(); --left) {
        const Node node = std::move(queue_.front());
        queue_.pop_front();
        expand(node);
      }
    std::printf("[ states   ] %zu states, %zu steps, depth %zu, %zu beyond the bounds%s\n",
                nodes_.size(), steps_, depth_, beyond_, queue_.empty() ? ", closed" : "");
    EXPECT_TRUE(queue_.empty()) << "not all states were seen";
  }

  std::size_t states() const { return nodes_.size(); }
  const std::set<std::string>& seen() const { return seen_; }

 private:
  // ---- what may happen -------------------------------------------------------------------------

  void expand(const Node& node) {
    if (node.state.empty()) {
      if (node.created) return;  // Gone for good.
      Node next = node;
      next.created = true;
      if (world_.member) return step(next, order("reserve", "video-hd", 1));
      next.open.insert(create_id);
      return step(next,
                  command("CreateUnicastSubscription", create_id, lobo::testing::plain_create));
    }
    const auto state = *json::read<UnicastState>(node.state);
    addresses(node, state);
    commands(node, state);
    if (state.held.call) answers(node, state, *state.held.call);
    callbacks(node, state);
    for (const auto& timer : node.timers) {
      Node next = node;
      next.timers.erase(timer);
      step(next, resource::TimerFired{timer});
    }
    if (world_.forgets) losses(node, state);
  }

  void addresses(const Node& node, const UnicastState& state) {
    const auto told = [&](const char* body) { step(node, Told{ue_, "address", body}); };
    told(R"({"address":{"ipv4":"10.45.0.2"}})");
    if (!world_.moves) return;
    told(R"({"address":{"ipv4":"10.45.0.3"}})");
    told("{}");
    if (state.stage == UnicastStage::resolving) told(R"({"status":503})");
  }

  /// What a page says.
  Event order(const char* what, const std::string& reference, std::uint64_t revision) const {
    api::state::adaptation::MemberOrder body;
    body.target.val_ue_id = "ue1";
    body.gpsi = gpsi_;
    body.qos.qos_reference = reference;
    body.revision = revision;
    body.accept_offer = true;
    body.secret = "secret";
    return Told{{"adaptation_page", "a.0"}, what, json::write(body)};
  }

  void commands(const Node& node, const UnicastState& state) {
    if (world_.member) {
      step(node, order("release", "", 1));
      if (world_.modifies)
        step(node,
             order("change", state.qos.qos_reference == "video-hd" ? "video-sd" : "video-hd", 2));
      return;
    }
    const auto ask = [&](const char* operation, std::uint64_t id, const std::string& body) {
      if (node.open.contains(id) || node.gone.contains(id)) return;
      Node next = node;
      next.open.insert(id);
      step(next, command(operation, id, body));
    };
    ask("DeleteUnicastSubscription", delete_id, "");
    if (world_.modifies)
      ask("ModifyUnicastSubscription", modify_id,
          state.qos.qos_reference == "video-hd" ? R"({"uniQosReq":"video-sd"})"
                                                : R"({"uniQosReq":"video-hd"})");
  }

  void answers(const Node& node, const UnicastState& state, const std::string& call) {
    const auto answer = [&](Node next, Result<http::Response> response) {
      step(next, resource::NetworkAnswer{call, std::move(response)});
    };
    const auto restart = [&](Node next) {
      next.gone.merge(next.open);
      next.open.clear();
      step(next, resource::Recovered{call});
    };
    const auto timeout = fail(Errc::timeout, "lost");
    answer(node, fail(Errc::too_many, "not sent"));
    answer(node, timeout);
    restart(node);
    const http::Response offer{
        403,
        {},
        R"({"acceptableServInfo":{"accBwMedComps":{"1":{"medCompN":1,"qosReference":"haptic"}}}})"};
    if (world_.member && (call == "reserve" || call == "modify")) answer(node, offer);
    if (call == "reserve") {
      answer(node, http::Response{403, {}, {}});
      Node made = node;
      const auto id = fresh(node, state);
      if (node.core.size() == core_bound) return void(++beyond_);
      made.core.insert(id);
      answer(made, http::Response{201, {{"location", "http://c/x/subscriptions/" + id}}, {}});
      answer(made, http::Response{201, {}, {}});
      answer(made, timeout);
      restart(made);
    } else if (call == "release") {
      const auto& id = state.held.old->front();
      Node done = node;
      const bool there = done.core.erase(id) > 0;
      answer(done, http::Response{there ? 204 : 404, {}, {}});
      answer(done, timeout);
      restart(done);
    } else if (call == "list") {
      std::string list;
      for (const auto& id : node.core) (list += list.empty() ? "[" : ",") += body_of(id, state);
      answer(node, http::Response{200, {}, list.empty() ? "[]" : list + "]"});
    } else if (call == "modify") {
      if (!state.held.current || !node.core.contains(*state.held.current))
        return answer(node, http::Response{404, {}, {}});
      answer(node, http::Response{200, {}, {}});
      answer(node, http::Response{403, {}, {}});
    } else if (call == "get" || call == "verify") {
      const auto& id = call == "verify" ? state.verifying : state.held.current;
      if (!id || !node.core.contains(*id)) return answer(node, http::Response{404, {}, {}});
      answer(node, http::Response{200, {}, body_of(*id, state)});
      if (state.pending)
        answer(node, http::Response{200, {}, session_of(state, state.pending->qos)});
    }
  }

  void callbacks(const Node& node, const UnicastState& state) {
    std::set<std::string> about;
    if (state.held.current && node.core.contains(*state.held.current))
      about.insert(*state.held.current);
    if (state.held.call == "reserve") about.insert(fresh(node, state));  // Before its 201.
    for (const auto& id : about)
      for (const std::string event :
           {"SUCCESSFUL_RESOURCES_ALLOCATION", "FAILED_RESOURCES_ALLOCATION", "QOS_NOT_GUARANTEED",
            "QOS_GUARANTEED", "SESSION_TERMINATION"}) {
        if (!world_.degrades && event != "SESSION_TERMINATION") continue;
        Node next = node;
        if (event == "SESSION_TERMINATION" && next.core.erase(id) == 0) continue;
        resource::Callback callback;
        callback.request = 9;
        callback.secret = "secret";
        callback.http.body = R"({"transaction":"http://c/x/subscriptions/)" + id +
                             R"(","eventReports":[{"event":")" + event + "\"}]}";
        next.open.insert(9);
        step(next, callback);
      }
  }

  void losses(const Node& node, const UnicastState& state) {
    if (!node.core.empty()) {  // The core dies and starts empty.
      Node next = node;
      next.core.clear();
      next.lost = true;
      visit(std::move(next));
    }
    if (state.held.current && !node.core.contains(*state.held.current))
      step(node,
           Told{{"audit", "nef"}, "audited", R"({"missing":")" + *state.held.current + "\"}"});
    for (const auto& id : node.core)
      if (!knows(state.held, id))
        step(node, Told{{"audit", "nef"}, "audited", R"({"extra":[")" + id + "\"]}"});
  }

  // ---- one step, and what must hold after it ----------------------------------------------------

  void step(Node node, const Event& event) {
    ++steps_;
    const resource::Record record{key_, "app", gpsi_, 1, node.state};
    const auto outcome =
        machine_.step(node.state.empty() ? nullptr : &record, key_, event, now_, lookup_);
    if (!outcome) {  // A refusal changes nothing; its requester has its answer.
      if (const auto* asked = std::get_if<resource::Command>(&event))
        node.open.erase(asked->request);
      node.open.erase(9);
      return visit(std::move(node));
    }
    const auto before = node.state.empty() ? UnicastState{} : *json::read<UnicastState>(node.state);
    const bool erased = outcome->change == resource::Change::erase;
    auto after = before;
    if (outcome->change == resource::Change::put) after = *json::read<UnicastState>(outcome->state);
    check_effects(node, before, after, erased, outcome->effects);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "from " << node.state << "\n  to " << outcome->state;
      return;
    }
    if (erased) {
      EXPECT_TRUE(node.core.empty()) << "forgotten: " << *node.core.begin();
      EXPECT_TRUE(node.open.empty()) << "somebody still waits";
      node.state.clear();
      node.timers.clear();
      node.gone.clear();
      node.lost = false;
      return visit(std::move(node));
    }
    node.lost = node.lost && after.held.current && !node.core.contains(*after.held.current);
    check_state(node, after);
    node.state = normal(std::move(after));
    visit(std::move(node));
  }

  void check_effects(Node& node, const UnicastState& before, const UnicastState& after, bool erased,
                     const std::vector<resource::Effect>& effects) {
    int calls = 0;
    std::uint64_t sequence = before.sequence.value_or(0);
    if (world_.member) check_told(before, after, erased, effects);
    for (const auto& effect : effects) {
      if (const auto* reply = std::get_if<resource::Reply>(&effect)) {
        EXPECT_TRUE(node.open.erase(reply->request) + node.gone.erase(reply->request) == 1)
            << reply->request << " is answered twice";
        check_reply(node, *reply, after, erased);
      } else if (const auto* call = std::get_if<resource::CallNetwork>(&effect)) {
        ++calls;
        EXPECT_EQ(after.held.call, call->name);
        seen_.insert("calls " + call->name);
      } else if (const auto* start = std::get_if<resource::StartTimer>(&effect)) {
        node.timers.insert(start->name);
      } else if (const auto* stop = std::get_if<resource::StopTimer>(&effect)) {
        node.timers.erase(stop->name);
      } else if (const auto* notify = std::get_if<resource::Notify>(&effect)) {
        EXPECT_EQ(notify->sequence, ++sequence);
      }
    }
    EXPECT_LE(calls, 1) << "two calls at a time";
    if (calls == 0 && !erased && after.held.call) { EXPECT_EQ(after.held.call, before.held.call); }
    if (!erased) { EXPECT_EQ(after.sequence.value_or(0), sequence); }
  }

  static bool ordered(const UnicastState& s) {
    return s.pending || (s.member && s.member->queued) || s.stage == UnicastStage::resolving ||
           s.stage == UnicastStage::reserving || s.stage == UnicastStage::allocating;
  }

  /// A page hears of the end of each order, and of the end of the member; an end that is told is
  /// the truth.
  void check_told(const UnicastState& before, const UnicastState& after, bool erased,
                  const std::vector<resource::Effect>& effects) {
    int told = 0;
    for (const auto& effect : effects) {
      const auto* tell = std::get_if<resource::Tell>(&effect);
      if (tell == nullptr || tell->to.kind != "adaptation_page") continue;
      ++told;
      const auto news = json::read<api::state::adaptation::MemberTold>(tell->body);
      ASSERT_TRUE(news) << tell->body;
      EXPECT_EQ(news->gone.value_or(false), erased);
      if (erased) continue;
      EXPECT_FALSE(ordered(after)) << "told before it was over: " << tell->body;
      EXPECT_EQ(news->status == api::state::adaptation::MemberStatus::confirmed,
                after.stage == UnicastStage::confirmed);
      seen_.insert("told " + std::string(json::name_of(news->status)));
    }
    EXPECT_LE(told, 1);
    const bool over =
        ordered(before) && !ordered(after) && !erased && after.stage != UnicastStage::releasing;
    if (erased || over) { EXPECT_EQ(told, 1) << "the page waits for ever"; }
  }

  /// No success before the core has said so.
  void check_reply(const Node& node, const resource::Reply& reply, const UnicastState& after,
                   bool erased) {
    const int status = reply.response.status;
    EXPECT_NE(status, 500);
    if (reply.request == create_id && status == 201) {
      EXPECT_TRUE(after.stage == UnicastStage::confirmed || after.stage == UnicastStage::degraded);
      EXPECT_TRUE(after.held.current && (node.lost || node.core.contains(*after.held.current)));
    }
    if (reply.request == modify_id && status == 200) { EXPECT_FALSE(after.pending); }
    if (reply.request == delete_id && status == 204) {
      EXPECT_TRUE(erased);
      EXPECT_TRUE(node.core.empty());
    }
    seen_.insert(std::to_string(reply.request) + " is answered " + std::to_string(status));
  }

  void check_state(const Node& node, const UnicastState& s) {
    const auto& held = s.held;
    const bool live = s.stage == UnicastStage::confirmed || s.stage == UnicastStage::degraded;
    const bool creating = s.stage == UnicastStage::resolving ||
                          s.stage == UnicastStage::reserving || s.stage == UnicastStage::allocating;
    seen_.insert(std::string(json::name_of(s.stage)));
    const auto text = json::write(s);
    EXPECT_TRUE(!live || held.current) << "promises what it does not hold: " << text;
    EXPECT_TRUE(!live || node.lost || node.core.contains(held.current.value_or(""))) << text;
    EXPECT_TRUE(!creating || node.timers.contains("create_answer")) << text;
    EXPECT_EQ(creating && !world_.member, s.create_request.has_value()) << text;
    EXPECT_EQ(held.waiting.value_or(false), node.timers.contains("retry")) << text;
    EXPECT_EQ(held.doubt == Doubt::settling, node.timers.contains("settle")) << text;
    EXPECT_EQ(s.modify_request.has_value(), node.timers.contains("modify_answer")) << text;
    EXPECT_TRUE(!s.modify_request || s.pending) << text;
    EXPECT_TRUE(!s.verifying || s.verifying == held.current) << text;
    if (held.old) {
      const std::set<std::string> different(held.old->begin(), held.old->end());
      EXPECT_EQ(different.size(), held.old->size()) << text;
      EXPECT_FALSE(held.current && different.contains(*held.current)) << text;
    }
    // Nothing at the core is forgotten: it has a name here, or is being looked for.
    for (const auto& id : node.core)
      EXPECT_TRUE(knows(held, id) || held.doubt || held.call == "reserve" || held.unnamed)
          << id << " is forgotten: " << text;
    // Whoever is not at rest has a call under way or a timer that ends the wait.
    const bool rests = (live || s.stage == UnicastStage::terminated) && !held.old && !held.doubt &&
                       !s.pending && !(s.member && s.member->queued);
    EXPECT_TRUE(rests || held.call || !node.timers.empty()) << "stuck: " << text;
  }

  /// Without what only counts.
  static std::string normal(UnicastState state) {
    state.sequence.reset();
    state.losses_untold.reset();
    state.unknown_events.reset();
    state.changed_at.reset();
    if (state.member) state.member->revision = 1;
    if (state.member && state.member->queued) state.member->queued->revision = 2;
    if (state.held.attempts) state.held.attempts = std::min<std::uint64_t>(*state.held.attempts, 1);
    return json::write(state);
  }

  void visit(Node node) {
    if (!node.state.empty()) {
      const auto state = *json::read<UnicastState>(node.state);
      if ((state.held.old && state.held.old->size() > old_bound) ||
          (state.early && state.early->size() > early_bound))
        return void(++beyond_);
    }
    if (nodes_.insert(node.key()).second) queue_.push_back(std::move(node));
  }

  // ---- texts ------------------------------------------------------------------------------------

  static Event command(const char* operation, std::uint64_t id, const std::string& body) {
    resource::Command command;
    command.request = id;
    command.operation = operation;
    command.http.body = body;
    command.who.subject = "app";
    command.secret = "secret";
    return command;
  }
  static std::string fresh(const Node& node, const UnicastState& state) {
    for (char c = 'a';; ++c)
      if (const std::string id(1, c); !node.core.contains(id) && !knows(state.held, id)) return id;
  }
  std::string session_of(const UnicastState& state, const UniQosRequirement& qos) const {
    return reserve_request(settings_, callback_uri(settings_, "unicast", key_.id, "secret"),
                           state.reserved_at.value_or(UeAddress{}), qos)
        .body;
  }
  std::string body_of(const std::string& id, const UnicastState& state) const {
    auto body = session_of(state, state.qos);
    body.back() = ',';
    return body + R"("self":"http://c/x/subscriptions/)" + id + "\"}";
  }

  World world_;
  Settings settings_ = lobo::testing::test_settings();
  lobo::testing::TwoUes directory_;
  lobo::testing::MemoryLookup lookup_;
  UnicastMachine machine_{settings_, directory_};
  resource::Key key_{"unicast", "u1"};
  std::string gpsi_ = "msisdn-491700000001";
  resource::Key ue_{"ue_watch", gpsi_};
  Instant now_ = *model::parse_date_time("2026-11-22T12:00:00Z");

  std::deque<Node> queue_;
  std::unordered_set<std::string> nodes_;
  std::set<std::string> seen_;
  std::size_t steps_ = 0, depth_ = 0, beyond_ = 0;
};

void expect_all_stages(const Search& search) {
  for (const char* what : {"resolving", "reserving", "confirmed", "terminated", "releasing"})
    EXPECT_TRUE(search.seen().contains(what)) << what;
  for (const char* what :
       {"calls reserve", "calls release", "calls list", "1 is answered 201", "3 is answered 204"})
    EXPECT_TRUE(search.seen().contains(what)) << what;
  EXPECT_GT(search.states(), 100U);
}

TEST(every_state, of_a_resource_whose_ue_moves_keeps_the_promises) {
  Search search({.modifies = false, .forgets = false, .degrades = false});
  search.run();
  expect_all_stages(search);
  EXPECT_TRUE(search.seen().contains("rebinding"));
}

TEST(every_state, of_a_resource_that_is_modified_keeps_the_promises) {
  Search search({.moves = false, .forgets = false});
  search.run();
  expect_all_stages(search);
  EXPECT_TRUE(search.seen().contains("2 is answered 200"));
}

TEST(every_state, of_a_member_of_an_adaptation_keeps_the_promises) {
  Search search({.moves = false, .forgets = false, .degrades = false, .member = true});
  search.run();
  for (const char* what :
       {"resolving", "reserving", "confirmed", "terminated", "releasing", "calls reserve",
        "calls release", "calls list", "calls modify", "told confirmed", "told refused"})
    EXPECT_TRUE(search.seen().contains(what)) << what;
}

TEST(every_state, of_a_core_that_forgets_keeps_the_promises) {
  Search search({.moves = false, .modifies = false});
  search.run();
  expect_all_stages(search);
  EXPECT_TRUE(search.seen().contains("calls verify"));
}

TEST(every_state, of_a_core_that_tells_of_allocations_keeps_the_promises) {
  Search search({.allocation = AllocationEvents::always,
                 .moves = false,
                 .modifies = false,
                 .forgets = false});
  search.run();
  expect_all_stages(search);
  EXPECT_TRUE(search.seen().contains("allocating"));
}

}  // namespace
}  // namespace lobo::seal_nrm
