// Both ends of a key channel, joined by a link that the test holds: virtual time, no socket. What
// an end exports is written as (connection, KeyID), which is what a real export depends on.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/offerer.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {
namespace {

using namespace std::chrono_literals;

AcceptorConfig upf_config() {
  return {.eas = "eas1.example",
          .key_ids = {KeyId{192}, KeyId{195}},
          .senders = {SenderId{1}, SenderId{64}},
          .of_others = {{SenderId{100}, SenderId{199}}}};
}
OffererConfig eas_config() {
  return {.eas = "eas1.example", .senders = {SenderId{1}, SenderId{4}}, .lifetime = 16s};
}

/// What stands for key octets.
using Export = std::pair<unsigned, KeyId>;

class World {
 public:
  explicit World(AcceptorConfig of_upf = upf_config(), OffererConfig of_eas = eas_config())
      : upf_config_(std::move(of_upf)),
        eas_config_(std::move(of_eas)),
        upf(upf_config_),
        eas(eas_config_) {}

  // What a test does.

  /// Lets time pass until `by` later; messages take `delay` each way.
  void run_for(ChannelTime by) {
    const ChannelTime until = now + by;
    for (int turns = 0;; ++turns) {
      ASSERT_LT(turns, 100'000) << "time does not pass";
      ChannelTime next = std::min(upf.deadline(), eas_deadline());
      for (const auto* way : {&to_upf_, &to_eas_})
        if (!way->empty()) next = std::min(next, way->front().first);
      if (next > until) break;
      now = std::max(now, next);
      deliver();
      if (upf.deadline() <= now) act(upf.tick(now));
      if (eas.deadline() <= eas_now()) act(eas.tick(eas_now()));
      check();
    }
    now = until;
  }
  void lose_connection() {
    const bool was = std::exchange(connected_, false);
    to_upf_.clear();
    to_eas_.clear();
    if (!was) return;
    act(upf.closed({KeyFailure::closed}, now));
    act(eas.closed({KeyFailure::closed}, eas_now()));
  }
  void restart_upf() {
    lose_connection();
    upf = KeyAcceptor(upf_config_);
    opens_.clear();
  }
  void restart_eas() {
    lose_connection();
    eas = KeyOfferer(eas_config_);
    seals_.reset();
  }
  void say_to_upf(KeyMessage message) { to_upf_.emplace_back(now, std::move(message)); }
  void say_to_eas(KeyMessage message) { to_eas_.emplace_back(now, std::move(message)); }

  // What it sees.

  ChannelTime eas_now() const { return now + now / 100 * eas_gains; }

  /// A packet of this moment would be marked.
  bool marks() const {
    return seals_ && opens_.contains(seals_->second) && opens_.at(seals_->second) == *seals_;
  }
  bool has_key() const { return seals_.has_value(); }
  std::size_t opened() const { return opens_.size(); }

  ChannelTime now{};
  ChannelTime delay = 5ms;
  int eas_gains = 0;  ///< hundredths that the clock of the application server is fast
  bool reachable = true;
  bool installs = true;
  std::vector<KeyCause> upf_ended, eas_ended;
  std::size_t dials = 0, keys_used = 0, removed = 0, expired = 0;

 private:
  using Way = std::deque<std::pair<ChannelTime, KeyMessage>>;
  AcceptorConfig upf_config_;
  OffererConfig eas_config_;

 public:
  KeyAcceptor upf;
  KeyOfferer eas;

 private:
  /// By the clock of the UPF.
  ChannelTime eas_deadline() const {
    const ChannelTime at = eas.deadline();
    const bool is_time = at > ChannelTime{} && at < ChannelTime::max();
    return is_time && eas_gains != 0 ? at / (100 + eas_gains) * 100 + ChannelTime{200} : at;
  }
  void deliver() {
    // What is answered at once comes later; so each is delivered once a turn.
    if (!to_upf_.empty() && to_upf_.front().first <= now) {
      const KeyMessage message = to_upf_.front().second;
      to_upf_.pop_front();
      act(upf.received(message, now));
    }
    if (!to_eas_.empty() && to_eas_.front().first <= now) {
      const KeyMessage message = to_eas_.front().second;
      to_eas_.pop_front();
      act(eas.received(message, eas_now()));
    }
  }
  void act(const KeyAcceptor::Effects& effects) {
    for (const auto& effect : effects) {
      if (std::holds_alternative<KeyAcceptor::Dial>(effect)) {
        ++dials;
        if (!reachable) {
          act(upf.closed({KeyFailure::unreachable}, now));
          continue;
        }
        to_upf_.clear();
        to_eas_.clear();
        connected_ = true;
        ++connection_;
        act(upf.connected(now));
        act(eas.connected(eas_now()));
      } else if (const auto* say = std::get_if<KeyAcceptor::Send>(&effect)) {
        if (connected_) to_eas_.emplace_back(now + delay, say->message);
      } else if (std::holds_alternative<KeyAcceptor::Close>(effect)) {
        closing_ = true;
      } else if (const auto* install = std::get_if<KeyAcceptor::Install>(&effect)) {
        const Export key{connection_, install->terms.key_id};
        ASSERT_TRUE(installed_.insert(key).second) << "the same key is made again";
        ASSERT_FALSE(opens_.contains(install->terms.key_id));
        if (installs) opens_.emplace(install->terms.key_id, key);
        act(upf.installed(installs, now));
      } else if (const auto* remove = std::get_if<KeyAcceptor::Remove>(&effect)) {
        ASSERT_EQ(opens_.erase(remove->key_id), 1U);
        ++(remove->expired ? expired : removed);
      } else if (const auto* ended = std::get_if<KeyAcceptor::Ended>(&effect)) {
        upf_ended.push_back(ended->cause);
        ASSERT_LE(ended->redial_after, ChannelTime{redial_max});
      }
    }
    if (std::exchange(closing_, false)) end_of_upf();
  }
  /// What the UPF said before it closed still comes to the other end.
  void end_of_upf() {
    connected_ = false;
    to_upf_.clear();
    while (!to_eas_.empty()) {
      const KeyMessage message = to_eas_.front().second;
      to_eas_.pop_front();
      act(eas.received(message, eas_now()));
    }
    act(eas.closed({KeyFailure::closed}, eas_now()));
  }
  void act(const KeyOfferer::Effects& effects) {
    for (const auto& effect : effects) {
      if (const auto* say = std::get_if<KeyOfferer::Send>(&effect)) {
        if (connected_) to_upf_.emplace_back(now + delay, say->message);
      } else if (const auto* use = std::get_if<KeyOfferer::Use>(&effect)) {
        seals_ = Export{connection_, use->terms.key_id};
        ASSERT_TRUE(sealed_.insert(*seals_).second) << "counters begin anew under an old key";
        ASSERT_TRUE(marks()) << "a key is used that the UPF does not have";
        ++keys_used;
      } else if (std::holds_alternative<KeyOfferer::Drop>(effect)) {
        seals_.reset();
      } else if (const auto* ended = std::get_if<KeyOfferer::Ended>(&effect)) {
        eas_ended.push_back(ended->cause);
      } else if (connected_) {
        connected_ = false;
        to_eas_.clear();
        while (!to_upf_.empty()) {
          const KeyMessage message = to_upf_.front().second;
          to_upf_.pop_front();
          act(upf.received(message, now));
        }
        act(upf.closed({KeyFailure::closed}, now));
      }
    }
  }
  void check() const {
    ASSERT_LE(opens_.size(), keys_live_max);
    ASSERT_EQ(opens_.size(), upf.live().size());
  }

  bool connected_ = false;
  bool closing_ = false;
  unsigned connection_ = 0;
  Way to_upf_, to_eas_;
  std::map<KeyId, Export> opens_;
  std::optional<Export> seals_;
  std::set<Export> installed_, sealed_;
};

TEST(key_channel, a_key_is_there_as_soon_as_three_messages_have_passed) {
  World world;
  world.run_for(20ms);
  EXPECT_TRUE(world.marks());
  EXPECT_EQ(world.dials, 1U);
}

TEST(key_channel, keys_are_rolled_over_and_no_moment_is_without_one) {
  World world;
  world.run_for(20ms);
  std::size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    world.run_for(100ms);
    ASSERT_TRUE(world.marks()) << "after " << i << " tenths";
    most = std::max(most, world.opened());
  }
  // 200 s in steps of nine sixteenths of 16 s.
  EXPECT_EQ(world.keys_used, 1U + 22U);
  EXPECT_EQ(most, keys_live_max);
  EXPECT_EQ(world.removed, 0U) << "a key was taken away before it expired";
  EXPECT_TRUE(world.upf_ended.empty());
  // Four KeyIDs: every fourth key is the last one of its connection.
  EXPECT_EQ(world.dials, 1U + world.keys_used / 4);
}

TEST(key_channel, clocks_that_differ_by_a_hundredth_cost_no_key) {
  for (const int hundredths : {-1, 1}) {
    World world;
    world.eas_gains = hundredths;
    world.delay = 1ms;
    world.run_for(500s);
    EXPECT_TRUE(world.marks());
    EXPECT_GT(world.keys_used, 50U);
    EXPECT_TRUE(world.upf_ended.empty() && world.eas_ended.empty()) << hundredths;
  }
}

TEST(key_channel, a_lost_connection_costs_no_key_until_it_expires) {
  World world;
  world.run_for(1s);
  world.reachable = false;
  world.lose_connection();
  world.run_for(14s);
  EXPECT_TRUE(world.marks());
  world.run_for(3s);
  EXPECT_FALSE(world.has_key());
  EXPECT_EQ(world.opened(), 0U);
  EXPECT_EQ(world.expired, 1U);
  world.reachable = true;
  world.run_for(redial_max + 20ms);
  EXPECT_TRUE(world.marks());
}

TEST(key_channel, it_is_dialled_again_ever_more_seldom) {
  World world;
  world.reachable = false;
  world.run_for(1s);
  EXPECT_EQ(world.dials, 3U);  // at 0, 200 and 600 ms
  world.run_for(1h);
  EXPECT_NEAR(static_cast<double>(world.dials), 360, 10);
}

TEST(key_channel, an_end_that_comes_back_goes_on_with_the_key_that_it_has) {
  World world;
  world.run_for(1s);
  for (int i = 0; i < 5; ++i) {
    world.lose_connection();
    world.run_for(1s);
    EXPECT_TRUE(world.marks());
  }
  EXPECT_EQ(world.keys_used, 1U);
}

TEST(key_channel, a_upf_that_lost_its_keys_gets_another_by_itself) {
  World world;
  world.run_for(1s);
  world.restart_upf();
  EXPECT_FALSE(world.marks());
  world.run_for(20ms);
  EXPECT_TRUE(world.marks());
  EXPECT_EQ(world.keys_used, 2U);
}

TEST(key_channel, an_application_server_that_lost_its_keys_replaces_those_of_the_upf) {
  World world;
  world.run_for(10s);
  EXPECT_EQ(world.opened(), 2U);
  for (int i = 0; i < 5; ++i) {
    world.restart_eas();
    EXPECT_FALSE(world.marks());
    world.run_for(redial_first + 20ms);
    EXPECT_TRUE(world.marks());
    EXPECT_TRUE(world.upf_ended.back() == KeyCause{KeyFailure::closed});
  }
}

TEST(key_channel, a_key_that_runs_out_of_counters_is_followed_at_once) {
  World world;
  world.run_for(1s);
  for (std::size_t keys = 2; keys < 12; ++keys) {
    // As the adapter does: what renew() says goes out.
    for (const auto& effect : world.eas.renew(world.eas_now()))
      world.say_to_upf(std::get<KeyOfferer::Send>(effect).message);
    world.run_for(500ms);
    EXPECT_TRUE(world.marks());
    EXPECT_EQ(world.keys_used, keys);
  }
  EXPECT_GE(world.removed, 8U);
}

TEST(key_channel, an_answer_that_was_lost_leaves_both_with_the_key_before) {
  World world;
  world.run_for(1s);
  world.delay = 50ms;
  world.run_for(8s + 80ms);  // the offer is due 9 s after the first one was accepted
  ASSERT_EQ(world.opened(), 2U) << "installed, and its acceptance is on its way";
  ASSERT_EQ(world.keys_used, 1U);
  world.lose_connection();
  EXPECT_TRUE(world.marks());
  world.run_for(1s);
  EXPECT_TRUE(world.marks());
  EXPECT_EQ(world.keys_used, 2U);
  EXPECT_EQ(world.removed, 1U);
}

/// Both ends' last word about a channel that does not come to be.
void expect_refused(World& world, KeyFailure why, bool upf_says_so) {
  world.run_for(1min);
  ASSERT_FALSE(world.upf_ended.empty()) << to_string(why);
  ASSERT_FALSE(world.eas_ended.empty()) << to_string(why);
  EXPECT_EQ(world.upf_ended.back(), (KeyCause{why, !upf_says_so})) << to_string(why);
  EXPECT_EQ(world.eas_ended.back(), (KeyCause{why, upf_says_so})) << to_string(why);
  EXPECT_EQ(world.keys_used, 0U);
  EXPECT_EQ(world.opened(), 0U);
  EXPECT_LE(world.dials, 14U) << "it is tried again and again";
}

TEST(key_channel, what_is_refused_is_refused_with_a_reason_at_both_ends) {
  const auto upf_refuses = [](KeyFailure why, auto change) {
    OffererConfig config = eas_config();
    change(config);
    World world(upf_config(), config);
    expect_refused(world, why, true);
  };
  upf_refuses(KeyFailure::name_not_expected, [](auto& eas) { eas.eas = "eas2.example"; });
  upf_refuses(KeyFailure::tag_not_allowed, [](auto& eas) { eas.tag = TagLength::short_; });
  upf_refuses(KeyFailure::bind_not_allowed, [](auto& eas) { eas.bind = Bind::length; });
  upf_refuses(KeyFailure::senders_of_another,
              [](auto& eas) { eas.senders = {SenderId{60}, SenderId{100}}; });
  upf_refuses(KeyFailure::senders_not_allowed,
              [](auto& eas) { eas.senders = {SenderId{60}, SenderId{65}}; });
  upf_refuses(KeyFailure::lifetime_not_allowed, [](auto& eas) { eas.lifetime = 99ms; });

  AcceptorConfig other = upf_config();
  other.algorithms = {Algorithm::aes_256_gcm};
  World no_algorithm(other, eas_config());
  expect_refused(no_algorithm, KeyFailure::algorithm_not_common, false);
  World broken;
  broken.installs = false;
  expect_refused(broken, KeyFailure::not_installed, true);
}

TEST(key_channel, the_first_algorithm_that_both_have_is_taken) {
  OffererConfig config = eas_config();
  config.algorithms = {Algorithm::chacha20_poly1305, Algorithm::aes_256_gcm,
                       Algorithm::aes_128_gcm};
  AcceptorConfig upf = upf_config();
  upf.algorithms = {Algorithm::aes_128_gcm, Algorithm::aes_256_gcm};
  upf.lifetime_max = 1s;
  World world(upf, config);
  world.run_for(20ms);
  ASSERT_TRUE(world.marks());
  EXPECT_EQ(world.eas.current()->terms.algorithm, Algorithm::aes_256_gcm);
  EXPECT_EQ(world.eas.current()->terms.lifetime, 1s);
}

TEST(key_channel, an_offer_outside_the_rules_is_refused) {
  const auto offer = [](unsigned id, std::vector<KeyId> replaces = {}) {
    return ContextOffer{{.key_id = KeyId{static_cast<std::uint8_t>(id)},
                         .senders = {SenderId{1}, SenderId{4}},
                         .lifetime = 16s},
                        std::move(replaces)};
  };
  const auto refused = [](const std::vector<ContextOffer>& offers) {
    World world;
    world.run_for(20ms);
    for (const auto& one : offers) world.say_to_upf(one);
    world.run_for(1ms);
    return world.upf_ended.empty() ? "accepted"
                                   : std::string(to_string(world.upf_ended[0].failure));
  };
  EXPECT_EQ(refused({offer(192)}), "key_id_used");
  EXPECT_EQ(refused({offer(192, {KeyId{192}})}), "key_id_used");
  EXPECT_EQ(refused({offer(191)}), "key_id_not_allowed");
  EXPECT_EQ(refused({offer(196)}), "key_id_not_allowed");

  KeyAcceptor upf(upf_config());
  (void)upf.tick(0s);
  (void)upf.connected(0s);
  (void)upf.received(Welcome{"eas1.example"}, 0s);
  for (const unsigned id : {192U, 193U}) {
    (void)upf.received(offer(id), 0s);
    (void)upf.installed(true, 0s);
  }
  const auto third = upf.received(offer(194), 1s);
  ASSERT_FALSE(third.empty());
  EXPECT_EQ(std::get<KeyAcceptor::Send>(third[0]).message,
            KeyMessage(Refuse{KeyFailure::too_many_keys}));
  EXPECT_EQ(upf.live().size(), 2U) << "a refusal touches no key that lives";
}

TEST(key_channel, words_out_of_place_end_it_and_touch_no_key) {
  for (const KeyMessage& message :
       std::vector<KeyMessage>{Welcome{"eas1.example"}, ContextAccept{KeyId{192}}, Ping{},
                               Hello{{Algorithm::aes_128_gcm}, {KeyId{1}, KeyId{9}}, 1s, {}}}) {
    World world;
    world.run_for(20ms);
    world.say_to_upf(message);
    world.run_for(1ms);
    ASSERT_EQ(world.upf_ended.size(), 1U) << write_key_message(message);
    EXPECT_EQ(world.upf_ended[0].failure, KeyFailure::message_unexpected);
    EXPECT_EQ(world.eas_ended.back(), (KeyCause{KeyFailure::message_unexpected, true}));
    EXPECT_TRUE(world.marks());
  }
  for (const KeyMessage& message : std::vector<KeyMessage>{
           Welcome{"eas1.example"}, ContextAccept{KeyId{193}}, Pong{}, ContextOffer{}}) {
    World world;
    world.run_for(20ms);
    world.say_to_eas(message);
    world.run_for(1ms);
    ASSERT_EQ(world.eas_ended.size(), 1U) << write_key_message(message);
    EXPECT_EQ(world.eas_ended[0].failure, KeyFailure::message_unexpected);
    EXPECT_TRUE(world.marks());
  }
}

TEST(key_channel, an_end_that_says_nothing_is_given_up) {
  KeyAcceptor upf(upf_config());
  (void)upf.tick(0s);
  (void)upf.connected(0s);
  EXPECT_EQ(upf.deadline(), ChannelTime{answer_patience});
  auto effects = upf.tick(answer_patience);
  ASSERT_EQ(effects.size(), 3U);
  EXPECT_EQ(std::get<KeyAcceptor::Ended>(effects[2]).cause.failure, KeyFailure::silent);

  KeyOfferer eas(eas_config());
  (void)eas.connected(0s);
  const auto ended = eas.tick(answer_patience);
  ASSERT_EQ(ended.size(), 3U);
  EXPECT_EQ(std::get<KeyOfferer::Ended>(ended[2]).cause.failure, KeyFailure::silent);

  // One that was there and is no longer: pings are not answered.
  World world;
  world.run_for(20ms);
  world.delay = 1h;
  world.run_for(ping_every + answer_patience + 20ms);
  ASSERT_FALSE(world.upf_ended.empty());
  EXPECT_EQ(world.upf_ended[0].failure, KeyFailure::silent);
}

RC_GTEST_PROP(key_channel, whatever_befalls_it_a_key_that_is_used_is_one_that_opens, ()) {
  OffererConfig config = eas_config();
  config.lifetime = std::chrono::milliseconds{*rc::gen::inRange(300, 20'000)};
  AcceptorConfig upf = upf_config();
  upf.key_ids.last = KeyId{static_cast<std::uint8_t>(194 + *rc::gen::inRange(0, 5))};
  World world(upf, config);
  world.delay = std::chrono::milliseconds{*rc::gen::inRange(0, 30)};
  const auto steps =
      *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  bool upf_kept_all = true;
  for (const std::uint8_t step : steps) {
    switch (step % 8) {
      case 0: world.lose_connection(); break;
      case 1:
        world.restart_upf();
        upf_kept_all = false;
        break;
      case 2: world.restart_eas(); break;
      case 3: world.reachable = !world.reachable; break;
      case 4:
        for (const auto& effect : world.eas.renew(world.eas_now()))
          world.say_to_upf(std::get<KeyOfferer::Send>(effect).message);
        break;
      default: break;
    }
    world.run_for(std::chrono::milliseconds{step * 7});
    // Only a UPF that began anew is without a key that the other end seals with.
    if (upf_kept_all && world.has_key()) RC_ASSERT(world.marks());
    RC_ASSERT(world.opened() <= keys_live_max);
    RC_ASSERT(!::testing::Test::HasFatalFailure());
  }
  world.reachable = true;
  world.run_for(redial_max + 1s);
  RC_ASSERT(world.marks());
}

}  // namespace
}  // namespace lobo::xrm
