#include "demo_live_namespaces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "demo_live/clip.hpp"
#include "demo_live/network_namespace.hpp"
#include "demo_live/recorder.hpp"
#include "demo_live/udp_probe.hpp"
#include "demo_live_configs.hpp"
#include "demo_live_path.hpp"
#include "demo_live_sequence.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"
#include "json_rows.hpp"
#include "model/bit_rate.hpp"
#include "process.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 15'000ms;       ///< for anything that has no limit of its own
constexpr auto look_again = 50ms;         ///< at what nobody tells
constexpr auto drained_within = 3'000ms;  ///< a queue of a quarter of a second, and a busy machine
constexpr auto settled_within = 2'000ms;  ///< from the gNB's queue to the last picture
constexpr std::string_view gnb_url = "http://127.0.0.64:9090";
constexpr std::string_view upf_url = "http://127.0.0.62:9090";

/// Lets the loop run; false where the person had enough.
bool pause(DemoWorld& world, std::chrono::milliseconds time) {
  return !run_until(world.loop(), [&] { return world.interrupted(); }, time);
}

/// Looks again and again until `holds`.
bool wait_until(DemoWorld& world, const std::function<bool()>& holds,
                std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!holds())
    if (std::chrono::steady_clock::now() >= until || !pause(world, look_again)) return holds();
  return true;
}

/// Whether a UDP socket is bound to `port` where the calling thread is.
bool is_bound(std::uint16_t port) {
  std::ifstream table("/proc/thread-self/net/udp");
  const std::string wanted = fmt::format(":{:04X} ", port);
  for (std::string line; std::getline(table, line);)
    if (line.find(wanted) != std::string::npos) return true;
  return false;
}

/// Datagrams that sockets had no room for where the calling thread is (RFC 4113 has no such
/// counter; Linux calls it RcvbufErrors).
std::uint64_t socket_losses() {
  std::ifstream table("/proc/thread-self/net/snmp");
  std::vector<std::string> heads;
  for (std::string line; std::getline(table, line);) {
    if (!line.starts_with("Udp:")) continue;
    std::istringstream words(line);
    std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    if (heads.empty()) {
      heads = std::move(fields);
      continue;
    }
    for (std::size_t i = 0; i < std::min(heads.size(), fields.size()); ++i)
      if (heads[i] == "RcvbufErrors") return std::stoull(fields[i]);
  }
  return 0;
}

std::uint64_t number_in(const json::Value& object, std::string_view path) {
  const json::Value* found = find_path(object, path);
  return found ? static_cast<std::uint64_t>(found->integer().value_or(0)) : 0;
}

std::string text_in(const json::Value& object, std::string_view path) {
  const json::Value* found = find_path(object, path);
  return found && found->text() ? *found->text() : std::string();
}

/// Whether each packet that came to the cell has been delivered or dropped: what is still on its
/// way would count as received in one pass and as delivered in the next.
bool is_settled(const json::Value& status) {
  const json::Value* flows = status.find("flows");
  return flows && flows->array() &&
         std::ranges::all_of(*flows->array(), [](const json::Value& flow) {
           return number_in(flow, "received") ==
                  number_in(flow, "delivered") + number_in(flow, "dropped");
         });
}

}  // namespace

// ---- namespaces -------------------------------------------------------------------------------

Result<std::unique_ptr<NamespacePath>> NamespacePath::build(const std::string& directory,
                                                            Edge edge) {
  auto by = may_make_namespaces();
  if (!by) return fail(by.error());
  std::vector<NetworkNamespace> made;
  for (int i = 0; i < 4; ++i) {
    auto one = NetworkNamespace::create();
    if (!one) return fail(one.error());
    made.push_back(std::move(*one));
  }
  Spaces spaces{std::move(made[0]), std::move(made[1]), std::move(made[2]), std::move(made[3])};
  const auto with = [](std::string_view address) { return fmt::format("{}/24", address); };
  for (const auto& [one, other] :
       {std::pair{LinkEnd{spaces.core, "n6", with(live_n6_address)},
                  LinkEnd{spaces.server, "dn0", with(live_server_address)}},
        {LinkEnd{spaces.core, "n3", with(live_n3_address)},
         LinkEnd{spaces.ran, "gnb0", with(live_gnb_address)}},
        {LinkEnd{spaces.ran, "air0", with(live_air_address)},
         LinkEnd{spaces.ue, "air1", with(live_air_ue_address)}}})
    if (auto done = join(one, other); !done) return fail(done.error());
  {
    const Inside inside(spaces.server);
    if (auto done = ip({"route", "add", "10.45.0.0/16", "via", std::string(live_n6_address)});
        !done)
      return fail(done.error());
  }
  if (edge == Edge::with)
    if (auto done = join_edge(spaces); !done) return fail(done.error());
  if (auto entered = spaces.core.enter(); !entered) return fail(entered.error());
  return std::unique_ptr<NamespacePath>(
      new NamespacePath(directory, std::move(spaces), std::move(*by), edge));
}

Result<void> NamespacePath::join_edge(const Spaces& spaces) {
  const auto with = [](std::string_view address) { return fmt::format("{}/24", address); };
  if (auto done = join(LinkEnd{spaces.core, "edge0", with(live_edge_address)},
                       LinkEnd{spaces.server, "edge1", with(live_router_address)});
      !done)
    return done;
  {
    const Inside inside(spaces.server);
    if (auto done = forward_packets(); !done) return done;
  }
  const Inside inside(spaces.core);
  return ip({"route", "add", "10.45.0.0/16", "via", std::string(live_router_address)});
}

NamespacePath::~NamespacePath() = default;

std::string NamespacePath::network_config(const Clip& clip) const {
  return live_netsim_config({.directory = directory_,
                             .video_rate = clip.rate,
                             .also_listens_at = std::string(live_n3_address),
                             .smf_address = std::string(live_smf_address),
                             .smf_port = live_pfcp_port,
                             .upf_address = std::string(live_upf_address),
                             .upf_port = live_pfcp_port});
}

Result<ChildProcess> NamespacePath::child(const NetworkNamespace& where,
                                          const std::vector<std::string>& words,
                                          std::string_view log) {
  const Inside inside(where);
  return ChildProcess::start(words, fmt::format("{}/{}.log", directory_, log));
}

void NamespacePath::note(std::string from, std::string to, std::string text, std::string clause) {
  notes_.push_back(
      seen_by_demo(std::move(from), std::move(to), std::move(text), std::move(clause)));
}

// ---- the programs -----------------------------------------------------------------------------

Result<std::string> NamespacePath::start(DemoWorld& world, const Clip&, const CellTerms& begin) {
  adapters::crypto::SystemRng rng;
  if (auto written = write_file(directory_ + "/live.keys", live_key_file(rng)); !written)
    return fail(written.error());
  if (auto done = start_captures(); !done) return fail(done.error());
  if (auto done = start_upf(world); !done) return fail(done.error());
  if (auto done = start_ran(world, begin); !done) return fail(done.error());
  if (auto done = registered(world); !done) return fail(done.error());
  if (auto done = start_eas(world); !done) return fail(done.error());
  if (auto done = warm_up(world); !done) return fail(done.error());
  return fmt::format(
      "four network namespaces (by {}); lobo upf, gnb, ue and eas run in theirs, and a datagram "
      "from the server reached the UE at {}",
      by_, live_ue_address);
}

Result<void> NamespacePath::start_captures() {
  auto n6 = Recorder::start("n6", directory_ + "/n6.pcap");
  if (!n6) return fail(n6.error());
  n6_ = std::move(*n6);
  auto n4 = Recorder::start("lo", directory_ + "/n4.pcap",
                            [this](Bytes frame, std::chrono::nanoseconds arrived) {
                              return n4_messages_.take(frame, arrived);
                            });
  if (!n4) return fail(n4.error());
  n4_ = std::move(*n4);
  const Inside inside(spaces_.ran);
  auto n3 = Recorder::start("gnb0", directory_ + "/n3.pcap");
  if (!n3) return fail(n3.error());
  n3_ = std::move(*n3);
  return {};
}

Result<void> NamespacePath::start_upf(DemoWorld& world) {
  const std::string config = directory_ + "/upf.yaml";
  const std::string gateway(edge_ == Edge::with ? live_server_address : std::string_view());
  if (auto written = write_file(config, live_upf_config(gateway)); !written) return written;
  auto started = child(spaces_.core, {own_program(), "upf", "-c", config}, "upf");
  if (!started) return fail(started.error());
  upf_ = std::move(*started);
  if (auto ready = world.ready(*upf_, "the UPF"); !ready) return fail(ready.error());
  auto api = world.client_of(std::string(upf_url));
  if (!api) return fail(api.error());
  upf_api_ = std::move(*api);
  return {};
}

Result<void> NamespacePath::start_ran(DemoWorld& world, const CellTerms& begin) {
  const std::string config = directory_ + "/gnb.yaml";
  if (auto written = write_file(config, live_gnb_config(begin)); !written) return written;
  auto gnb = child(spaces_.ran, {own_program(), "gnb", "-c", config}, "gnb");
  if (!gnb) return fail(gnb.error());
  gnb_ = std::move(*gnb);
  if (auto ready = world.ready(*gnb_, "the gNB"); !ready) return fail(ready.error());
  auto api = world.client_of(std::string(gnb_url));
  if (!api) return fail(api.error());
  gnb_api_ = std::move(*api);
  auto ue = child(
      spaces_.ue,
      {own_program(), "ue", "--gnb", fmt::format("{}:2153", live_air_address), "--name", "ue1"},
      "ue");
  if (!ue) return fail(ue.error());
  ue_ = std::move(*ue);
  if (auto ready = world.ready(*ue_, "the UE"); !ready) return fail(ready.error());
  return {};
}

Result<void> NamespacePath::registered(DemoWorld& world) {
  json::Value last;
  const bool established = world.ask_until(
      world.net(), "/netsim-control/v1/ues/ue1/pdu-session",
      [&](const json::Value& answer) {
        last = answer;
        return text_in(answer, "state") == "ESTABLISHED";
      },
      patience);
  if (established) return {};
  return fail(Errc::timeout, fmt::format("the PDU session of ue1 is {}", json::to_text(last)));
}

Result<void> NamespacePath::start_eas(DemoWorld& world) {
  auto started = child(
      spaces_.server,
      {own_program(), "eas", "--in", "127.0.0.1:0", "--to",
       fmt::format("{}:{}", live_ue_address, live_video_port), "--keys", directory_ + "/live.keys"},
      "eas");
  if (!started) return fail(started.error());
  eas_ = std::move(*started);
  const auto ready = world.ready(*eas_, "the marking");
  if (!ready) return fail(ready.error());
  eas_in_ = ready->front();
  return {};
}

/// The first packets to a next hop are lost for want of its address; these are not the video's.
Result<void> NamespacePath::warm_up(DemoWorld& world) {
  auto heard = UdpProbe::open(spaces_.ue, std::string(live_ue_address), live_video_port);
  if (!heard) return fail(heard.error());
  auto speaks = UdpProbe::open(spaces_.server, "127.0.0.1", 0);
  if (!speaks) return fail(speaks.error());
  const bool through = wait_until(
      world,
      [&] {
        speaks->send_to(eas_in_, "warm");
        return heard->received();
      },
      patience);
  if (!through) return fail(Errc::timeout, "no datagram came from the server to the UE");
  return {};
}

// ---- a pass -----------------------------------------------------------------------------------

Result<void> NamespacePath::set_cell(const PassTerms& terms) {
  const std::string rate = model::format_bit_rate(terms.rate);
  const std::string body =
      fmt::format(R"({{"rate":"{}","scheduler":"{}","policy":"{}"}})", rate,
                  terms.pdu_sets ? "by_flow" : "plain", terms.pdu_sets ? "threshold" : "taildrop");
  note("operator", "gnb", fmt::format("PUT /status/gnb/cell {}", body), {});
  const Inside inside(spaces_.ran);
  if (const auto done = gnb_api_->call("PUT", "/status/gnb/cell", body); !done)
    return fail(done.error());
  return {};
}

Result<json::Value> NamespacePath::gnb_status() {
  const Inside inside(spaces_.ran);
  return gnb_api_->ask("GET", "/status/gnb");
}

void NamespacePath::settle(DemoWorld& world) {
  wait_until(
      world,
      [&] {
        const auto status = gnb_status();
        return status && is_settled(*status);
      },
      drained_within);
}

Result<PassFigures> NamespacePath::totals(std::int64_t qfi) {
  const auto status = gnb_status();
  if (!status) return fail(status.error());
  PassFigures sum;
  if (const json::Value* flows = status->find("flows"); flows && flows->array())
    for (const auto& flow : *flows->array()) {
      if (number_in(flow, "qfi") != static_cast<std::uint64_t>(qfi)) continue;
      sum.packets += number_in(flow, "received");
      sum.delivered += number_in(flow, "delivered");
      sum.sets += number_in(flow, "sets");
      sum.sets_delivered += number_in(flow, "sets_delivered");
    }
  const Inside inside(spaces_.ue);
  sum.receiver_losses = socket_losses();
  return sum;
}

/// An unmodified player, as far as the network can tell: it decodes what comes and keeps the
/// pictures without loss. It ends by itself within the tail of the clip.
Result<ChildProcess> NamespacePath::start_receiver(DemoWorld& world, const Clip& clip,
                                                   const std::string& file) {
  const std::string description = directory_ + "/session.sdp";
  if (auto written = write_file(
          description, session_description(std::string(live_server_address), live_video_port));
      !written)
    return fail(written.error());
  std::vector<std::string> words;
  const auto add = [&](std::string_view text) {
    for (const auto word : split(text, ' ')) words.emplace_back(word);
  };
  add("ffmpeg -v error -nostdin -y -protocol_whitelist file,udp,rtp -buffer_size 4194304 -copyts");
  words.insert(words.end(), {"-i", description});
  add(fmt::format("-an -t {:.3f} -fps_mode passthrough -enc_time_base 1:90000",
                  clip.judged_seconds() + clip_tail_seconds / 2));
  add("-c:v ffvhuff -avoid_negative_ts disabled -f nut");
  words.push_back(file);
  auto receiver = child(spaces_.ue, words, "receiver");
  if (!receiver) return receiver;
  const bool listens = wait_until(
      world,
      [&] {
        const Inside inside(spaces_.ue);
        return is_bound(live_video_port);
      },
      patience);
  if (!listens) return fail(Errc::timeout, "the receiver does not listen; see receiver.log");
  return receiver;
}

Result<void> NamespacePath::send(DemoWorld& world, const Clip& clip) {
  auto sender = child(
      spaces_.server,
      {"ffmpeg", "-v", "error", "-nostdin", "-re", "-i", clip.file, "-c", "copy", "-f", "rtp",
       "-payload_type", "96", fmt::format("rtp://{}?pkt_size={}", eas_in_, clip_rtp_bytes_max)},
      "sender");
  if (!sender) return fail(sender.error());
  const auto at_most =
      patience + std::chrono::milliseconds(static_cast<std::int64_t>(clip.seconds_sent * 1000));
  std::optional<int> ended;
  wait_until(world, [&] { return (ended = sender->wait(0ms)).has_value(); }, at_most);
  if (world.interrupted()) return fail(Errc::unavailable, "interrupted");
  if (!ended) return fail(Errc::timeout, "the sender does not end; see sender.log");
  if (*ended != 0) return fail(Errc::refused, "the sender failed; see sender.log");
  return {};
}

Result<PassFigures> NamespacePath::play(DemoWorld& world, const Clip& clip,
                                        const PassTerms& terms) {
  if (auto done = set_cell(terms); !done) return fail(done.error());
  settle(world);
  const auto before = totals(terms.qfi);
  if (!before) return fail(before.error());
  const std::string file = fmt::format("{}/received-{}.nut", directory_, terms.name);
  auto receiver = start_receiver(world, clip, file);
  if (!receiver) return fail(receiver.error());
  note("ffmpeg sends", "eas", fmt::format("RTP, {:.1f} s of H.264", clip.seconds_sent), "RFC 6184");
  note("eas", "upf", "the same, marked in a UDP option", "RFC 9868; TS 26.522 clause 4.2");
  note("upf", "gnb", "G-PDUs with PDU Set Information", "TS 38.415 clause 5.5.2");
  if (auto sent = send(world, clip); !sent) return fail(sent.error());
  settle(world);
  // The loop runs meanwhile: the application has to answer its notifications.
  const auto ended = [&] { return receiver->wait(0ms).has_value(); };
  if (!wait_until(world, ended, settled_within)) {
    receiver->signal(SIGINT);
    wait_until(world, ended, settled_within);
  }
  const auto after = totals(terms.qfi);
  if (!after) return fail(after.error());
  PassFigures pass{.received_file = file,
                   .packets = after->packets - before->packets,
                   .delivered = after->delivered - before->delivered,
                   .sets = after->sets - before->sets,
                   .sets_delivered = after->sets_delivered - before->sets_delivered,
                   .receiver_losses = after->receiver_losses - before->receiver_losses};
  note("gnb", "ue", fmt::format("{} of {} packets", pass.delivered, pass.packets),
       "TS 23.501 clause 5.37.5");
  note("ue", "ffmpeg receives", "what is left of the video", {});
  return pass;
}

// ---- the end ----------------------------------------------------------------------------------

std::vector<std::string> NamespacePath::leftovers(DemoWorld& world) {
  std::vector<std::string> left;
  const bool no_session = world.ask_until(
      *upf_api_, "/status/upf",
      [](const json::Value& status) { return number_in(status, "n4.sessions") == 0; }, patience);
  if (!no_session) left.emplace_back("a session at the UPF");
  const bool no_gnb = world.ask_until(
      world.net(), "/netsim-control/v1/gnbs",
      [](const json::Value& answer) {
        const json::Value* gnbs = answer.find("gnbs");
        return gnbs && gnbs->array() && gnbs->array()->empty();
      },
      patience);
  if (!no_gnb) left.emplace_back("a gNB at netsim");
  const auto session = world.net().exchange("GET", "/netsim-control/v1/ues/ue1/pdu-session");
  if (!session || session->status != 404) left.emplace_back("a PDU session at netsim");
  return left;
}

Result<ChildProcess> NamespacePath::start_at_ue(const std::vector<std::string>& words,
                                                const std::string& log_file) {
  const Inside inside(spaces_.ue);
  return start_own(words, log_file);
}

/// In the order in which they depend on each other; then what the kernel still has.
std::string NamespacePath::end(DemoWorld& world) {
  std::vector<std::string> left;
  eas_.reset();
  ue_.reset();
  gnb_.reset();
  if (upf_ && upf_api_) left = leftovers(world);
  upf_.reset();
  for (auto* recorder : {&n6_, &n3_, &n4_}) {
    if (!*recorder) continue;
    const auto frames = (*recorder)->stop();
    if (!frames) left.push_back(frames.error().detail);
    if (recorder == &n6_) n6_frames_ = frames.value_or(0);
    if (recorder == &n3_) n3_frames_ = frames.value_or(0);
    recorder->reset();
  }
  if (packet_sockets() > 0) left.emplace_back("a packet socket in the core");
  struct Expected {
    const NetworkNamespace& space;
    std::string_view name;
    std::vector<std::string> links;
    bool empty;  ///< nobody is in it any more
  };
  const bool edge = edge_ == Edge::with;
  const auto in_server =
      edge ? std::vector<std::string>{"dn0", "edge1"} : std::vector<std::string>{"dn0"};
  const auto in_core =
      edge ? std::vector<std::string>{"edge0", "n3", "n6"} : std::vector<std::string>{"n3", "n6"};
  for (const auto& [space, name, links, empty] :
       {Expected{spaces_.server, "server", in_server, true},
        Expected{spaces_.core, "core", in_core, false},
        Expected{spaces_.ran, "ran", {"air0", "gnb0"}, true},
        Expected{spaces_.ue, "ue", {"air1"}, true}}) {
    if (empty && processes_in(space) > 0)
      left.push_back(fmt::format("a process in the namespace {}", name));
    const Inside inside(space);
    if (interfaces() != links)
      left.push_back(fmt::format("an interface in the namespace {}", name));
  }
  std::string said;
  for (const auto& one : left) said += (said.empty() ? "" : ", ") + one;
  return said;
}

std::vector<adapters::trace::SeenMessage> NamespacePath::messages() const {
  auto all = notes_;
  for (const auto& message : n4_messages_.messages()) {
    const bool by_smf = message.from == live_smf_address;
    all.push_back({.at = Instant(std::chrono::floor<std::chrono::microseconds>(message.at)),
                   .from = by_smf ? "netsim" : "upf",
                   .to = by_smf ? "upf" : "netsim",
                   .span = {},
                   .trace = {},
                   .text = message.text,
                   .clause = "TS 29.244 clause 7",
                   .body = {},
                   .request = message.request,
                   .seen_by = {"demo"},
                   .took = {}});
  }
  return all;
}

std::vector<std::pair<std::string, double>> NamespacePath::figures() const {
  return {{"n6_frames_captured", static_cast<double>(n6_frames_)},
          {"n3_frames_captured", static_cast<double>(n3_frames_)}};
}

}  // namespace lobo::app
