// The room by the enabler's client as a library, for what FarUe does not do: reliable streams (R4)
// and flows that go twice (+D). One UE a line on standard input, until "go":
//   ADDRESS PORT SHA256-OF-THE-CERTIFICATE-IN-HEX TOKEN FLOW ALIAS PORT-OF-THE-SECOND-WAY
// 0 is no second way.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "mmec/types.hpp"
#include "mmec_client/client.hpp"
#include "relay_node/far_ue.hpp"
#include "relay_room.hpp"

namespace lobo::bench {
namespace {

using namespace std::chrono_literals;

struct Member final : mmec::Application {
  void received(const mmec::State& state) override { heard(state.payload); }
  void told(const mmec::Event& event) override {
    if (event.kind == mmec::EventKind::ended)
      std::cerr << "relay_room: " << (event.error ? event.error->detail : "ended") << '\n';
  }
  std::function<void(Bytes)> heard;
  std::unique_ptr<app::MmecClient> client;
  std::size_t ways = 1;
};

}  // namespace

int load_mmec(const RoomLoad& load) {
  adapters::EventLoop loop;
  SeededRng rng(7);
  std::vector<std::unique_ptr<Member>> members;
  RoomDriver driver(load, [&](std::size_t member, Bytes state) {
    (void)members[member]->client->publish(0, 0, state);
  });
  for (std::string line; std::getline(std::cin, line) && line != "go";) {
    const auto space = line.rfind(' ');
    const auto given = testing::ue_of_line(line.substr(0, space));
    if (!given) return 2;
    const auto host = model::to_text(given->target.to.address);
    mmec::Settings settings;
    auto grant = mmec::read_grant(
        given->token, {host, given->target.to.port, given->target.trust.certificate_sha256, {}});
    if (!grant) return 2;
    settings.grant = std::move(*grant);
    auto member = std::make_unique<Member>();
    if (const auto second = std::stoul(line.substr(space + 1)); second != 0) {
      settings.second = mmec::Place{host, static_cast<std::uint16_t>(second), {}, {}};
      member->ways = 2;
    }
    member->heard = [&driver, number = members.size()](Bytes state) {
      driver.heard(number, state);
    };
    auto opened = app::MmecClient::open(
        std::move(settings), {.loop = loop, .rng = rng, .application = *member, .ca_file = {}});
    if (!opened) return 2;
    member->client = std::move(*opened);
    require(member->client->start().has_value());
    members.push_back(std::move(member));
  }
  if (members.size() != load.members) return 2;
  std::function<void()> turn = [&] {
    bool all_up = true;
    for (const auto& member : members)
      all_up = all_up && member->client->stats().ways == member->ways;
    if (!driver.turn(all_up)) return loop.stop();
    loop.after(1ms, turn);
  };
  turn();
  loop.run();
  return 0;
}

}  // namespace lobo::bench
