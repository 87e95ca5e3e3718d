#include "adapters/trace/trace_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/date_time.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::adapters::trace {
namespace {

struct Line {
  std::string run;
  std::string seen_by;
  SeenMessage message;
};

std::string text_of(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  const auto* text = member == nullptr ? nullptr : member->text();
  return text == nullptr ? std::string{} : *text;
}

std::optional<Line> parse_line(const std::string& text) {
  const auto object = json::parse(text);
  if (!object) return std::nullopt;
  const auto* at = object->find("at_us");
  const auto* request = object->find("request");
  if (at == nullptr || !at->integer() || request == nullptr || !request->boolean())
    return std::nullopt;
  Line line;
  line.run = text_of(*object, "run");
  line.seen_by = text_of(*object, "seen_by");
  line.message = {.at = Instant{Instant::duration{*at->integer()}},
                  .from = text_of(*object, "from"),
                  .to = text_of(*object, "to"),
                  .span = text_of(*object, "span"),
                  .trace = text_of(*object, "trace"),
                  .text = text_of(*object, "text"),
                  .clause = text_of(*object, "clause"),
                  .body = text_of(*object, "body"),
                  .request = *request->boolean(),
                  .seen_by = {line.seen_by},
                  .took = {}};
  return line;
}

Result<std::vector<std::filesystem::path>> files_of(const std::string& folder) {
  std::error_code fault;
  std::vector<std::filesystem::path> files;
  for (auto at = std::filesystem::directory_iterator(folder, fault);
       !fault && at != std::filesystem::directory_iterator(); at.increment(fault))
    if (at->path().extension() == ".ndjson") files.push_back(at->path());
  if (fault) return fail(Errc::not_found, fmt::format("trace {}: {}", folder, fault.message()));
  if (files.empty())
    return fail(Errc::not_found, fmt::format("trace {}: no run was recorded there", folder));
  if (files.size() > trace_files_max)
    return fail(Errc::too_large, fmt::format("trace {}: more than {} files; remove old ones",
                                             folder, trace_files_max));
  std::ranges::sort(files);
  return files;
}

/// Messages by run. What it holds is bounded by the files, which their writers bound.
///
/// Without a name of its own, a run is the processes that were alive together: one that is started
/// again while another goes on belongs to the same run, one that finds nobody begins the next.
class Collector {
 public:
  /// `process` wrote the line.
  void take(const std::string& process, Line line) {
    auto& lines = line.run.empty() ? unnamed_[process] : named_[line.run];
    lines.push_back(std::move(line));
  }
  std::optional<std::pair<std::string, std::vector<Line>>> last() {
    join_those_alive_together();
    const auto newest = std::ranges::max_element(
        named_, {}, [](const auto& run) { return std::pair(begin_of(run.second), run.first); });
    if (newest == named_.end()) return std::nullopt;
    return std::pair(newest->first, std::move(newest->second));
  }

 private:
  using Lines = std::vector<Line>;
  static Instant begin_of(const Lines& lines) {
    return std::ranges::min(lines, {}, [](const Line& line) { return line.message.at; }).message.at;
  }
  static Instant end_of(const Lines& lines) {
    return std::ranges::max(lines, {}, [](const Line& line) { return line.message.at; }).message.at;
  }

  void join_those_alive_together() {
    std::vector<Lines> processes;
    for (auto& [name, lines] : unnamed_) processes.push_back(std::move(lines));
    unnamed_.clear();
    std::ranges::sort(processes, {}, begin_of);
    std::string run;
    Instant alive_until{};
    for (auto& lines : processes) {
      const Instant begin = begin_of(lines);
      if (run.empty() || begin > alive_until) run = model::format_date_time(begin);
      alive_until = std::max(alive_until, end_of(lines));
      auto& joined = named_[run];
      joined.insert(joined.end(), std::make_move_iterator(lines.begin()),
                    std::make_move_iterator(lines.end()));
    }
  }

  std::map<std::string, Lines> named_;    ///< by run; none is empty
  std::map<std::string, Lines> unnamed_;  ///< by process; none is empty
};

/// Both ends of a message know it by span and direction. A party that sends the same again (a retry
/// within one span) is told apart by how often it did so.
std::vector<SeenMessage> join(std::vector<Line> lines) {
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return line.message.at; });
  std::map<std::tuple<std::string, bool, std::string>, std::size_t> times;
  std::map<std::tuple<std::string, bool, std::size_t>, std::size_t> index;
  std::vector<SeenMessage> joined;
  for (auto& line : lines) {
    auto& message = line.message;
    const auto nth = times[{message.span, message.request, line.seen_by}]++;
    const auto [slot, fresh] =
        index.try_emplace({message.span, message.request, nth}, joined.size());
    if (message.span.empty() || fresh) {
      joined.push_back(std::move(message));
      continue;
    }
    auto& first = joined[slot->second];
    first.seen_by.push_back(line.seen_by);
    // Who sent it knows best who it is itself; the other end may only have seen an address.
    if (message.from == line.seen_by) first.from = message.from;
    if (message.to == line.seen_by) first.to = message.to;
    if (first.clause.empty()) first.clause = std::move(message.clause);
    if (first.body.empty()) first.body = std::move(message.body);
  }
  return joined;
}

void time_answers(std::vector<SeenMessage>& messages) {
  std::map<std::string, Instant> asked;
  for (auto& message : messages) {
    if (message.span.empty()) continue;
    if (message.request)
      asked[message.span] = message.at;
    else if (const auto at = asked.find(message.span); at != asked.end())
      message.took = message.at - at->second;
  }
}

/// Mermaid ends a statement at ';' and reads '#' as the start of a character's code.
std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ';' || c == '#' || c == '<' || c == '>')
      out += fmt::format("#{};", static_cast<int>(c));
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

}  // namespace

Result<Run> read_last_run(const std::string& folder) {
  const auto files = files_of(folder);
  if (!files) return fail(files.error());
  Collector collector;
  Run run;
  for (const auto& file : *files) {
    std::ifstream in(file);
    // Both files of a process that wrote much: "nef-7-18.ndjson" and "nef-7-18.old.ndjson".
    const std::string name = file.filename().string();
    const std::string process = name.substr(0, name.find('.'));
    for (std::string text; std::getline(in, text);) {
      if (auto line = parse_line(text))
        collector.take(process, std::move(*line));
      else
        ++run.lines_unreadable;
    }
  }
  auto last = collector.last();
  if (!last)
    return fail(Errc::not_found, fmt::format("trace {}: no run was recorded there", folder));
  if (last->second.size() > trace_messages_max)
    return fail(Errc::too_large, fmt::format("trace {}: run {} has more than {} messages", folder,
                                             last->first, trace_messages_max));
  run.id = std::move(last->first);
  run.messages = join(std::move(last->second));
  time_answers(run.messages);
  return run;
}

std::string to_mermaid(const Run& run) {
  std::string out = "sequenceDiagram\n";
  std::map<std::string, std::size_t> parties;
  const auto number = [&](const std::string& party) {
    const auto [at, fresh] = parties.try_emplace(party, parties.size());
    if (fresh)
      fmt::format_to(std::back_inserter(out), "  participant p{} as {}\n", at->second,
                     mermaid_text(party));
    return at->second;
  };
  for (const auto& message : run.messages) {
    number(message.from);
    number(message.to);
  }
  for (const auto& message : run.messages) {
    fmt::format_to(std::back_inserter(out), "  p{}{}p{}: {}{}\n", number(message.from),
                   message.request ? "->>" : "-->>", number(message.to), mermaid_text(message.text),
                   message.clause.empty() ? "" : " (" + mermaid_text(message.clause) + ")");
  }
  return out;
}

std::string to_json(const Run& run) {
  std::string out = fmt::format(R"({{"run":{},"lines_unreadable":{},"messages":[)",
                                json::quoted(run.id), run.lines_unreadable);
  for (bool first = true; const auto& message : run.messages) {
    std::vector<std::string> seen_by;
    for (const auto& party : message.seen_by) seen_by.push_back(json::quoted(party));
    fmt::format_to(
        std::back_inserter(out),
        R"({}{{"at":"{}","from":{},"to":{},"text":{},"request":{},"clause":{},"span":{},"trace":{},)"
        R"("seen_by":[{}],"body":{})",
        first ? "" : ",", model::format_date_time(message.at), json::quoted(message.from),
        json::quoted(message.to), json::quoted(message.text), message.request,
        json::quoted(message.clause), json::quoted(message.span), json::quoted(message.trace),
        fmt::join(seen_by, ","), json::quoted(message.body));
    if (message.took)
      fmt::format_to(std::back_inserter(out), R"(,"took_us":{})", message.took->count());
    out += '}';
    first = false;
  }
  return out + "]}";
}

}  // namespace lobo::adapters::trace
