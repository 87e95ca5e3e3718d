// What a hostile UPF and a hostile UE can say to a gNB: G-PDUs with any containers through the
// emulated radio while its cell changes, and datagrams of the air. Each packet has one fate.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "wire/air/message.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t messages_max = 512;

struct Run {
  Run() {
    const std::array flows{RadioFlow{.qfi = 9}, RadioFlow{.qfi = 2, .promise = promise}};
    require(radio.set_flows(0, flows, now, fates));
    radio.set_link(0, {.delay = 1ms, .loss_ppm = 10'000, .rate_dl = {}});
  }
  static RadioConfig config() {
    RadioConfig config;
    config.rate = RateTrace::constant({1'000'000});
    config.cell.queue_octets = 20'000;
    return config;
  }
  void message(Bytes datagram) {
    (void)air::parse(datagram);
    const gtpu::GtpuView view = gtpu::parse_gtpu(datagram);
    if (!view.ok()) return;
    const auto octets = static_cast<std::uint32_t>(view.payload().size() * 64 + 1);
    radio.downlink(0, read_conveyed(view, gtpu::Release::rel19), offered++, octets, now, fates);
  }
  void change(std::uint8_t how) {
    auto cell = radio.cell().config();
    cell.policy = policies[how % policies.size()];
    cell.scheduler = how % 2 == 0 ? CellScheduler::by_flow : CellScheduler::plain;
    radio.reconfigure(cell, now, fates);
  }

  Promise promise{.guaranteed = {500'000}, .set_delay_budget = 50ms, .set_error_rate = 0.01};
  Elapsed now{};
  std::uint64_t offered = 0;
  Radio radio{config()};
  RadioFates fates;
};

}  // namespace
}  // namespace lobo::dataplane

// Each message: how long after the one before in milliseconds, its length, its octets.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lobo::dataplane::Run run;
  lobo::ByteReader in(std::as_bytes(std::span(data, size)));
  for (std::size_t i = 0; i < lobo::dataplane::messages_max && in.left() > 2; ++i) {
    run.now += std::chrono::milliseconds(in.u8());
    const std::uint8_t length = in.u8();
    if (length == 0xFF)
      run.change(in.u8());
    else
      run.message(in.bytes(length < in.left() ? length : in.left()));
  }
  run.radio.advance(run.now + std::chrono::hours{1}, run.fates);
  lobo::require(run.fates.size() == run.offered && run.radio.packets() == 0);
  for (const auto& [qfi, flow] : run.radio.flows(0)) {
    const auto& sets = flow.ledger.tallies();
    lobo::require(sets.delivered + sets.damaged + sets.lost + sets.unjudged == sets.sets);
  }
  return 0;
}
