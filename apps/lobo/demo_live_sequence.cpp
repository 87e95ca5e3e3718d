#include "demo_live_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <ratio>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "base/result.hpp"
#include "sequence_svg.hpp"

namespace lobo::app {
namespace {

using adapters::trace::Run;
using adapters::trace::SeenMessage;

constexpr std::string_view notice = "/pdu-session/notify";
constexpr std::array<std::string_view, 5> polled{"/netsim-control/", "/ss-nra/", "/sdd-trans/",
                                                 "/sdd-rly/", "/mm-das/"};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Who asked, where the asker leaves no record: of netsim's control API the gNB says who it is and
/// asks for its UE, of SEALDD's the relay nodes; the rest is the demo's hand.
std::string_view caller(std::string_view server, std::string_view request) {
  if (server == "nef")
    return contains(request, "/gnbs") || contains(request, "/pdu-session") ? "gnb" : "operator";
  if (server == "sealdd") return contains(request, "/sdd-rly/") ? "relay" : "operator";
  return "application";
}

/// A question that comes again and again says nothing new.
bool is_polling(const SeenMessage& message) {
  return message.request && message.text.starts_with("GET ") &&
         std::ranges::any_of(polled,
                             [&](std::string_view api) { return contains(message.text, api); });
}

/// What is said each second says something the first time.
bool is_repeated(const SeenMessage& message) {
  return message.request &&
         (contains(message.text, "/sdd-rly/") || contains(message.text, "/measurements"));
}

/// The programs, by the names under which they leave records.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> programs{
    {{"lobo", "lobo serve"}, {"nef", "netsim"}, {"sealdd", "SEALDD"}, {"mmes", "enabler"}}};

/// Its name in the drawing; empty where it is none of them.
std::string name_of(std::string_view record) {
  const auto* found = std::ranges::find(programs, record, &decltype(programs)::value_type::first);
  return found == programs.end() ? std::string() : std::string(found->second);
}

struct Ends {
  std::string client, server;
};

/// All servers of ours call themselves alike when they ask; who left the record is another's name.
Ends ends_of(const SeenMessage& request) {
  Ends ends{.client = {}, .server = name_of(request.to)};
  for (const auto& witness : request.seen_by)
    if (witness != request.to) ends.client = name_of(witness);
  if (ends.client.empty()) ends.client = caller(request.to, request.text);
  if (ends.server.empty()) ends.server = "application";
  return ends;
}

}  // namespace

Result<Run> live_sequence(const std::string& folder, std::vector<SeenMessage> others) {
  auto run = adapters::trace::read_last_run(folder);
  if (!run) return run;
  std::vector<SeenMessage> kept;
  // Who asked whom, empty where it is left out: by span, and where the asker has none, by the
  // server, which a client of ours asks one thing after the other.
  std::map<std::string, Ends> asked;
  std::set<std::string> said;
  for (auto& message : run->messages) {
    const std::string key =
        !message.span.empty() ? message.span : (message.request ? message.to : message.from);
    if (message.request) {
      const bool nothing_new =
          is_polling(message) ||
          (is_repeated(message) &&
           !said.insert(message.text.substr(0, message.text.find('?'))).second);
      asked[key] = nothing_new ? Ends{} : ends_of(message);
    }
    const auto question = asked.find(key);
    if (question == asked.end() || question->second.client.empty()) continue;
    const auto& [client, server] = question->second;
    message.from = message.request ? client : server;
    message.to = message.request ? server : client;
    kept.push_back(std::move(message));
  }
  kept.insert(kept.end(), std::make_move_iterator(others.begin()),
              std::make_move_iterator(others.end()));
  std::ranges::stable_sort(kept, {}, &SeenMessage::at);
  run->messages = std::move(kept);
  return run;
}

std::optional<double> notice_to_notification(const Run& run) {
  const auto told = std::ranges::find_if(run.messages, [](const SeenMessage& message) {
    return message.request && contains(message.text, notice);
  });
  const auto heard = std::find_if(told, run.messages.end(), [](const SeenMessage& message) {
    return message.request && message.to == "application";
  });
  if (heard == run.messages.end()) return std::nullopt;
  return std::chrono::duration<double, std::milli>(heard->at - told->at).count();
}

SeenMessage seen_by_demo(std::string from, std::string to, std::string text, std::string clause) {
  return {.at = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()),
          .from = std::move(from),
          .to = std::move(to),
          .span = {},
          .trace = {},
          .text = std::move(text),
          .clause = std::move(clause),
          .body = {},
          .request = true,
          .seen_by = {"demo"},
          .took = {}};
}

std::vector<SequenceArrow> arrows_of(const Run& run) {
  std::vector<SequenceArrow> arrows;
  for (const auto& message : run.messages)
    arrows.push_back(
        {.from = message.from,
         .to = message.to,
         .text = message.text,
         .clause = message.clause,
         .when = fmt::format(
             "{:.3f} s",
             std::chrono::duration<double>(message.at - run.messages.front().at).count()),
         .request = message.request});
  return arrows;
}

}  // namespace lobo::app
