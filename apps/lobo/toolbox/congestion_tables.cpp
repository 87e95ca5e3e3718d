#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "toolbox/congestion.hpp"
#include "toolbox/congestion_report.hpp"
#include "toolbox/congestion_run.hpp"

namespace lobo::app {
namespace {

double milliseconds_a_frame(const CongestionOutcome& outcome) {
  return 1000.0 / outcome.stream.frames_per_second();
}

std::size_t count(const RunResult& run, Verdict verdict) {
  return static_cast<std::size_t>(std::ranges::count(run.verdicts, verdict));
}

double goodput(const RunResult& run) {
  return run.bytes_delivered == 0
             ? 0
             : static_cast<double>(run.bytes_useful) / static_cast<double>(run.bytes_delivered);
}

/// `[a, b, c, d]` of one figure, overload by overload.
template <class Figure>
std::string row(const CongestionOutcome& outcome, Contender contender, Figure&& figure) {
  std::string text;
  for (const unsigned percent : overload_percents)
    text +=
        fmt::format("{}{:.4g}", text.empty() ? "" : ", ", figure(outcome.run(percent, contender)));
  return "[" + text + "]";
}

template <class Figure>
std::string figures(const CongestionOutcome& outcome, Figure&& figure, bool with_oracle) {
  std::string text;
  for (const auto contender : contenders)
    if (with_oracle || contender != Contender::oracle)
      text += fmt::format("{}\n    \"{}\": {}", text.empty() ? "" : ",", to_string(contender),
                          row(outcome, contender, figure));
  return "{" + text + "}";
}

std::string psnr_text(const RunResult& run) {
  return run.psnr_db ? fmt::format("{:.2f}", *run.psnr_db) : "";
}

/// "policy": dB of each contender that was measured.
std::string psnr_figures(const CongestionOutcome& outcome) {
  std::string text;
  for (const auto contender : contenders) {
    const auto& run = outcome.run(shown_overload_percent, contender);
    if (run.psnr_db)
      text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ",
                          contender == Contender::oracle ? "oracle_sent" : to_string(contender),
                          psnr_text(run));
  }
  return text;
}

}  // namespace

std::string congestion_summary(const CongestionOutcome& outcome) {
  const auto frames = static_cast<double>(outcome.stream.frames.size());
  struct Step {
    std::string_view name;
    std::string_view clause;
    bool ok;
    bool real;
  };
  const bool sound = outcome.sound();
  std::string steps;
  for (const auto& step :
       {Step{"video is encoded and cut into RTP packets", "RFC 6184, RFC 7798", true, true},
        Step{"PDU Sets are found and marked", "TS 26.522 clause 4.2", true, true},
        Step{"the packets pass a bottleneck under each policy", "TS 23.501 clause 5.37.5", true,
             false},
        Step{"what arrived is decoded and compared, bit for bit", "own", true, true},
        Step{outcome.settings.video.input.empty()
                 ? "no policy beats the bound, and at most overload whole sets beat tail drop"
                 : "no policy beats the bound",
             "own", sound, true}})
    steps += fmt::format("{}\n  {{\"name\": \"{}\", \"clause\": \"{}\", \"ok\": {}, \"real\": {}}}",
                         steps.empty() ? "" : ",", step.name, step.clause, step.ok, step.real);
  std::string percents;
  for (const unsigned percent : overload_percents)
    percents += fmt::format("{}{}", percents.empty() ? "" : ", ", percent);
  const auto exact = [](const RunResult& run) { return run.exact_share(); };
  const auto bound = [&](const RunResult& run) { return static_cast<double>(run.bound) / frames; };
  const double tail = outcome.run(shown_overload_percent, Contender::taildrop).exact_share();
  const double after = outcome.run(shown_overload_percent, Contender::threshold).exact_share();
  return fmt::format(
      "{{\"demo\": \"congestion\", \"ok\": {}, \"steps\": [{}\n], \"figures\": {{\n"
      "  \"overload_percent\": [{}],\n  \"bit_exact\": {},\n"
      "  \"oracle_sent\": {},\n  \"goodput\": {},\n  \"longest_freeze_ms\": {},\n"
      "  \"psnr_db_at_{}\": {{{}}},\n  \"frames\": {},\n  \"packets\": {},\n  "
      "\"offered_bits_per_second\": {},\n"
      "  \"threshold_over_taildrop_at_{}\": {}\n}}}}\n",
      sound, steps, percents,
      [&] {
        auto text = figures(outcome, exact, false);
        text.pop_back();
        return text +
               fmt::format(",\n    \"oracle\": {}}}", row(outcome, Contender::oracle, bound));
      }(),
      row(outcome, Contender::oracle, exact), figures(outcome, goodput, true),
      figures(
          outcome,
          [&](const RunResult& run) {
            return static_cast<double>(longest_freeze(run.verdicts)) *
                   milliseconds_a_frame(outcome);
          },
          true),
      shown_overload_percent, psnr_figures(outcome), outcome.stream.frames.size(),
      outcome.stream.packets.size(), outcome.stream.rate().count, shown_overload_percent,
      tail > 0 ? fmt::format("{:.3g}", after / tail) : "null");
}

std::string shares_csv(const CongestionOutcome& outcome) {
  std::string text =
      "overload_percent,policy,frames,bit_exact,damaged,lost,longest_freeze_ms,pdu_sets_complete,"
      "bytes_delivered,bytes_useful,bound,psnr_db\r\n";
  for (const auto& run : outcome.runs)
    text += fmt::format(
        "{},{},{},{},{},{},{:.1f},{},{},{},{},{}\r\n", run.overload_percent,
        to_string(run.contender), run.verdicts.size(), count(run, Verdict::exact),
        count(run, Verdict::damaged), count(run, Verdict::lost),
        static_cast<double>(longest_freeze(run.verdicts)) * milliseconds_a_frame(outcome),
        run.sets_complete, run.bytes_delivered, run.bytes_useful,
        run.contender == Contender::oracle ? fmt::format("{}", run.bound) : "", psnr_text(run));
  return text;
}

std::string frames_csv(const CongestionOutcome& outcome) {
  std::string text = "overload_percent,policy,frame,time_s,verdict\r\n";
  for (const auto& run : outcome.runs)
    for (std::size_t i = 0; i < run.verdicts.size(); ++i)
      text += fmt::format("{},{},{},{:.4f},{}\r\n", run.overload_percent, to_string(run.contender),
                          i, static_cast<double>(i) * milliseconds_a_frame(outcome) / 1000,
                          to_string(run.verdicts[i]));
  return text;
}

}  // namespace lobo::app
