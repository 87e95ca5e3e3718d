#include "demo_live_acts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/bottleneck.hpp"
#include "demo_live/clip.hpp"
#include "demo_live/drawings.hpp"
#include "demo_live/viewing.hpp"
#include "demo_live_configs.hpp"
#include "demo_live_path.hpp"
#include "demo_live_sequence.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"
#include "json_rows.hpp"
#include "toolbox/base64.hpp"
#include "toolbox/congestion_run.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions";
constexpr auto patience = 20'000ms;
constexpr auto queue_time = 250ms;  ///< of the video at the congested rate
/// A cell that is well carries so many times the video.
constexpr std::uint64_t room_factor = 10;

double seconds_since(SteadyTime since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

}  // namespace

bool LiveActs::step(std::string name, std::string clause, bool ok, std::string detail) {
  return tell_step(report_, {std::move(name), std::move(clause), ok, real(), std::move(detail)},
                   "memory");
}

BitsPerSecond LiveActs::congested() const {
  return {static_cast<std::uint64_t>(static_cast<double>(clip_->rate.count) /
                                     (1 + settings_.overload_percent / 100)) +
          settings_.beside.count};
}

BitsPerSecond LiveActs::roomy() const { return {clip_->rate.count * room_factor}; }

void LiveActs::video_is_encoded() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  auto clip = make_clip(settings_.clip, settings_.directory, {});
  if (!clip) {
    step("video is encoded", "ITU-T H.264", false, clip.error().detail);
    return;
  }
  clip_.emplace(std::move(*clip));
  figure("frames", static_cast<double>(clip_->times.size()));
  figure("offered_bits_per_second", static_cast<double>(clip_->rate.count));
  step("video is encoded once, so that each pass sends the same bits", "ITU-T H.264 (x264)", true,
       fmt::format("{} pictures, {:.3g} a second, {:.2f} Mbps as RTP; encoded in {:.1f} s",
                   clip_->coded.pictures.size(), clip_->frames_per_second,
                   static_cast<double>(clip_->rate.count) / 1e6, seconds_since(begin)));
}

void LiveActs::programs_start() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  world_.emplace(settings_.directory, path_.network_config(*clip_));
  constexpr std::string_view name = "the network and the server start, the UE registers";
  constexpr std::string_view clause = "TS 23.501 clause 4.2.3; TS 29.244 clause 6.2.6 (N4)";
  if (const auto started = world_->start(); !started) {
    step(std::string(name), std::string(clause), false, started.error().detail);
    return;
  }
  const auto done =
      path_.start(*world_, *clip_,
                  {.rate = roomy(), .queue_bytes = dataplane::bytes_in(congested(), queue_time)});
  figure("start_seconds", seconds_since(begin));
  step(std::string(name), std::string(clause), done.has_value(),
       done ? *done : done.error().detail);
}

void LiveActs::application_asks() {
  const SteadyTime begin = std::chrono::steady_clock::now();
  const auto answer =
      world_->nrm().exchange("POST", collection, live_request(world_->notify_uri("ue1")));
  std::string said;
  bool enforced = false;
  if (!answer) {
    said = answer.error().detail;
  } else if (answer->status != 201) {
    said = error_of(*answer).detail;
  } else {
    const std::string_view location = answer->headers.find("location").value_or("");
    resource_ = fmt::format("{}/{}", collection, location.substr(location.rfind('/') + 1));
    json::Value last;
    enforced = world_->ask_until(
        world_->nrm(), resource_,
        [&](const json::Value& now) {
          last = now;
          const json::Value* state = find_path(now, "uniQosState.userPlane");
          return state && state->text() && *state->text() == "enforced";
        },
        patience);
    figure("enforced_ms", seconds_since(begin) * 1000);
    const json::Value* state = find_path(last, "uniQosState.userPlane");
    said = fmt::format("the user plane of the resource is {}; QoS flow {} has PDU Set QoS",
                       state && state->text() ? *state->text() : "not told", qfi());
  }
  step("the application asks for PDU Set QoS and the packets of its flow get it",
       "TS 23.434 clause 14.3.3.3.2; TS 29.122 clause 5.14 (pduSetQosDl, protoDescDl); TS 29.244 "
       "clause 5.38",
       enforced, said);
}

/// Of the video's flow at netsim; 0 where there is none.
std::int64_t LiveActs::qfi() {
  const auto session = world_->net().ask("GET", "/netsim-control/v1/ues/ue1/pdu-session");
  const json::Value* flows = session ? session->find("qosFlows") : nullptr;
  if (!flows || !flows->array()) return 0;
  for (const auto& flow : *flows->array())
    if (const json::Value* number = flow.find("qfi"); number && flow.find("pduSetQosDl"))
      return number->integer().value_or(0);
  return 0;
}

bool LiveActs::play_pass(PassTerms terms, std::string words, std::string name) {
  terms.qfi = qfi();
  auto played = path_.play(*world_, *clip_, terms);
  const bool ok = played.has_value() && played->packets > 0;
  step(std::move(name),
       terms.pdu_sets ? "TS 23.501 clause 5.37.5; TS 38.415 clause 5.5.2" : "TS 23.501 clause 5.7",
       ok,
       !played.has_value()
           ? played.error().detail
           : fmt::format("a cell of {:.2f} Mbps delivered {} of {} packets, {} of "
                         "{} PDU Sets whole",
                         static_cast<double>(terms.rate.count) / 1e6, played->delivered,
                         played->packets, played->sets_delivered, played->sets));
  if (ok)
    passes_.push_back({.terms = std::move(terms),
                       .words = std::move(words),
                       .figures = std::move(*played),
                       .viewing = {}});
  return ok;
}

void LiveActs::plain() {
  heard_before_ = world_->heard().size();
  narrowed_ = std::chrono::steady_clock::now();
  play_pass({.name = "plain", .rate = congested(), .pdu_sets = false}, "plain scheduling",
            "the cell is congested: the video with plain scheduling");
}

void LiveActs::with_sets() {
  play_pass({.name = "pdu-sets", .rate = congested(), .pdu_sets = true}, "PDU-Set handling",
            "the same video, rate and queue with PDU-Set handling");
}

void LiveActs::guarantee_is_broken() {
  const auto news = world_->wait_for("ue1", "QOS_NOT_GUARANTEED", heard_before_, patience);
  const double after = news ? std::chrono::duration<double>(news->at - narrowed_).count() : 0;
  if (news && real()) figure("qos_not_guaranteed_after_seconds", after);
  step("the guarantee is not held, and the application is told",
       "TS 38.413 clause 8.2.4 (stand-in); TS 29.122 clause 5.14.2.1.6, QOS_NOT_GUARANTEED",
       news.has_value(),
       !news    ? "no QOS_NOT_GUARANTEED came"
       : real() ? fmt::format("QOS_NOT_GUARANTEED came {:.1f} s after the cell narrowed, of which "
                              "the gNB watched two",
                              after)
                : "QOS_NOT_GUARANTEED came, over real HTTP, for what was seen in virtual time");
}

void LiveActs::well_again() {
  const std::size_t since = world_->heard().size();
  if (!play_pass({.name = "well", .rate = roomy(), .pdu_sets = true}, "cell well again",
                 "the cell is well again: the same video once more"))
    return;
  const auto news = world_->wait_for("ue1", "QOS_GUARANTEED", since, patience);
  if (!news) report_.steps.back().ok = false;
  step("the application is told that the guarantee holds again",
       "TS 29.122 clause 5.14.2.1.6, QOS_GUARANTEED", news.has_value(),
       news ? "QOS_GUARANTEED came" : "no QOS_GUARANTEED came");
}

void LiveActs::released() {
  const auto gone = world_->nrm().call("DELETE", resource_);
  std::string left = gone ? std::string() : gone.error().detail;
  const bool empty = world_->ask_until(
      world_->net(), "/netsim-control/v1/summary",
      [](const json::Value& answer) {
        const json::Value* sessions = answer.find("sessionsWithQos");
        const json::Value* monitors = answer.find("monitoringSubscriptions");
        return sessions && sessions->integer() == 0 && monitors && monitors->integer() == 0;
      },
      patience);
  if (!empty) left += (left.empty() ? "" : ", ") + std::string("a session with QoS at netsim");
  const std::int64_t flow = qfi();
  if (flow != 0) left += (left.empty() ? "" : ", ") + fmt::format("QoS flow {}", flow);
  const std::string on_path = path_.end(*world_);
  ended_ = true;
  if (!on_path.empty()) left += (left.empty() ? "" : ", ") + on_path;
  figure("left_behind", left.empty() ? 0 : 1);
  step("the application releases it, and nothing is left in network, UPF and kernel",
       "TS 29.122 clause 5.14.3.3.5 (DELETE); TS 29.244 clauses 6.3.4 and 6.2.8", left.empty(),
       !left.empty() ? "left: " + left
       : real()      ? "no session with QoS, QoS flow, PFCP session, gNB, tunnel device, packet "
                       "socket or process"
                     : "no session with QoS, QoS flow, PFCP session or gNB");
}

void LiveActs::evaluated() {
  for (auto& pass : passes_) {
    auto viewing = view(*clip_, pass.figures.received_file);
    if (!viewing) {
      step("the receiver's pictures are compared", "own", false, viewing.error().detail);
      return;
    }
    pass.viewing = std::move(*viewing);
  }
  const double before = passes_[0].viewing.share(Verdict::exact);
  const double after = passes_[1].viewing.share(Verdict::exact);
  const double well = passes_[2].viewing.share(Verdict::exact);
  for (const auto& [name, pass] :
       {std::pair{"plain", &passes_[0]}, {"pdu_sets", &passes_[1]}, {"well", &passes_[2]}}) {
    figure(fmt::format("bit_exact_{}", name), pass->viewing.share(Verdict::exact));
    figure(fmt::format("damaged_{}", name), pass->viewing.share(Verdict::damaged));
    figure(fmt::format("lost_{}", name), pass->viewing.share(Verdict::lost));
    figure(fmt::format("packets_{}", name), static_cast<double>(pass->figures.packets));
    figure(fmt::format("packets_delivered_{}", name), static_cast<double>(pass->figures.delivered));
    figure(fmt::format("sets_{}", name), static_cast<double>(pass->figures.sets));
    figure(fmt::format("sets_delivered_{}", name),
           static_cast<double>(pass->figures.sets_delivered));
    figure(fmt::format("longest_freeze_ms_{}", name),
           static_cast<double>(longest_freeze(pass->viewing.verdicts)) * 1000 /
               clip_->frames_per_second);
    figure(fmt::format("receiver_socket_losses_{}", name),
           static_cast<double>(pass->figures.receiver_losses));
  }
  figure("overload_percent", settings_.overload_percent);
  figure("cell_bits_per_second", static_cast<double>(congested().count));
  const bool better = settings_.clip.video.empty() ? after > before : after >= before;
  step("the receiver's pictures are held against the pictures that were sent, bit for bit", "own",
       better,
       fmt::format("bit-exact at {:.0f} % overload: {:.1f} % of {} frames with plain scheduling, "
                   "{:.1f} % with PDU-Set handling{}; {:.1f} % when the cell was well",
                   settings_.overload_percent, before * 100, clip_->times.size(), after * 100,
                   before > 0 ? fmt::format(", {:.1f} times as many", after / before) : "",
                   well * 100));
  pictures();
}

std::vector<DrawnPass> LiveActs::drawn() const {
  std::vector<DrawnPass> all;
  for (const auto& pass : passes_)
    all.push_back(
        {.name = pass.words,
         .note = fmt::format("{:.2f} Mbps", static_cast<double>(pass.terms.rate.count) / 1e6),
         .viewing = &pass.viewing});
  return all;
}

void LiveActs::pictures() {
  const auto pair = same_instant(*clip_, passes_[0].viewing, passes_[1].viewing);
  if (!pair) {
    step("pictures of one instant", "own", false, pair.error().detail);
    return;
  }
  const auto passes = drawn();
  const std::string timeline = live_timeline_svg(*clip_, passes);
  if (const auto written = write_file(settings_.directory + "/timeline.svg", timeline); !written)
    step("the timeline is drawn", "own", false, written.error().detail);
  if (*pair)
    for (const auto& [name, bytes] :
         {std::pair{"before.png", &(*pair)->before_png}, {"after.png", &(*pair)->after_png}}) {
      auto sink = adapters::ByteSink::open(fmt::format("{}/{}", settings_.directory, name));
      if (sink) sink->write(*bytes);
      if (!sink || !sink->close())
        step("pictures of one instant", "own", false, fmt::format("cannot write {}", name));
    }
  report_.lead = live_lead_html(*pair, settings_.overload_percent, passes);
  // As a picture of its own: its colours and the page's know nothing of each other.
  report_.lead += fmt::format(
      "<h2>Every frame</h2>\n<div class=\"wide\"><img style=\"max-width:100%\" alt=\"each frame "
      "of each pass\" src=\"data:image/svg+xml;base64,{}\"></div>\n",
      base64(std::as_bytes(std::span(timeline))));
}

void LiveActs::draw(std::vector<adapters::trace::SeenMessage> more) {
  std::ranges::move(path_.messages(), std::back_inserter(more));
  auto run = live_sequence(settings_.directory + "/trace", std::move(more));
  if (!run || run->messages.empty()) return;
  if (const auto latency = notice_to_notification(*run)) {
    figure("notice_to_notification_ms", *latency);
    report_.latencies.emplace_back("QOS_NOT_GUARANTEED", *latency);
  }
  (void)write_file(settings_.directory + "/trace.mmd", adapters::trace::to_mermaid(*run));
  report_.sequence = arrows_of(*run);
  figure("messages", static_cast<double>(run->messages.size()));
  for (const auto& [name, value] : path_.figures()) figure(name, value);
}

void LiveActs::end() {
  if (!world_) return;
  if (!std::exchange(ended_, true)) (void)path_.end(*world_);
  world_->end();
}

}  // namespace lobo::app
