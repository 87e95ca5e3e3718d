// Drives the UPF's side of N4 through its procedures and writes each message that it sends, for
// readers that are not ours:
//
//   n4_emitter COUNT SEED
//
// Lines as those of pfcp_emitter, at least COUNT; what a message was made of is what our own reader
// finds, so a reader that is not ours has to find the same.

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "support/golden.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "support/pfcp_any.hpp"
#include "support/pfcp_text.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo {
namespace {

using namespace std::chrono_literals;
using dataplane::WorkerEvent;

class Emitter {
 public:
  explicit Emitter(std::uint64_t seed) : rng_(seed), scene_(test::n4_config(), seed) {}

  void turn() {
    test::ControlPlane smf("192.0.2.1", 0xE0000000 + ++turns_);
    // What is refused before there is an association, and what is not served.
    sent(smf, smf.establishment(test::two_ways(1), rng_.next()));
    sent(smf, smf.association());
    sent(smf, smf.request(pfcp::HeartbeatRequest{smf.recovered()}));
    sent(smf, smf.request(pfcp::AssociationUpdateRequest{.node = smf.node()}));
    for (const auto type : {pfcp::MessageType::pfd_management_request,
                            pfcp::MessageType::session_set_deletion_request,
                            pfcp::MessageType::session_set_modification_request})
      sent(smf, without_ies(type));
    auto other = smf.association();
    other[0] = std::byte{0x40};
    sent(smf, other);
    session(smf);
    scene_.agent.ask_for_release(scene_.now);
    scene_.pass(0s);
    scene_.pass(10s);
    told();
    sent(smf, smf.request(pfcp::AssociationReleaseRequest{smf.node()}));
  }
  std::size_t lines() const { return lines_; }
  const std::set<pfcp::MessageType>& types() const { return types_; }

 private:
  static std::vector<std::byte> without_ies(pfcp::MessageType type) {
    std::vector<std::byte> room(pfcp::header_bytes(type));
    ByteWriter out(room);
    pfcp::open_message(out, type, {.sequence_number = 4711});
    require(pfcp::close_message(out) == room.size());
    return room;
  }
  void sent(const test::ControlPlane& smf, Bytes datagram) {
    for (const auto& answer : scene_.send(smf.at(), datagram)) emit(*answer.bytes);
    told();
  }
  void told() {
    for (const auto& one : std::exchange(scene_.told, {})) emit(*one.bytes);
  }

  test::N4Rules measured() {
    auto made = test::two_ways(1 + static_cast<std::uint32_t>(rng_.below(200)));
    using pfcp::ReportingTrigger;
    made.urrs = {
        {.id = {1},
         .method = {pfcp::Measurement::volume, pfcp::Measurement::duration},
         .triggers = {ReportingTrigger::volume_threshold, ReportingTrigger::start_of_traffic},
         .volume_threshold = pfcp::Volume{.total = pfcp::OctetCount{1000}},
         .information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::number_of_packets}}};
    require(made.pdrs[1].urrs.add({1}));
    pfcp::QosMonitoringControl control{
        .requested = {pfcp::MonitoredDelay::downlink, pfcp::MonitoredDelay::uplink,
                      pfcp::MonitoredDelay::round_trip},
        .frequency = {pfcp::Frequency::event_triggered, pfcp::Frequency::at_session_release},
        .thresholds = pfcp::PacketDelayThresholds{.downlink = pfcp::Milliseconds32{5}}};
    require(control.qfis.add({9}));
    made.srrs = {{.id = {1}}};
    require(made.srrs[0].monitored.add(control));
    return made;
  }
  void session(test::ControlPlane& smf) {
    const auto wanted = measured();
    const auto answers = scene_.send(smf.at(), smf.establishment(wanted, rng_.next()));
    for (const auto& answer : answers) emit(*answer.bytes);
    const auto made = test::read_as<pfcp::SessionEstablishmentResponse>(answers.front().bytes);
    require(made && made->message.up_f_seid);
    const auto seid = made->message.up_f_seid->seid;
    const auto ue = *wanted.pdrs[1].pdi.ue_addresses[0].v4;
    const std::uint32_t number = ue.octets[3];
    auto& meter = scene_.meter(seid, number, 1);
    for (int i = 0; i < 3; ++i) {
      const auto size = static_cast<std::uint32_t>(rng_.below(1500));
      if (meter.count(packet::Travel::to_ue, size, scene_.now_ns()))
        event(smf, {.kind = WorkerEvent::Kind::usage, .seid = seid, .id = 1});
    }
    WorkerEvent delay{.kind = WorkerEvent::Kind::delay, .seid = seid, .id = 9};
    delay.delay_us = {static_cast<std::uint32_t>(rng_.below(20'000)),
                      static_cast<std::uint32_t>(rng_.below(20'000)),
                      static_cast<std::uint32_t>(rng_.below(40'000))};
    event(smf, delay);
    event(smf, {.kind = WorkerEvent::Kind::error_indication,
                .seid = seid,
                .id = number + 1,
                .peer_v4 = 0xC0000207});
    test::N4Rules change;
    change.update_fars = {
        {.id = {2}, .apply_action = pfcp::ApplyAction{pfcp::Action::buff, pfcp::Action::nocp}}};
    change.pdrs = {test::uplink_pdr(3, 1)};
    change.queries = {{{1}}};
    sent(smf, smf.request(change.modification(), seid));
    event(smf, {.kind = WorkerEvent::Kind::downlink_data, .seid = seid, .id = 2});
    // What is refused: a rule that leads nowhere, one that is there, a session that is not.
    test::N4Rules wrong;
    wrong.pdrs = {test::uplink_pdr(4, 77)};
    sent(smf, smf.request(wrong.modification(), seid));
    sent(smf, smf.request(change.modification(), seid));
    sent(smf, smf.request(change.modification(), seid + 1));
    sent(smf, smf.establishment(wanted, rng_.next()));
    sent(smf, smf.request(pfcp::SessionDeletionRequest{}, seid));
    sent(smf, smf.request(pfcp::SessionDeletionRequest{}, seid));
  }
  // An answer to one report may bring the next.
  void event(const test::ControlPlane& smf, const WorkerEvent& event) {
    constexpr int rounds_max = 8;
    scene_.tell(event);
    for (int round = 0; round < rounds_max && !scene_.told.empty(); ++round)
      for (const auto& one : std::exchange(scene_.told, {})) {
        emit(*one.bytes);
        const auto report = test::read_as<pfcp::SessionReportRequest>(one.bytes);
        if (report) scene_.accept(smf, report->envelope, event.seid);
      }
  }

  void emit(Bytes bytes) {
    const auto view = pfcp::parse_message(bytes);
    require(view.ok() && view.behind.empty());
    types_.insert(view.type);
    std::string line =
        fmt::format(R"({{"hex": "{}", "type": {}, "sequence": "{}")", test::to_hex(bytes),
                    static_cast<std::uint8_t>(view.type), view.envelope.sequence_number);
    if (pfcp::has_seid(view.type)) line += fmt::format(R"(, "seid": "{}")", view.envelope.seid);
    std::string ies = "[]";
    test::each_pfcp_message([&]<class Message>() {
      if (view.type != Message::type) return;
      pfcp::Remarks remarks;
      const auto message = pfcp::read_message<Message>(view, remarks);
      require(message && remarks == pfcp::Remarks{});
      ies = test::pfcp_json(test::pfcp_tree(*message));
    });
    line += R"(, "ies": )" + ies + "}\n";
    std::fputs(line.c_str(), stdout);
    ++lines_;
  }

  SeededRng rng_;
  test::N4Scene scene_;
  std::uint32_t turns_ = 0;
  std::size_t lines_ = 0;
  std::set<pfcp::MessageType> types_;
};

int run(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("n4_emitter COUNT SEED\n", stderr);
    return 2;
  }
  const auto count = std::strtoull(argv[1], nullptr, 10);
  Emitter emitter(std::strtoull(argv[2], nullptr, 10));
  while (emitter.lines() < count) emitter.turn();
  // Each type that the agent can send is there.
  using enum pfcp::MessageType;
  for (const auto type :
       {heartbeat_request, heartbeat_response, pfd_management_response, association_setup_response,
        association_update_request, association_update_response, association_release_response,
        version_not_supported_response, session_set_deletion_response,
        session_set_modification_response, session_establishment_response,
        session_modification_response, session_deletion_response, session_report_request})
    require(emitter.types().contains(type));
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
