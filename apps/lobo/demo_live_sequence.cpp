#include "demo_live_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <ratio>
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

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Who asked netsim's control API: the gNB says who it is and asks for its UE; the rest is the
/// demo's hand.
std::string_view caller(std::string_view request) {
  if (contains(request, "/gnbs") || contains(request, "/pdu-session")) return "gnb";
  return "operator";
}

/// A question that comes again and again says nothing new.
bool is_polling(const SeenMessage& message) {
  return message.request && message.text.starts_with("GET ") &&
         (contains(message.text, "/netsim-control/") || contains(message.text, "/ss-nra/"));
}

}  // namespace

Result<Run> live_sequence(const std::string& folder, std::vector<SeenMessage> others) {
  auto run = adapters::trace::read_last_run(folder);
  if (!run) return run;
  std::vector<SeenMessage> kept;
  // Who asked, empty where it is left out: by span, and where the asker has none, by the server,
  // which a client of ours asks one thing after the other.
  std::map<std::string, std::string> asked;
  for (auto& message : run->messages) {
    const std::string key =
        !message.span.empty() ? message.span : (message.request ? message.to : message.from);
    if (message.request) asked[key] = is_polling(message) ? std::string() : message.from;
    const auto question = asked.find(key);
    if (question == asked.end() || question->second.empty()) continue;
    const bool of_network = message.from == "nef" || message.to == "nef";
    auto& client = message.request ? message.from : message.to;
    auto& server = message.request ? message.to : message.from;
    if (of_network && client != "lobo" && client != "nef") {
      if (message.request) question->second = caller(message.text);
      client = question->second;
    } else if (client != "lobo" && client != "nef") {
      client = "application";
    }
    if (server != "lobo" && server != "nef") server = "application";
    for (auto* party : {&message.from, &message.to}) {
      if (*party == "nef") *party = "netsim";
      if (*party == "lobo") *party = "lobo serve";
    }
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
