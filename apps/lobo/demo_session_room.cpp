#include "demo_session_room.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_avatars/room.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"
#include "demo_session/joined.hpp"
#include "demo_session/texts.hpp"
#include "demo_world.hpp"
#include "json_rows.hpp"
#include "process.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr auto listen_again = 5ms;
constexpr std::size_t lines_max = 200;  ///< of a UE at a time; the rest waits in its pipe
constexpr std::array<std::string_view, 2> node_names{"node1", "node2"};

}  // namespace

std::string text_at(const json::Value& value, std::string_view path) {
  const auto* found = find_path(value, path);
  return found && found->text() ? *found->text() : std::string();
}

SessionRoom::SessionRoom(std::string folder, LivePath& path, DemoWorld& world)
    : folder_(std::move(folder)), path_(path), world_(world) {
  listen();
}

SessionRoom::~SessionRoom() {
  if (timer_) world_.loop().cancel(*timer_);
}

Result<ChildProcess> SessionRoom::start(const std::string& name, const std::string& verb,
                                        const std::string& config) {
  const auto file = fmt::format("{}/{}.yaml", folder_, name);
  if (auto written = write_file(file, config); !written) return fail(written.error());
  return start_own({verb, "-c", file}, fmt::format("{}/{}.log", folder_, name));
}

Result<void> SessionRoom::start_servers() {
  auto sealdd = start("sealdd", "serve", session_sealdd_config(folder_));
  if (!sealdd) return fail(sealdd.error());
  sealdd_server_ = std::move(*sealdd);
  const auto sealdd_at = world_.ready(*sealdd_server_, "SEALDD's server");
  if (!sealdd_at) return fail(sealdd_at.error());
  sealdd_url_ = sealdd_at->front();
  auto enabler =
      start("metaverse", "serve",
            session_enabler_config(
                folder_, {.sealdd = sealdd_url_, .nrm = world_.nrm().target().root.origin()}));
  if (!enabler) return fail(enabler.error());
  enabler_server_ = std::move(*enabler);
  const auto enabler_at = world_.ready(*enabler_server_, "the enabler's server");
  if (!enabler_at) return fail(enabler_at.error());
  auto of_sealdd = world_.client_of(sealdd_url_);
  auto of_enabler = world_.client_of(enabler_at->front());
  if (!of_sealdd) return fail(of_sealdd.error());
  if (!of_enabler) return fail(of_enabler.error());
  sealdd_ = std::move(*of_sealdd);
  enabler_ = std::move(*of_enabler);
  return {};
}

Result<void> SessionRoom::start_nodes() {
  if (auto made = make_certificate(folder_); !made) return made;
  for (const auto name : node_names) {
    auto node = start(std::string(name), "relay",
                      session_node_config(folder_, name, path_.edge_address(), sealdd_url_));
    if (!node) return fail(node.error());
    // "quic://ADDRESS:PORT", "https://…", "sha256:…"
    const auto words = world_.ready(*node, name);
    if (!words) return fail(words.error());
    if (words->size() < 3) return fail(Errc::internal, "a node does not say where it is");
    digests_[words->front().substr(std::string_view("quic://").size())] = (*words)[2];
    nodes_.push_back(std::move(*node));
  }
  const bool known = wait_for_items(
      *sealdd_, "/sdd-rly/v1/nodes",
      [](const auto& items) { return items.size() == node_names.size(); }, start_patience);
  if (!known) return fail(Errc::timeout, "the nodes do not register at SEALDD");
  return {};
}

Result<void> SessionRoom::join(std::string_view ue, const json::Value& grant) {
  const auto* port = find_path(grant, "ddServerConnInfo.port");
  const auto at = fmt::format("{}:{}", text_at(grant, "ddServerConnInfo.ipv4Addr"),
                              port ? port->integer().value_or(0) : 0);
  const auto digest = digests_.find(at);
  if (digest == digests_.end()) return fail(Errc::not_found, "no node is at " + at);
  const std::vector<std::string> words{"mm",
                                       "join",
                                       "-o",
                                       "json",
                                       "--states",
                                       "--token",
                                       text_at(grant, "token"),
                                       "--node",
                                       at,
                                       "--certificate",
                                       digest->second.substr(7),
                                       "--rate",
                                       std::to_string(avatar_rate_hz)};
  const auto log = fmt::format("{}/{}.log", folder_, ue);
  const bool behind_the_cell = ue == bob_ue;
  auto program = behind_the_cell ? path_.start_at_ue(words, log) : start_own(words, log);
  if (!program) return fail(program.error());
  (behind_the_cell ? bob_ : alice_).emplace(SessionUe{.program = std::move(*program), .says = {}});
  return {};
}

void SessionRoom::end_servers() {
  enabler_server_.reset();
  sealdd_server_.reset();
}

void SessionRoom::silence_from() {
  for (auto* ue : {&bob_, &alice_})
    if (*ue) (*ue)->says.silence_from();
}

bool SessionRoom::both_ended() const { return bob_ && alice_ && bob_->ended && alice_->ended; }

void SessionRoom::listen() {
  for (auto* ue : {&bob_, &alice_}) {
    if (!*ue || (*ue)->ended) continue;
    for (std::size_t i = 0; i < lines_max; ++i) {
      const auto line = (*ue)->program.read_line(0ms);
      if (!line) {
        (*ue)->ended = line.error().code == Errc::unavailable;
        break;
      }
      (*ue)->says.hear(*line, std::chrono::steady_clock::now());
    }
  }
  world_.loop().stop();  // whoever waits looks again
  timer_ = world_.loop().after(listen_again, [this] { listen(); });
}

bool SessionRoom::wait(const std::function<bool()>& holds, std::chrono::milliseconds at_most) {
  return run_until(
             world_.loop(), [&] { return world_.interrupted() || holds(); }, at_most) &&
         !world_.interrupted();
}

bool SessionRoom::wait_for_items(ApiClient& api, std::string_view path,
                                 const std::function<bool(const json::Value::Array&)>& holds,
                                 std::chrono::milliseconds at_most) {
  return world_.ask_until(
      api, path,
      [&](const json::Value& answer) {
        const auto* items = answer.find("items");
        if (!items) items = answer.find("nodes");
        return items && items->array() && holds(*items->array());
      },
      at_most);
}

std::optional<SessionRoom::Told> SessionRoom::find_event(
    std::string_view name, std::size_t since,
    const std::function<bool(const json::Value&)>& fits) const {
  const auto& heard = world_.heard();
  for (std::size_t i = since; i < heard.size(); ++i) {
    if (heard[i].path != "/events/room") continue;
    const auto* events = heard[i].body.find("events");
    if (!events || !events->array()) continue;
    for (const auto& event : *events->array())
      if (text_at(event, "event") == name && (!fits || fits(event)))
        return Told{.at = heard[i].at, .event = event};
  }
  return std::nullopt;
}

std::optional<SessionRoom::Told> SessionRoom::await_event(
    std::string_view name, std::size_t since, std::chrono::milliseconds at_most,
    const std::function<bool(const json::Value&)>& fits) {
  (void)wait([&] { return find_event(name, since, fits).has_value(); }, at_most);
  return find_event(name, since, fits);
}

}  // namespace lobo::app
