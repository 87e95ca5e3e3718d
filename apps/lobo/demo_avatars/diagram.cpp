#include "demo_avatars/diagram.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "base/text.hpp"

namespace lobo::app {
namespace {

using adapters::trace::SeenMessage;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// "POST sessions", "DELETE sessions/…": the method and what of the path is not an identifier.
std::string short_text(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::string(text);
  std::string out(text.substr(0, space));
  auto path = text.substr(space + 1);
  path = path.substr(0, path.find('?'));
  std::string words;
  for (const auto part : split(path, '/')) {
    const bool name = !part.empty() && part.size() <= 20 && std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || c == '-';
    });
    if (part.empty() || part == "v1") continue;
    if (name && (part.starts_with("mm-") || part.starts_with("sdd-"))) continue;
    words += (words.empty() ? "" : "/") + (name ? std::string(part) : "…");
  }
  while (contains(words, "…/…")) words.erase(words.find("…/…"), std::string_view("…/").size());
  return out + ' ' + words;
}

/// A question that comes again and again says something the first time alone.
bool again_and_again(std::string_view text) {
  return contains(text, "/sdd-rly/") || contains(text, "/measurements") ||
         (text.starts_with("GET ") && contains(text, "/sessions/"));
}

std::string party(const SeenMessage& request, bool asker) {
  const auto& text = request.text;
  if (!asker) {
    if (contains(text, "/mm-")) return "enabler";
    if (contains(text, "/sdd-")) return "SEALDD";
    return request.to;
  }
  if (contains(text, "/sdd-rly/")) return "relay";
  if (contains(text, "/sdd-")) return "enabler";
  if (contains(text, "/mm-cb/")) return "SEALDD";
  return "browser";
}

}  // namespace

std::vector<SeenMessage> TraceReader::take() {
  std::vector<SeenMessage> out;
  auto run = adapters::trace::read_last_run(folder_);
  if (!run || run->messages.size() < taken_) return out;
  // A record that comes late stands between those that were taken; it is rare, and then left out.
  for (std::size_t i = taken_; i < run->messages.size(); ++i) {
    SeenMessage& message = run->messages[i];
    if (message.request) {
      if (again_and_again(message.text) && !drawn_once_.insert(short_text(message.text)).second) {
        ++left_out_;
        continue;
      }
      message.from = party(message, true);
      message.to = party(message, false);
      if (message.from == message.to) continue;
      SeenMessage& kept = asked_[message.span] = message;
      message.text = short_text(kept.text);
    } else {
      const auto question = asked_.find(message.span);
      if (question == asked_.end()) continue;
      message.from = question->second.to;
      message.to = question->second.from;
      asked_.erase(question);
    }
    out.push_back(std::move(message));
  }
  taken_ = run->messages.size();
  return out;
}

}  // namespace lobo::app
