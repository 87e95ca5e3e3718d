#include "demo_avatars_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "api_client.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

const http::Headers& json_headers() {
  static const http::Headers headers{{"content-type", "application/json"}};
  return headers;
}

std::int64_t whole(const json::Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

}  // namespace

Result<void> NodeStandIn::enrol() {
  const auto answer = api_.ask("PUT", path_, registration_, json_headers());
  if (!answer) return fail(answer.error());
  epoch_ = whole(*answer, "epoch");
  return {};
}

void NodeStandIn::go_on() {
  read_log();
  if (!std::exchange(renewing_, true))
    api_.start("PUT", path_, registration_, json_headers(),
               [this](const Result<http::Response>&) { renewing_ = false; });
  if (!reporting_) report();
}

void NodeStandIn::read_log() {
  std::ifstream log(log_file_);
  log.seekg(read_);
  std::string line;
  while (std::getline(log, line) && !log.eof()) {
    read_ += static_cast<std::streamoff>(line.size()) + 1;
    const auto event = json::parse(line);
    if (!event || event->find("flow") == nullptr || event->find("state") == nullptr) continue;
    const auto* state = event->find("state")->text();
    if (state == nullptr) continue;
    std::string name = *state;
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    changed_[whole(*event, "flow")] = name;
  }
}

void NodeStandIn::report() {
  std::string flows;
  for (const auto& [flow, state] : changed_)
    flows +=
        fmt::format(R"({}{{"flowId":{},"state":"{}"}})", flows.empty() ? "" : ",", flow, state);
  changed_.clear();
  reporting_ = true;
  api_.start("POST", path_ + "/reports",
             fmt::format(R"({{"seq":{},"epoch":{},"ordersSeen":{},"flows":[{}]}})", ++sequence_,
                         epoch_, orders_seen_, flows),
             json_headers(), [this](const Result<http::Response>& got) {
               reporting_ = false;
               const auto told =
                   got ? json::parse(got->body) : Result<json::Value>(fail(got.error()));
               const auto* orders = told ? told->find("orders") : nullptr;
               if (orders == nullptr || orders->array() == nullptr) return;
               for (const auto& order : *orders->array()) {
                 orders_seen_ = std::max(orders_seen_, whole(order, "order"));
                 const auto* kind = order.find("kind");
                 if (kind != nullptr && kind->text() != nullptr && *kind->text() == "releaseFlow")
                   changed_[whole(order, "flowId")] = "CLOSED";
               }
             });
}

}  // namespace lobo::app
