#include "demo_avatars_tabs.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "demo_avatars/door.hpp"
#include "demo_avatars/web_files.hpp"
#include "demo_report.hpp"
#include "process.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t errors_max = 100;

/// The member at a path of names, each of which is taken as it is.
const json::Value* find(const json::Value* value, std::initializer_list<std::string_view> names) {
  for (const auto name : names) value = value == nullptr ? nullptr : value->find(name);
  return value;
}

}  // namespace

Result<void> Tabs::open(const std::string& page_url) {
  const auto script = web_file("drive.mjs");
  const auto file = folder_ + "/drive.mjs";
  if (!script) return fail(Errc::internal, "the browser's driver is not in the program");
  if (auto written = write_file(file, std::string(*script)); !written) return written;
  const auto url = [&](std::string_view words) {
    return fmt::format("{}/avatars/?{}", page_url, words);
  };
  auto started = ChildProcess::start(
      {"node", file, folder_ + "/profile", "1440x900", folder_ + "/page.png", url("me=alice&fps=5"),
       url("me=bob&fps=0"), url("me=carol&fps=0"), "--later", url("me=guest&fps=0&udp=blocked")},
      folder_ + "/browser.log");
  if (!started) return fail(started.error());
  browser_ = std::move(*started);
  return {};
}

void Tabs::open_guest() const {
  if (browser_) browser_->signal(SIGUSR2);
}
void Tabs::shoot() const {
  if (browser_) browser_->signal(SIGUSR1);
}
void Tabs::end() {
  if (browser_) browser_->end();
  browser_.reset();
}

void Tabs::hear() {
  if (!browser_) return;
  using std::chrono::milliseconds;
  for (auto line = browser_->read_line(milliseconds{0}); line;
       line = browser_->read_line(milliseconds{0})) {
    const auto said = json::parse(*line);
    const auto* event = said ? said->find("event") : nullptr;
    if (event == nullptr || event->text() == nullptr) continue;
    if (*event->text() == "shot") ++shots_;
    const auto* text = said->find("text");
    if ((*event->text() == "error" || *event->text() == "failed") && text != nullptr &&
        text->text() != nullptr && errors_.size() < errors_max)
      errors_.push_back(*text->text());
  }
}

const json::Value* Tabs::told(std::string_view name) const {
  const auto found = door_.tabs().find(name);
  return found == door_.tabs().end() ? nullptr : &found->second.told;
}

bool Tabs::up(std::string_view name) const {
  const auto* value = find(told(name), {"up"});
  return value != nullptr && value->boolean().value_or(false);
}

std::string Tabs::carrier(std::string_view name) const {
  const auto* value = find(told(name), {"stats", "carrier"});
  return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}

double Tabs::shown(std::string_view name, std::string_view asset, std::string_view figure) const {
  const auto* one = find(told(name), {"stats", "assets", asset});
  return one == nullptr ? -1 : number_at(*one, figure).value_or(-1);
}

int Tabs::tier(std::string_view name) const {
  const auto* told_so_far = find(told(name), {"tiers"});
  if (told_so_far == nullptr || told_so_far->array() == nullptr || told_so_far->array()->empty())
    return 0;
  return static_cast<int>(told_so_far->array()->back().integer().value_or(0));
}

std::string Tabs::why(std::string_view name) const {
  const auto* value = find(told(name), {"why"});
  return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}

double Tabs::states_seen(std::string_view name, std::string_view asset) const {
  const auto* one = find(told(name), {"states", asset});
  return one == nullptr ? 0 : number_at(*one, "states").value_or(0);
}

}  // namespace lobo::app
