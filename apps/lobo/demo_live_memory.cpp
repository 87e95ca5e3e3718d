#include "demo_live_memory.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "api/net_control.hpp"
#include "api_client.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "demo_live/clip.hpp"
#include "demo_live_configs.hpp"
#include "demo_live_path.hpp"
#include "demo_live_ring.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"
#include "gnb/session_terms.hpp"
#include "model/address.hpp"
#include "toolbox/program.hpp"
#include "toolbox/seen_pictures.hpp"
#include "toolbox/video.hpp"
#include "upf/n4_loop.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
namespace view = api::net_control;

constexpr auto patience = 15'000ms;
constexpr auto release_patience = 2'000ms;
constexpr std::uint32_t the_ue = 0;
constexpr std::uint32_t our_teid = 1;
constexpr std::string_view session_path = "/netsim-control/v1/ues/ue1/pdu-session";
/// As in the configuration of `lobo gnb`.
constexpr dataplane::GuaranteeConfig guarantee{
    .window = 1s, .not_held_after = 2s, .held_after = 3s};
constexpr dataplane::Elapsed air_delay = 4ms;

}  // namespace

Result<std::unique_ptr<MemoryPath>> MemoryPath::build(const std::string& directory) {
  std::unique_ptr<MemoryPath> made(new MemoryPath(directory));
  auto log = open_log({.file = directory + "/upf.log"}, "upf", made->loop_, made->clock_);
  if (!log) return fail(log.error());
  made->log_ = std::move(*log);
  dataplane::n4::N4Config config{.node_id = "127.0.0.1",
                                 .n4_v4 = model::Ipv4Address::parse("127.0.0.1"),
                                 .n3_v4 = model::Ipv4Address::parse(live_n3_address)};
  config.control_port = 0;  // netsim's is any that is free
  made->n4_ = std::make_unique<N4Loop>(
      std::move(config),
      N4Loop::World{
          made->loop_, made->clock_, made->rng_, *made->log_, made->rules_, {&made->events_}});
  if (auto open = made->n4_->listen({{model::parse_ip_address("127.0.0.1").value(), 0}}); !open)
    return fail(open.error());
  made->n4_port_ = made->n4_->local().front().port;
  made->control_ = std::thread([path = made.get()] { path->loop_.run(); });
  return made;
}

MemoryPath::~MemoryPath() { end_control(); }

void MemoryPath::end_control() {
  if (!control_.joinable()) return;
  loop_.post([this] { n4_->end(release_patience, [this] { loop_.stop(); }); });
  control_.join();
}

std::string MemoryPath::network_config(const Clip& clip) const {
  return live_netsim_config({.directory = directory_,
                             .video_rate = clip.rate,
                             .also_listens_at = {},
                             .smf_address = "127.0.0.1",
                             .smf_port = 0,
                             .upf_address = "127.0.0.1",
                             .upf_port = n4_port_});
}

Result<std::string> MemoryPath::start(DemoWorld& world, const Clip&, const CellTerms& begin) {
  const std::string keys = directory_ + "/live.keys";
  if (auto written = write_file(keys, live_key_file(rng_)); !written) return fail(written.error());
  queue_bytes_ = begin.queue_bytes;
  auto ring = MemoryRing::create(directory_, keys, rules_, events_,
                                 {.cell = {.queue_octets = queue_bytes_},
                                  .rate = dataplane::RateTrace::constant(begin.rate),
                                  .guarantee = guarantee});
  if (!ring) return fail(ring.error());
  ring_ = std::move(*ring);

  const bool associated = world.ask_until(
      world.net(), "/netsim-control/v1/upfs",
      [](const json::Value& answer) {
        const json::Value* upfs = answer.find("upfs");
        return upfs && upfs->array() && !upfs->array()->empty() &&
               upfs->array()->front().find("associated")->boolean() == true;
      },
      patience);
  if (!associated) return fail(Errc::timeout, "netsim does not associate with the UPF");
  const auto known = world.net().call(
      "POST", "/netsim-control/v1/gnbs",
      fmt::format(R"({{"gnbId":"{}","n3Addr":"{}"}})", live_gnb_name, live_gnb_address));
  if (!known) return fail(known.error());
  const auto asked = world.net().call(
      "POST", session_path, fmt::format(R"({{"gnbId":"{}","teid":{}}})", live_gnb_name, our_teid));
  if (!asked) return fail(asked.error());
  if (auto looked = look_at_session(world); !looked) return fail(looked.error());
  return std::string(
      "netsim and serve on loopback; UPF (PFCP over loopback) and gNB in this process, joined by "
      "memory rings");
}

/// As `lobo gnb` follows the PDU session.
Result<void> MemoryPath::look_at_session(DemoWorld& world) {
  std::optional<view::NetPduSession> session;
  const bool established = world.ask_until(
      world.net(), session_path,
      [&](const json::Value& answer) {
        auto read = json::read<view::NetPduSession>(json::to_text(answer));
        if (!read || read->state != view::PduSessionStateKnown::established) return false;
        session = std::move(*read);
        return true;
      },
      patience);
  if (!established) return fail(Errc::timeout, "the PDU session of ue1 is not established");
  auto terms = terms_of(*session);
  if (!terms) return fail(terms.error());
  terms_ = std::move(*terms);
  dataplane::RadioFates dropped;
  ring_->radio().set_flows(the_ue, terms_->flows, ring_->now(), dropped);
  ring_->radio().set_link(the_ue, joined({.delay = air_delay}, terms_->worse));
  return {};
}

/// As `lobo gnb` tells netsim.
Result<void> MemoryPath::tell_notices(DemoWorld& world) {
  while (const auto notice = ring_->radio().next_notice()) {
    const auto body = notice_of(*notice, {}, guarantee.window);
    const auto told =
        world.net().call("POST", std::string(session_path) + "/notify", json::write(body));
    if (!told) return fail(told.error());
  }
  return {};
}

PassFigures MemoryPath::totals(std::int64_t wanted) {
  PassFigures sum;
  for (const auto& [qfi, flow] : ring_->radio().flows(the_ue)) {
    if (std::int64_t{qfi} != wanted) continue;
    sum.packets += flow.tallies.received;
    sum.delivered += flow.tallies.delivered;
    sum.sets += flow.ledger.tallies().sets;
    sum.sets_delivered += flow.ledger.tallies().delivered;
  }
  return sum;
}

Result<PassFigures> MemoryPath::play(DemoWorld& world, const Clip& clip, const PassTerms& terms) {
  if (auto looked = look_at_session(world); !looked) return fail(looked.error());
  ring_->set_cell(terms.rate, {.scheduler = terms.pdu_sets ? dataplane::CellScheduler::by_flow
                                                           : dataplane::CellScheduler::plain,
                               .policy = terms.pdu_sets ? dataplane::Policy::threshold
                                                        : dataplane::Policy::taildrop,
                               .queue_octets = queue_bytes_});
  const PassFigures before = totals(terms.qfi);
  auto input = DecoderInput::create(clip.coded.codec);
  if (!input) return fail(input.error());
  bool room = true;
  if (auto sent =
          ring_->send(clip, [&](std::int64_t presentation,
                                Bytes unit) { room = room && input->add(presentation, unit); });
      !sent)
    return fail(sent.error());
  if (!room) return fail(Errc::refused, "the temporary folder is full");
  ring_->rest(terms.name == "well" ? guarantee.held_after + guarantee.window : 1s);
  loop_.post([this] { n4_->look(); });
  if (auto told = tell_notices(world); !told) return fail(told.error());

  PassFigures pass = totals(terms.qfi);
  pass.received_file = fmt::format("{}/received-{}.nut", directory_, terms.name);
  pass.packets -= before.packets;
  pass.delivered -= before.delivered;
  pass.sets -= before.sets;
  pass.sets_delivered -= before.sets_delivered;
  // The receiver: ffmpeg decodes what arrived, and keeps the pictures without loss.
  auto source = source_of(*input);
  std::vector<std::string> words{"ffmpeg", "-nostdin", "-v", "fatal", "-y", "-copyts"};
  words.insert(words.end(), source.words.begin(), source.words.end());
  for (const char* word : {"-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-c:v",
                           "ffvhuff", "-avoid_negative_ts", "disabled", "-f", "nut"})
    words.emplace_back(word);
  words.push_back(pass.received_file);
  if (auto decoded = run_program({.words = words, .files = source.files, .may_fail = true});
      !decoded)
    return fail(decoded.error());
  return pass;
}

/// The agent is the control thread's: it is asked there.
std::uint64_t MemoryPath::upf_sessions() {
  std::promise<std::size_t> told;
  auto answer = told.get_future();
  loop_.post([&] { told.set_value(n4_->agent().sessions()); });
  return answer.get();
}

std::string MemoryPath::end(DemoWorld& world) {
  std::string left;
  const auto say = [&](std::string_view what) {
    left += fmt::format("{}{}", left.empty() ? "" : ", ", what);
  };
  if (!world.net().call("DELETE", session_path)) say("a PDU session at netsim");
  if (!world.net().call("DELETE", fmt::format("/netsim-control/v1/gnbs/{}", live_gnb_name)))
    say("a gNB at netsim");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (upf_sessions() > 0 && std::chrono::steady_clock::now() < until)
    run_until(world.loop(), [&] { return world.interrupted(); }, 50ms);
  if (upf_sessions() > 0) say("a session at the UPF");
  end_control();
  if (ring_)
    if (auto closed = ring_->close(); !closed) say(closed.error().detail);
  return left;
}

std::vector<std::pair<std::string, double>> MemoryPath::figures() const {
  if (!ring_) return {};
  return {{"n6_frames_captured", static_cast<double>(ring_->n6_frames())},
          {"n3_frames_captured", static_cast<double>(ring_->n3_frames())}};
}

}  // namespace lobo::app
