// What the UPF's side of N4 costs: sessions of two PDRs established and deleted through it, and the
// rules of all of them made anew after one of them changed.
//
//   n4_agent SESSIONS [establish]    "establish" ends after the establishments, for an instruction
//                                    counter

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo {
namespace {

// Of the processor, whatever else the machine does.
double milliseconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) * 1000 / CLOCKS_PER_SEC;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("n4_agent SESSIONS [establish]\n", stderr);
    return 2;
  }
  const auto count = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
  auto config = test::n4_config();
  config.answers_kept = std::chrono::milliseconds{1};  // time passes by a request a millisecond
  test::N4Scene scene(config);
  test::ControlPlane smf;
  scene.associate(smf);
  std::vector<std::vector<std::byte>> requests;
  for (std::uint32_t ue = 1; ue <= count; ++ue) {
    const auto request = smf.establishment(test::two_ways(ue), ue);
    requests.emplace_back(request.begin(), request.end());  // as long as it is, not as its room
  }
  std::vector<std::uint64_t> seids;
  const auto start = std::clock();
  for (const auto& request : requests) {
    scene.now += std::chrono::milliseconds{1};
    scene.agent.receive(smf.at(), request, scene.now);
    for (const auto& sent : scene.agent.take_datagrams()) {
      const auto came = test::read_as<pfcp::SessionEstablishmentResponse>(sent.bytes);
      require(came && came->message.up_f_seid);
      seids.push_back(came->message.up_f_seid->seid);
    }
  }
  const double established = milliseconds_since(start);
  fmt::print("{} sessions established in {:.0f} ms: {:.0f} a second\n", count, established,
             count / established * 1000);
  if (argc > 2 && std::string_view(argv[2]) == "establish") return 0;

  constexpr int repetitions = 9;
  auto rules = scene.agent.take_rules();
  for (int i = 0; i < repetitions; ++i) {
    test::N4Rules change;
    change.update_fars = {{.id = {2}, .apply_action = pfcp::ApplyAction{pfcp::Action::drop}}};
    const auto modified = scene.modify(smf, change, seids[static_cast<std::size_t>(i)]);
    require(modified && modified->message.cause == pfcp::Cause::request_accepted);
    const auto begin = std::clock();
    auto fresh = scene.agent.take_rules();
    const double made = milliseconds_since(begin);
    require(fresh && fresh->sessions() == count && fresh->conflicts() == 0);
    const auto end = std::clock();
    rules = std::move(fresh);
    fmt::print("rules of {} sessions made in {:.1f} ms, the old ones freed in {:.1f} ms\n", count,
               made, milliseconds_since(end));
  }
  const auto begin = std::clock();
  (void)scene.ask<pfcp::AssociationReleaseResponse>(
      smf, smf.request(pfcp::AssociationReleaseRequest{smf.node()}));
  require(scene.agent.sessions() == 0);
  fmt::print("all of them gone with their association in {:.0f} ms\n", milliseconds_since(begin));
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
