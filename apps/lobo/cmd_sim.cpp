// `lobo sim`: the whole server on virtual time against a faulty world, one seed a history.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "simulation/plants.hpp"
#include "simulation/run.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t count_max = 10'000'000;
constexpr std::uint64_t events_max = 100'000'000;

std::string hexadecimal(std::uint64_t digest) { return fmt::format("{:016x}", digest); }

Exit usage(std::string_view what) {
  tell(what, Error{Errc::out_of_range, "the value does not fit", {}}, "lobo sim --help");
  return Exit::usage;
}

void tell_findings(const simulation::Report& report) {
  for (const auto& finding : report.findings)
    std::cerr << fmt::format("seed {}: {}: {}\n", report.seed, finding.checker, finding.what);
}

Exit one(simulation::Options options) {
  options.lines = &std::cout;
  std::cout << "seed " << options.seed << '\n';
  const auto report = simulation::run(options);
  tell_findings(report);
  std::cout << fmt::format(
      "digest {}: {} events, {} messages, {} crashes, {} confirmed, {} notifications, {} "
      "reports, {} findings\n",
      hexadecimal(report.digest), report.events, report.messages, report.crashes, report.confirmed,
      report.notifications, report.reports, report.findings.size());
  return report.findings.empty() ? Exit::ok : Exit::failed;
}

Exit many(simulation::Options options, std::uint64_t count, std::string_view form) {
  Rows rows{.columns = {"seeds", "events", "messages", "crashes", "confirmed", "notifications",
                        "reports", "red", "digest"},
            .rows = {}};
  simulation::Report sum;
  std::uint64_t red = 0;
  std::uint64_t digest = fnv1a("");
  auto said = std::chrono::steady_clock::now();
  for (std::uint64_t done = 0; done < count; ++done, ++options.seed) {
    const auto report = simulation::run(options);
    tell_findings(report);
    red += report.findings.empty() ? 0U : 1U;
    sum.events += report.events;
    sum.messages += report.messages;
    sum.crashes += report.crashes;
    sum.confirmed += report.confirmed;
    sum.notifications += report.notifications;
    sum.reports += report.reports;
    digest = fnv1a(hexadecimal(report.digest), digest);
    if (const auto now = std::chrono::steady_clock::now(); now - said > std::chrono::seconds(2)) {
      said = now;
      std::cerr << fmt::format("{} of {} seeds, {} red\n", done + 1, count, red);
    }
  }
  const auto cell = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  rows.rows.push_back({cell(count), cell(sum.events), cell(sum.messages), cell(sum.crashes),
                       cell(sum.confirmed), cell(sum.notifications), cell(sum.reports), cell(red),
                       hexadecimal(digest)});
  print_rows(std::cout, rows, form);
  return red == 0 ? Exit::ok : Exit::failed;
}

Exit simulate(const Arguments& arguments) {
  const auto seed = parse_decimal(arguments.text("seed"));
  const auto count = parse_decimal(arguments.text("count"));
  const auto events = parse_decimal(arguments.text("events"));
  if (!seed) return usage("--seed");
  if (!count || *count == 0 || *count > count_max) return usage("--count");
  if (!events || *events > events_max) return usage("--events");
  simulation::Options options{.seed = *seed, .events_min = *events};
  if (arguments.given("plant") && !arguments.text("plant").empty()) {
    options.plant = simulation::plant_from(arguments.text("plant"));
    if (!options.plant) return usage("--plant");
  }
  if (arguments.text("core") == "nef") options.door = simulation::Door::nef;
  if (arguments.text("core") == "pcf") options.door = simulation::Door::pcf;
  return *count == 1 ? one(options) : many(options, *count, arguments.text("output"));
}

}  // namespace

std::vector<Verb> sim_verbs() {
  std::vector<std::string_view> names;
  for (const auto plant : simulation::plants()) names.push_back(simulation::to_string(plant));
  return {{.path = "sim",
           .summary =
               "histories of the whole server on virtual time, with faults, crashes and checkers",
           .example =
               "  lobo sim --seed 42                # one history, line by line, and its digest\n"
               "  lobo sim --seed 1 --count 2000    # two thousand of them, counted\n"
               "  lobo sim --seed 1 --count 20 --plant swallow_notifications",
           .options =
               {{.name = "--seed", .help = "the first seed", .fallback = "1"},
                {.name = "--count", .help = "how many seeds, one after the other", .fallback = "1"},
                {.name = "--events",
                 .help = "pieces of work of each history, at least",
                 .fallback = "2000"},
                {.name = "--core",
                 .help = "by which door the core is reached; by the seed: a PCF for every third",
                 .fallback = "seed",
                 .choices = {"seed", "nef", "pcf"}},
                {.name = "--plant",
                 .help = "a bug to order; its checker must turn red",
                 .choices = std::move(names)},
                output_option()},
           .run = simulate}};
}

}  // namespace lobo::app
