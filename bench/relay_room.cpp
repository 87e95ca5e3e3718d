// The load of bench/relay_room.py.
//
//   relay_room sdd|nats|colyseus PORT MEMBERS HERTZ NEAREST SECONDS
//
// `sdd` reads one UE a line from standard input (tests/relay_node/far_ue.hpp), until "go".

#include "relay_room.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/steady_clock.hpp"
#include "base/rng.hpp"
#include "relay_node/far_ue.hpp"

namespace lobo::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t drain_ns = second_ns / 2;
constexpr std::size_t samples_max = 4'000'000;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// The first octets of a state.
struct Stamp {
  std::uint64_t made_ns = 0;
  std::uint32_t publisher = 0;
};
static_assert(sizeof(Stamp) == room_stamp_bytes);

void keep(std::vector<std::uint32_t>& samples, std::uint64_t ns) {
  if (samples.size() < samples_max) samples.push_back(static_cast<std::uint32_t>(ns / 1000));
}

std::string percentiles(std::vector<std::uint32_t> samples) {
  std::sort(samples.begin(), samples.end());
  std::string out = "[";
  for (const double part : {0.5, 0.99, 0.999, 1.0}) {
    const auto at = static_cast<std::size_t>(part * static_cast<double>(samples.size()));
    if (out.size() > 1) out += ", ";
    out += std::to_string(samples.empty() ? 0 : samples[std::min(at, samples.size() - 1)]);
  }
  return out + "]";
}

}  // namespace

RoomDriver::RoomDriver(const RoomLoad& load, Publish publish)
    : load_(load), publish_(std::move(publish)), newest_(load.members * load.members) {
  ages_us_.reserve(samples_max);
  oldest_us_.reserve(samples_max);
}

bool RoomDriver::turn(bool all_up) {
  const std::uint64_t now = now_ns();
  if (phase_ == Phase::waiting && all_up) {
    phase_ = Phase::warming;
    phase_until_ = now + second_ns;
    // Everybody at its own moment of the period.
    for (std::size_t i = 0; i < load_.members; ++i)
      due_.push_back(now + second_ns / load_.hertz * i / load_.members);
  } else if (phase_ == Phase::warming && now >= phase_until_) {
    phase_ = Phase::counting;
    count_from_ = now;
    count_until_ = phase_until_ = now + second_ns * load_.seconds;
    std::printf("{\"begin\": %llu, \"cpu\": %.6f}\n", static_cast<unsigned long long>(now),
                cpu_seconds());
    std::fflush(stdout);
  } else if (phase_ == Phase::counting && now >= phase_until_) {
    phase_ = Phase::draining;
    phase_until_ = now + drain_ns;
  } else if (phase_ == Phase::draining && now >= phase_until_) {
    tell_end();
    return false;
  }
  if (phase_ == Phase::warming || phase_ == Phase::counting) publish(now);
  return true;
}

void RoomDriver::publish(std::uint64_t now) {
  std::array<std::byte, room_state_bytes> state{};
  for (std::size_t member = 0; member < load_.members; ++member) {
    if (now < due_[member]) continue;
    due_[member] += second_ns / load_.hertz;
    const Stamp stamp{now_ns(), static_cast<std::uint32_t>(member)};
    std::memcpy(state.data(), &stamp, sizeof stamp);
    publish_(member, state);
    if (phase_ == Phase::counting && stamp.made_ns < count_until_) ++published_;
  }
}

void RoomDriver::heard(std::size_t receiver, Bytes state) {
  Stamp stamp;
  if (state.size() != room_state_bytes) return;
  std::memcpy(&stamp, state.data(), sizeof stamp);
  if (stamp.publisher >= load_.members || stamp.publisher == receiver) return;
  std::uint64_t& newest = newest_[receiver * load_.members + stamp.publisher];
  const std::uint64_t before = std::exchange(newest, std::max(newest, stamp.made_ns));
  if (stamp.made_ns < count_from_ || count_from_ == 0 || stamp.made_ns >= count_until_) return;
  if (stamp.made_ns <= before) return;  // again, or late
  const std::uint64_t now = now_ns();
  ++delivered_;
  keep(ages_us_, now - stamp.made_ns);
  if (before != 0) keep(oldest_us_, now - before);
}

void RoomDriver::tell_end() const {
  const std::uint64_t hears = load_.nearest == 0 ? load_.members - 1 : load_.nearest;
  std::printf(
      "{\"end\": %llu, \"cpu\": %.6f, \"published\": %llu, \"owed\": %llu, \"delivered\": %llu, "
      "\"agesUs\": %s, \"oldestUs\": %s}\n",
      static_cast<unsigned long long>(now_ns()), cpu_seconds(),
      static_cast<unsigned long long>(published_),
      static_cast<unsigned long long>(published_ * hears),
      static_cast<unsigned long long>(delivered_), percentiles(ages_us_).c_str(),
      percentiles(oldest_us_).c_str());
  std::fflush(stdout);
}

int load_sdd(const RoomLoad& load) {
  adapters::EventLoop loop;
  const adapters::SteadyWallClock clock;
  std::vector<std::unique_ptr<testing::FarUe>> ues;
  bool failed = false;
  RoomDriver driver(load, [&](std::size_t member, Bytes state) { ues[member]->publish(state); });
  SeededRng rng(7);
  const auto somewhere = [&] { return static_cast<std::int32_t>(rng.below(100'000)); };
  for (std::string line; std::getline(std::cin, line) && line != "go";) {
    auto given = testing::ue_of_line(line);
    if (!given) {
      std::cerr << "relay_room: this is no UE: " << line << '\n';
      return 2;
    }
    const std::size_t number = ues.size();
    const sdd::Update wants{.flow = given->flow,
                            .nearest = static_cast<std::uint32_t>(load.nearest),
                            .position = sdd::Position{somewhere(), 0, somewhere()}};
    ues.push_back(std::make_unique<testing::FarUe>(
        loop, clock, std::move(*given),
        testing::FarUe::Told{
            .event =
                [&, number, wants](std::string_view what, std::string_view why) {
                  if (what == "up" && load.nearest > 0) ues[number]->say(wants);
                  if (what == "up" || what == "tier") return;
                  std::cerr << "relay_room: " << what << ": " << why << '\n';
                  failed = true;
                },
            .state = [&, number](
                         const relay::Received& state) { driver.heard(number, state.payload); }}));
  }
  if (ues.size() != load.members) return 2;
  std::function<void()> turn = [&] {
    for (const auto& ue : ues) ue->look();
    const bool all_up =
        std::all_of(ues.begin(), ues.end(), [](const auto& ue) { return ue->up(); });
    if (failed || !driver.turn(all_up)) return loop.stop();
    loop.after(1ms, turn);
  };
  turn();
  loop.run();
  return failed ? 1 : 0;
}

}  // namespace lobo::bench

int main(int count, char** words) {
  using lobo::bench::RoomLoad;
  struct Kind {
    std::string_view name;
    int (*load)(const RoomLoad&);
    int (*serve)(const std::string& host, std::uint16_t port);  ///< none: another program does
  };
  const std::vector<Kind> kinds{
      {"sdd", &lobo::bench::load_sdd, nullptr},
      {"sdd_ordered", &lobo::bench::load_mmec, nullptr},
      {"sdd_twice", &lobo::bench::load_mmec, nullptr},
      {"nats", &lobo::bench::load_nats, nullptr},
      {"colyseus", &lobo::bench::load_colyseus, nullptr},
      {"colyseus_schema", &lobo::bench::load_colyseus_schema, nullptr},
      {"websocket", &lobo::bench::load_websocket, &lobo::bench::serve_websocket},
#ifdef LOBO_ENET
      {"enet", &lobo::bench::load_enet, &lobo::bench::serve_enet},
#endif
  };
  const std::span all(words, static_cast<std::size_t>(count));
  const auto number = [&](std::size_t at) {
    const std::string_view text = all[at];
    std::size_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
  };
  if (all.size() == 1) {
    for (const auto& kind : kinds) std::cout << kind.name << '\n';
    return 0;
  }
  for (const auto& kind : kinds) {
    if (all[1] != kind.name) continue;
    if (all.size() == 5 && kind.serve != nullptr && std::string_view(all[2]) == "serve")
      return kind.serve(all[3], static_cast<std::uint16_t>(number(4)));
    if (all.size() == 8)
      return kind.load(RoomLoad{.host = all[2],
                                .port = static_cast<std::uint16_t>(number(3)),
                                .members = number(4),
                                .hertz = number(5),
                                .nearest = number(6),
                                .seconds = number(7)});
  }
  std::cerr << "relay_room [KIND HOST PORT MEMBERS HERTZ NEAREST SECONDS | KIND serve HOST PORT]\n";
  return 2;
}
