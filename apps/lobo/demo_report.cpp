#include "demo_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "sequence_svg.hpp"
#include "version_info.hpp"

namespace lobo::app {
namespace {

constexpr double latency_limit_ms = 1000;  ///< a degradation must be told within a second

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d5dde5; --paper: #ffffff;
        --good: #1a7f4b; --bad: #b3261e; --sim: #8a5a00; --accent: #2457a6; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaf0; --soft: #9fb0c0; --line: #36434f; --paper: #151b21; --good: #55c98c;
          --bad: #ff8a80; --sim: #e0b25a; --accent: #8ab4f8; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
       max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem }
p.sub { color: var(--soft); margin-top: 0 }
table { border-collapse: collapse; width: 100% } td { overflow-wrap: anywhere } th, td { text-align: left; vertical-align: top;
       padding: .4rem .6rem; border-bottom: 1px solid var(--line) } th { color: var(--soft); font-weight: 600 }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
.sim { color: var(--sim) } .real { color: var(--good) } td.number { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px }
table.figures { width: auto } td:first-child { white-space: nowrap } td.number { white-space: nowrap } td.state { white-space: nowrap }
svg { max-width: 100%; height: auto } .wide svg.sequence { max-width: none }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
svg .message { paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
svg .clause { font-size: 10px; fill: var(--soft) } svg .when { font-size: 10px; fill: var(--soft); text-anchor: start }
svg .party { font-weight: 600 } svg rect.party { fill: var(--paper); stroke: var(--accent) }
svg .life { stroke: var(--line) } svg .ask { stroke: var(--accent); stroke-width: 1.4 }
svg .answer { stroke: var(--soft); stroke-dasharray: 5 3 } svg path { fill: var(--accent) }
svg .bar { fill: var(--accent) } svg .limit { stroke: var(--bad); stroke-dasharray: 4 3 }
svg .left { text-anchor: start }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: 1.4rem } figure { margin: 0 }
@media (max-width: 44rem) { .pair { grid-template-columns: 1fr } }
.pair img { width: 100%; display: block; border-radius: 6px; border: 1px solid var(--line) }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .4rem } figcaption b { color: var(--ink) }
.pair + p.sub { margin-top: .8rem }
.numbers { display: flex; gap: 1rem; flex-wrap: wrap; margin: 1.4rem 0 }
.numbers div { border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1.2rem; flex: 1 1 12rem }
.numbers b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.numbers span { color: var(--soft); font-size: .9rem }
)";

std::string steps_html(const DemoReport& report) {
  std::string rows;
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    const auto& step = report.steps[i];
    rows += fmt::format(
        "<tr><td>{}</td><td>{}<br><small>{}</small></td><td>{}</td><td class=\"state "
        "{}\">{}</td><td class=\"state {}\">{}</td></tr>\n",
        i + 1, html_escaped(step.name), html_escaped(step.detail), html_escaped(step.clause),
        step.real ? "real" : "sim", step.real ? "real" : "simulated", step.ok ? "good" : "bad",
        step.ok ? "ok" : "failed");
  }
  return "<table><tr><th></th><th>Step</th><th>Clause</th><th>Network</th><th>Result</th></tr>\n" +
         rows + "</table>\n";
}

/// Whole numbers with all their digits, others with six that count.
std::string figure_text(double value) {
  constexpr double exact_max = 1e15;
  if (std::trunc(value) == value && std::abs(value) < exact_max)
    return fmt::format("{:.0f}", value);
  return fmt::format("{:g}", value);
}

/// "create_ms_max" in words, and its value with the unit: "create max" and "32.7 ms".
std::pair<std::string, std::string> figure_words(std::string_view name, double value) {
  std::string words;
  std::string unit;
  for (const auto part : split(name, '_')) {
    if (part == "ms")
      unit = " ms";
    else if (part == "seconds")
      unit = " s";
    else
      words += (words.empty() ? "" : " ") + std::string(part);
  }
  return {words, unit.empty() ? figure_text(value) : fmt::format("{:.1f}{}", value, unit)};
}

std::string figures_html(const DemoReport& report) {
  std::string rows;
  for (const auto& [name, value] : report.figures) {
    const auto [words, number] = figure_words(name, value);
    rows += fmt::format("<tr><td>{}</td><td class=\"number\">{}</td></tr>\n", html_escaped(words),
                        number);
  }
  return "<table class=\"figures\">" + rows + "</table>\n";
}

std::string latencies_svg(const DemoReport& report) {
  constexpr int left = 240;
  constexpr int width = 900;
  constexpr int row = 28;
  double longest = latency_limit_ms;
  for (const auto& [name, value] : report.latencies) longest = std::max(longest, value);
  const double scale = (width - left - 90) / longest;
  const int height = row * static_cast<int>(report.latencies.size()) + 40;
  std::string svg =
      fmt::format("<svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n", width, height);
  int y = 10;
  for (const auto& [name, value] : report.latencies) {
    svg += fmt::format(
        "<text class=\"left\" x=\"0\" y=\"{}\">{}</text><rect class=\"bar\" x=\"{}\" y=\"{}\" "
        "width=\"{:.1f}\" "
        "height=\"14\"/><text class=\"left\" x=\"{:.1f}\" y=\"{}\">{:.1f} ms</text>\n",
        y + 12, html_escaped(name), left, y, std::max(1.0, value * scale), left + value * scale + 6,
        y + 12, value);
    y += row;
  }
  const double limit = left + latency_limit_ms * scale;
  svg += fmt::format(
      "<line class=\"limit\" x1=\"{0:.1f}\" y1=\"4\" x2=\"{0:.1f}\" y2=\"{1}\"/>"
      "<text x=\"{0:.1f}\" y=\"{2}\">limit 1 s</text>\n</svg>\n",
      limit, y, y + 16);
  return svg;
}

}  // namespace

bool DemoReport::ok() const {
  return !interrupted && !steps.empty() && std::ranges::all_of(steps, &DemoStep::ok);
}

bool tell_step(DemoReport& report, DemoStep step, std::string_view otherwise) {
  std::cout << fmt::format("{:>2}. {} [{}] {}\n    {}\n    {}\n", report.steps.size() + 1,
                           step.name, step.real ? "real" : otherwise, step.ok ? "ok" : "FAILED",
                           step.clause, step.detail)
            << std::flush;
  report.steps.push_back(std::move(step));
  return report.steps.back().ok;
}

bool tell_step_in_a_line(DemoReport& report, DemoStep step) {
  std::cout << fmt::format("{}. {}: {}{}\n", report.steps.size() + 1, step.name,
                           step.ok ? "ok" : "FAILED",
                           step.detail.empty() ? "" : " (" + step.detail + ")")
            << std::flush;
  report.steps.push_back(std::move(step));
  return report.steps.back().ok;
}

std::string summary_json(const DemoReport& report) {
  std::string text =
      fmt::format("{{\"demo\": {}, \"ok\": {}, ", json_quoted(report.demo), report.ok());
  for (const auto& [name, value] : report.facts)
    text += fmt::format("{}: {}, ", json_quoted(name), json_quoted(value));
  text += "\"steps\": [";
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    const auto& step = report.steps[i];
    text += fmt::format("{}\n  {{\"name\": {}, \"clause\": {}, \"ok\": {}, \"real\": {}}}",
                        i == 0 ? "" : ",", json_quoted(step.name), json_quoted(step.clause),
                        step.ok, step.real);
  }
  text += "\n], \"figures\": {";
  for (std::size_t i = 0; i < report.figures.size(); ++i)
    text += fmt::format("{}\n  {}: {}", i == 0 ? "" : ",", json_quoted(report.figures[i].first),
                        figure_text(report.figures[i].second));
  return text + "\n}}\n";
}

std::string report_html(const DemoReport& report) {
  std::string pictures;
  for (const auto& [heading, svg] : report.pictures)
    pictures +=
        fmt::format("<h2>{}</h2>\n<div class=\"wide\">{}</div>\n", html_escaped(heading), svg);
  const std::string latencies =
      report.latencies.empty()
          ? std::string()
          : "<h2>From the network's event to the application's notification</h2>\n" +
                latencies_svg(report);
  const std::string sequence =
      report.sequence.empty() ? std::string()
                              : "<h2>Every message between the parties</h2>\n<div class=\"wide\">" +
                                    sequence_svg(report.sequence) + "</div>\n";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>Lobodon demo: "
      "{0}</title><style>{1}</style></head>\n"
      "<body><h1>Lobodon demo: {0} <span class=\"{2}\">{3}</span></h1>\n<p "
      "class=\"sub\">{4}<br>Lobodon {5}, commit {6}.</p>\n"
      "{12}<h2>Steps</h2>\n{7}{11}{8}"
      "<h2>Figures</h2>\n{9}{10}</body></html>\n",
      html_escaped(report.demo), style, report.ok() ? "good" : "bad", report.ok() ? "ok" : "failed",
      html_escaped(report.subject), html_escaped(build_version), html_escaped(build_commit),
      steps_html(report), latencies, figures_html(report), sequence, pictures, report.lead);
}

Exit finish_demo(const DemoReport& report, const std::string& directory, bool to_person) {
  for (const auto& [name, text] :
       {std::pair{"summary.json", summary_json(report)}, {"report.html", report_html(report)}})
    if (const auto written = write_file(fmt::format("{}/{}", directory, name), text); !written)
      return tell("the demo's artefacts are not complete", written.error(),
                  "choose another folder with --out");
  std::cout << fmt::format("\n{}: {}\n",
                           report.interrupted ? "interrupted"
                           : report.ok()      ? "ok"
                                              : "FAILED",
                           report.subject)
            << fmt::format("{0}/summary.json{1}\n", directory,
                           report.sequence.empty() ? std::string()
                                                   : fmt::format("  {}/trace.mmd", directory));
  if (to_person) std::cout << fmt::format("open {}/report.html in a browser\n", directory);
  if (report.interrupted) return Exit::interrupted;
  return report.ok() ? Exit::ok : Exit::failed;
}

void clear_folder(const std::string& folder, const std::function<bool(std::string_view)>& ours) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (ours(entry.path().filename().string())) fs::remove_all(entry.path(), ignored);
}

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  if (!stream) return fail(Errc::unavailable, fmt::format("cannot write {}", path));
  return {};
}

}  // namespace lobo::app
