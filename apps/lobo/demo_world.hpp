#pragma once
// The stage of a demo: the simulated network and the server as processes of their own, an
// application that asks and listens, all on free ports of this machine.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/server.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_report.hpp"
#include "notification_sink.hpp"
#include "process.hpp"

namespace lobo::app {

inline constexpr std::chrono::seconds start_patience{20};

/// A notification that reached the application.
struct Heard {
  std::chrono::steady_clock::time_point at;
  std::string path;  ///< "/events/ue1"
  json::Value body;
};

class DemoWorld {
 public:
  /// `directory` is emptied of what an earlier run left there. With a `crowd` there are so many
  /// UEs, all in the group "crew", and no trace of their messages.
  explicit DemoWorld(std::string directory, std::size_t crowd = 0);
  /// With a network of the demo's own, of which the server knows "ue1" alone.
  DemoWorld(std::string directory, std::string network);
  ~DemoWorld();

  /// Listens for notifications, then starts the network, then the server.
  Result<void> start();
  Result<void> start_server();
  void kill_server();
  /// Ends both processes in order; called by the destructor as well.
  void end();

  ApiClient& nrm() { return *nrm_; }
  ApiClient& net() { return *net_; }
  adapters::EventLoop& loop() { return loop_; }
  const std::string& directory() const { return directory_; }
  /// Where the application wants to hear of `name`.
  std::string notify_uri(std::string_view name) const;
  const std::vector<Heard>& heard() const { return heard_; }
  /// For a process that says ready: the URLs that it tells.
  Result<std::vector<std::string>> ready(ChildProcess& child, std::string_view what);
  /// A client of one more server.
  Result<std::unique_ptr<ApiClient>> client_of(const std::string& url);
  /// Waits for a notification about `name` with that event, from index `since` on.
  std::optional<Heard> wait_for(std::string_view name, std::string_view event, std::size_t since,
                                std::chrono::milliseconds patience);
  /// Asks again and again, each time the answer came and `pause` is over, until `done` says yes.
  bool ask_until(ApiClient& api, std::string_view path,
                 const std::function<bool(const json::Value&)>& done,
                 std::chrono::milliseconds patience);
  bool interrupted() const { return interrupted_; }

 private:
  std::size_t ue_count() const;
  std::string server_config() const;
  std::string network_config() const;

  std::string directory_;
  std::size_t crowd_;
  std::string network_text_;  ///< configuration of `lobo netsim`; empty: that of the story
  adapters::EventLoop loop_;
  std::unique_ptr<runtime::HttpClient> http_;
  std::vector<Heard> heard_;
  NotificationSink sink_;
  std::unique_ptr<adapters::HttpServer> sink_server_;
  std::optional<ChildProcess> network_;
  std::optional<ChildProcess> server_;
  std::string network_url_, server_url_, admin_url_;
  std::unique_ptr<ApiClient> nrm_;
  std::unique_ptr<ApiClient> net_;
  bool interrupted_ = false;
};

/// "QOS_NOT_GUARANTEED": the event of a notification's first item; empty where it has none.
std::string event_of(const json::Value& notification);

}  // namespace lobo::app
