// The UPF's side of N4 under messages that are real but for what the input changes in them, with
// packets and a worker's events in between: nothing breaks, each request has at most one response,
// what is sent can be read, and no two sessions claim the same packets.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "support/pfcp_any.hpp"
#include "wire/packet/flow.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo {
namespace {

using dataplane::WorkerEvent;

constexpr int steps_max = 200;
constexpr std::size_t seids_kept_max = 16;

class Run {
 public:
  explicit Run(Bytes input) : in_(input), any_(in_.be32()) { scene_.associate(smf_); }

  void go() {
    for (int i = 0; i < steps_max && in_.left() > 0; ++i) step();
  }

 private:
  // Most of an input's time would go into sweeps that find nothing.
  static dataplane::n4::N4Config config() {
    auto config = test::n4_config();
    config.sweep_every = std::chrono::seconds{5};
    return config;
  }
  void step() {
    switch (in_.u8() % 8) {
      case 0: return receive(some());
      case 1: return receive(changed(any_message<pfcp::SessionModificationRequest>(seid())));
      case 2: return receive(changed(any_message<pfcp::SessionEstablishmentRequest>(0)));
      case 3: return receive(changed(smf_.establishment(measured(), in_.u8())));
      case 4: return receive(changed(modification()));
      case 5: return event();
      case 6: return packets();
      default: return pass();
    }
  }
  Bytes some() {
    const std::size_t wanted = in_.u8();
    return in_.bytes(std::min(wanted, in_.left()));
  }
  std::uint64_t seid() { return seids_.empty() ? 0 : seids_[in_.u8() % seids_.size()]; }

  template <class Message>
  std::vector<std::byte> any_message(std::uint64_t seid) {
    return smf_.request(any_.message<Message>(), seid);
  }
  // Rules that hold together, with measurements.
  test::N4Rules measured() {
    auto made = test::two_ways(in_.u8() % 8U);
    made.urrs = {{.id = {1},
                  .method = {pfcp::Measurement::volume, pfcp::Measurement::duration},
                  .triggers = {pfcp::ReportingTrigger::volume_threshold,
                               pfcp::ReportingTrigger::time_threshold},
                  .volume_threshold = pfcp::Volume{.total = pfcp::OctetCount{1U + in_.u8()}},
                  .time_threshold = pfcp::Seconds32{1U + in_.u8()}}};
    require(made.pdrs[1].urrs.add({1}));
    pfcp::QosMonitoringControl control{.requested = {pfcp::MonitoredDelay::downlink},
                                       .frequency = {pfcp::Frequency::periodic},
                                       .period = pfcp::Seconds32{1U + in_.u8()}};
    require(control.qfis.add({9}));
    made.srrs = {{.id = {1}}};
    require(made.srrs[0].monitored.add(control));
    return made;
  }
  std::vector<std::byte> modification() {
    test::N4Rules made;
    const std::uint8_t what = in_.u8();
    const auto id = static_cast<std::uint16_t>(in_.u8() % 4U);
    if ((what & 1U) != 0) made.remove_pdrs = {{{id}}};
    if ((what & 2U) != 0) made.pdrs = {test::downlink_pdr(id, 2, in_.u8() % 8U)};
    if ((what & 4U) != 0) made.queries = {{{1}}};
    if ((what & 8U) != 0) made.remove_urrs = {{{1}}};
    if ((what & 16U) != 0) made.remove_srrs = {{{1}}};
    if ((what & 32U) != 0)
      made.update_urrs = {
          {.id = {1}, .information = pfcp::MeasurementInformation::from(std::array{in_.u8()})}};
    if ((what & 64U) != 0) return smf_.request(pfcp::SessionDeletionRequest{}, seid());
    return smf_.request(made.modification(), seid());
  }
  // A few octets of a message, as the input says.
  std::vector<std::byte> changed(std::vector<std::byte> message) {
    const int changes = in_.u8() % 4;
    for (int i = 0; i < changes; ++i) {
      const std::size_t at = in_.be16() % message.size();
      message[at] ^= static_cast<std::byte>(in_.u8());
    }
    return message;
  }

  void receive(Bytes datagram) {
    if (datagram.empty()) return;
    const auto sent = scene_.send(smf_.at(), datagram);
    require(sent.size() <= 2 * dataplane::n4::messages_per_datagram_max);
    for (const auto& one : sent) heed(one);
    check();
  }
  void heed(const dataplane::n4::Datagram& sent) {
    const auto view = pfcp::parse_message(*sent.bytes);
    require(view.ok() && view.behind.empty());
    if (const auto made = test::read_as<pfcp::SessionEstablishmentResponse>(sent.bytes))
      if (made->message.up_f_seid && seids_.size() < seids_kept_max)
        seids_.push_back(made->message.up_f_seid->seid);
    const auto report = test::read_as<pfcp::SessionReportRequest>(sent.bytes);
    if (report && in_.u8() % 2 == 0) scene_.accept(smf_, report->envelope, 0);
  }
  void event() {
    WorkerEvent event{.kind = static_cast<WorkerEvent::Kind>(in_.u8() % 4),
                      .seid = seid(),
                      .id = in_.u8(),
                      .peer_v4 = 0xC0000207};
    event.delay_us[0] = in_.be16();
    scene_.tell(event);
    told();
  }
  // As a worker would: what is classified is counted, and what is to be told is told.
  void packets() {
    dataplane::PacketFacts packet;
    const std::uint32_t ue = in_.u8() % 8U;
    (void)scene_.pdr_to(ue);
    packet.flow = packet::flow_between(test::ue_v4(99), 1, test::ue_v4(ue), 2);
    const auto published = scene_.published;  // events may bring new ones
    const auto found = published->classify(packet);
    if (found.rule == nullptr) return;
    for (const std::size_t urr : found.rule->urrs)
      if (found.session->meters()[urr]->count(found.rule->travel, in_.be16(), scene_.now_ns()))
        scene_.tell({.kind = WorkerEvent::Kind::usage,
                     .seid = found.session->seid(),
                     .id = found.session->urrs()[urr].id.value});
    told();
  }
  void pass() {
    scene_.pass(std::chrono::milliseconds(in_.be16()));
    told();
  }
  void told() {
    for (const auto& one : std::exchange(scene_.told, {})) heed(one);
    check();
  }
  void check() {
    if (auto fresh = scene_.agent.take_rules()) scene_.published = fresh;
    require(scene_.published->conflicts() == 0);
    require(scene_.published->sessions() == scene_.agent.sessions());
    require(scene_.agent.take_notes().size() <= dataplane::n4::notes_max);
  }

  ByteReader in_;
  test::AnyPfcp any_;
  test::N4Scene scene_{config()};
  test::ControlPlane smf_;
  std::vector<std::uint64_t> seids_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run(std::as_bytes(std::span(data, size))).go();
  return 0;
}

}  // namespace lobo
