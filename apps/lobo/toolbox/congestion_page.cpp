#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/bottleneck.hpp"
#include "toolbox/base64.hpp"
#include "toolbox/congestion.hpp"
#include "toolbox/congestion_report.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d5dde5; --paper: #ffffff;
        --good: #00795a; --card: #f5f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf0; --soft: #9fb0c0; --line: #36434f; --paper: #151b21; --good: #55c9a4; --card: #1d252d; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       margin: 2.5rem auto; max-width: 62rem; padding: 0 1.2rem }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem } h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem }
p.sub { color: var(--soft); margin: 0 0 1.6rem } svg { max-width: 100%; height: auto }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem } figure { margin: 0 }
@media (max-width: 44rem) { .pair { grid-template-columns: 1fr } }
.pair img { width: 100%; display: block; border-radius: 6px; border: 1px solid var(--line) }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .4rem } figcaption b { color: var(--ink) }
.numbers { display: flex; gap: 1rem; flex-wrap: wrap; margin: 1.4rem 0 }
.numbers div { background: var(--card); border-radius: 8px; padding: .8rem 1.2rem; flex: 1 1 10rem }
.numbers b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.numbers .good b { color: var(--good) } .numbers span { color: var(--soft); font-size: .9rem }
table { border-collapse: collapse } th, td { padding: .35rem .9rem .35rem 0; text-align: right; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap } th { color: var(--soft); font-weight: 600 } th:first-child, td:first-child { text-align: left }
.pair + p.sub { margin-top: .8rem } .wide { overflow-x: auto } li { margin: .25rem 0 } code { font-size: .92em }
)";

std::string_view words(Contender contender) {
  switch (contender) {
    case Contender::taildrop: return "tail drop";
    case Contender::psihi: return "rest of a broken set dropped (<code>psihi</code>)";
    case Contender::evict: return "whole sets evicted by importance (<code>evict</code>)";
    case Contender::threshold: return "queue shared by importance (<code>threshold</code>)";
    case Contender::oracle: return "frames chosen with the future known";
  }
  std::abort();
}

std::string pictures_html(const CongestionOutcome& outcome) {
  if (outcome.pictures.empty())
    return "<p>Tail drop left every frame that the other policy showed as it was: there is no "
           "instant to compare.</p>";
  const auto& pictures = outcome.pictures.front();
  const double seconds = static_cast<double>(pictures.instant.presentation) / rtp_clock_hz;
  return fmt::format(
      "<div class=\"pair\"><figure><img alt=\"tail drop\" "
      "src=\"data:image/jpeg;base64,{0}\"><figcaption><b>Tail drop.</b> {1}</figcaption></figure>\n"
      "<figure><img alt=\"PDU-Set handling\" src=\"data:image/jpeg;base64,{2}\"><figcaption>"
      "<b>PDU-Set handling.</b> Bit for bit the picture that was "
      "sent.</figcaption></figure></div>\n"
      "<p class=\"sub\">The same instant ({3:.2f} s), the same link, the same queue, {4} % "
      "overload. "
      "Of all instants this one shows best what went wrong.</p>",
      base64(pictures.before_jpeg),
      pictures.instant.frozen
          ? "The picture stands still: this is an older one."
          : "Decoded without the references that were dropped: it lags behind and is scarred.",
      base64(pictures.after_jpeg), seconds, shown_overload_percent);
}

std::string table_html(const CongestionOutcome& outcome) {
  std::string text = "<div class=\"wide\"><table><tr><th>Bit-exact frames</th>";
  for (const unsigned percent : overload_percents) text += fmt::format("<th>{} %</th>", percent);
  text += "<th>freeze*</th><th>PSNR*</th><th>useful bytes*</th></tr>\n";
  for (const auto contender : contenders) {
    text += fmt::format("<tr><td>{}</td>", words(contender));
    for (const unsigned percent : overload_percents)
      text += fmt::format("<td>{:.1f} %</td>", outcome.run(percent, contender).exact_share() * 100);
    const auto& run = outcome.run(shown_overload_percent, contender);
    text += fmt::format("<td>{:.0f} ms</td><td>{:.1f} dB</td><td>{:.0f} %</td></tr>\n",
                        static_cast<double>(longest_freeze(run.verdicts)) * 1000 /
                            outcome.stream.frames_per_second(),
                        run.psnr_db.value_or(0),
                        run.bytes_delivered == 0 ? 0.0
                                                 : 100 * static_cast<double>(run.bytes_useful) /
                                                       static_cast<double>(run.bytes_delivered));
  }
  text += "<tr><td>upper bound</td>";
  for (const unsigned percent : overload_percents)
    text += fmt::format("<td>{:.1f} %</td>",
                        100 * static_cast<double>(outcome.run(percent, Contender::oracle).bound) /
                            static_cast<double>(outcome.stream.frames.size()));
  return text + fmt::format(
                    "<td></td><td></td><td></td></tr></table></div>\n<p class=\"sub\">* at {} % "
                    "overload: the "
                    "longest time without a new picture, what was seen next to what was sent, and "
                    "the share of what the link "
                    "delivered that belongs to bit-exact frames.</p>\n",
                    shown_overload_percent);
}

std::string recipe_html(const CongestionOutcome& outcome) {
  const auto& video = outcome.settings.video;
  const auto link = link_of(outcome.stream, shown_overload_percent);
  return fmt::format(
      "<ul><li><b>Real:</b> {0}, encoded by {1} at {2} kbit/s ({3:.4g} frames a second, a group of "
      "pictures every {4} frames, {5} B frames between with one of them a reference), cut into "
      "{6} RTP packets of at most {7} bytes of payload and marked in the RTP header extension "
      "<code>urn:3gpp:pdu-set-marking:rel-18</code>; decoded by ffmpeg.</li>\n"
      "<li><b>Simulated:</b> the link. It carries the offered rate ({8:.2f} Mbit/s with headers) "
      "divided by 1 + overload: {9:.2f} Mbit/s at {10} %. Its queue holds {11} ms ({12} bytes "
      "there); a PDU Set has {13} ms from its first packet (PSDB). Rate and queue are the same for "
      "every policy.</li>\n"
      "<li><b>Importance (PSI):</b> I frames and parameter sets 1, P 2, B that others need 4, "
      "other "
      "B 8.</li>\n"
      "<li><b>Bit-exact:</b> the decoded picture has the MD5 of the picture that the undisturbed "
      "stream gives at the same time. Only slices of which every packet arrived in time are given "
      "to "
      "the decoder.</li>\n"
      "<li><b>Upper bound:</b> the most frames that any policy could bring through this link and "
      "queue, with the future known and only the certain dependencies asked for; the true best may "
      "be lower. <i>Frames chosen with the future known</i> is a choice that can be done, sent "
      "through the same link and decoded.</li></ul>\n",
      video.input.empty() ? fmt::format("ffmpeg's {} picture at {}x{} with noise of seed {}",
                                        video.picture, video.width, video.height, video.seed)
                          : "a video file",
      video.codec == rtp::VideoCodec::h264 ? "x264" : "x265", video.kilobits_per_second,
      outcome.stream.frames_per_second(), video.pictures_per_group, video.b_pictures,
      outcome.stream.packets.size(), congestion_payload_bytes,
      static_cast<double>(outcome.stream.rate().count) / 1e6,
      static_cast<double>(link.rate.count) / 1e6, shown_overload_percent,
      congestion_queue_time.count(), dataplane::bytes_in(link.rate, link.queue_time),
      congestion_delay_budget.count());
}

}  // namespace

std::string congestion_page(const CongestionOutcome& outcome) {
  const double tail = outcome.run(shown_overload_percent, Contender::taildrop).exact_share() * 100;
  const double after =
      outcome.run(shown_overload_percent, Contender::threshold).exact_share() * 100;
  const double bound =
      100 * static_cast<double>(outcome.run(shown_overload_percent, Contender::oracle).bound) /
      static_cast<double>(outcome.stream.frames.size());
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>Lobodon demo: congestion</title><style>{0}</style>"
      "</head>\n<body><h1>What PDU Set marking is worth on a congested link</h1>\n"
      "<p class=\"sub\">{1} frames of real video through the same bottleneck and the same queue, "
      "under four policies.</p>\n{2}\n"
      "<div class=\"numbers\"><div><b>{3:.1f} %</b><span>of the frames bit-exact under tail drop "
      "at "
      "{4} % overload</span></div><div class=\"good\"><b>{5:.1f} %</b><span>under PDU-Set "
      "handling: "
      "{6}</span></div><div><b>{7:.1f} %</b><span>upper bound for any policy</span></div></div>\n"
      "<h2>By overload</h2>\n<div class=\"wide\">{8}</div>\n"
      "<h2>Every frame</h2>\n<div class=\"wide\">{9}</div>\n"
      "<h2>Figures</h2>\n{10}\n<h2>How it was made</h2>\n{11}</body></html>\n",
      style, outcome.stream.frames.size(), pictures_html(outcome), tail, shown_overload_percent,
      after,
      tail > 0 ? fmt::format("{:.1f} times as many", after / tail) : "none were exact before",
      bound, shares_svg(outcome), timeline_svg(outcome), table_html(outcome), recipe_html(outcome));
}

}  // namespace lobo::app
