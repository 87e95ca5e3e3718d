#pragma once
// Who takes part in the session demo beside the network: SEALDD's server, the enabler's server, two
// relay nodes, and two UEs with an avatar each, all as processes.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/loop.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_live_path.hpp"
#include "demo_session/joined.hpp"
#include "demo_world.hpp"
#include "process.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

/// A UE's program, and what it has said.
struct SessionUe {
  ChildProcess program;
  JoinedUe says;
  bool ended = false;
};

class SessionRoom {
 public:
  /// Both outlive it. `folder` is absolute.
  SessionRoom(std::string folder, LivePath& path, DemoWorld& world);
  ~SessionRoom();

  Result<void> start_servers();
  Result<void> start_nodes();
  /// As the grant of its asset says, where the UE is.
  Result<void> join(std::string_view ue, const json::Value& grant);
  /// The programs of the nodes and of the servers, which write their stores to the end.
  void end_nodes() { nodes_.clear(); }
  void end_servers();

  ApiClient& enabler() { return *enabler_; }
  ApiClient& sealdd() { return *sealdd_; }
  const JoinedUe& bob() const { return bob_->says; }
  const JoinedUe& alice() const { return alice_->says; }
  void silence_from();
  /// Whether both have left by themselves.
  bool both_ended() const;

  /// Looks again whenever a UE has said something, and each few milliseconds.
  bool wait(const std::function<bool()>& holds, std::chrono::milliseconds at_most);
  /// Asks again and again until `holds` of the items of a list.
  bool wait_for_items(ApiClient& api, std::string_view path,
                      const std::function<bool(const json::Value::Array&)>& holds,
                      std::chrono::milliseconds at_most);

  /// An event that the enabler told the application, from the notification of index `since` on.
  struct Told {
    JoinedUe::Time at;
    json::Value event;
  };
  std::optional<Told> find_event(std::string_view name, std::size_t since,
                                 const std::function<bool(const json::Value&)>& fits = {}) const;
  std::optional<Told> await_event(std::string_view name, std::size_t since,
                                  std::chrono::milliseconds at_most,
                                  const std::function<bool(const json::Value&)>& fits = {});

 private:
  Result<ChildProcess> start(const std::string& name, const std::string& verb,
                             const std::string& config);
  void listen();

  std::string folder_;
  LivePath& path_;
  DemoWorld& world_;
  std::optional<ChildProcess> sealdd_server_, enabler_server_;
  std::vector<ChildProcess> nodes_;
  std::map<std::string, std::string> digests_;  ///< of the certificate, by "address:port"
  std::unique_ptr<ApiClient> sealdd_, enabler_;
  std::string sealdd_url_;
  std::optional<SessionUe> bob_, alice_;
  std::optional<adapters::EventLoop::TimerId> timer_;
};

/// The text at a path of member names; empty where there is none.
std::string text_at(const json::Value& value, std::string_view path);

}  // namespace lobo::app
