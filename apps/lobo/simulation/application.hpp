#pragma once
// An application of the virtual world: asks for QoS, has it monitored, changes its mind, hangs up,
// and believes exactly what it was told. What it was told is what the checkers hold the server to.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"

namespace lobo::app::simulation {

enum class Asked : std::uint8_t { unicast, adaptation, monitor };

/// What an application knows of one of its monitors besides.
struct Monitored {
  api::ss_nrm::MonitoringSubscription asked;  ///< at the create, or as it was listed
  std::string tag;                            ///< of the notifUri that its reports go to
  bool updated = false;        ///< a PUT or PATCH was sent; what became of it may be unknown
  std::set<std::string> ends;  ///< causes by which it may end by itself, by all that was asked
  Instant confirmed_at{};
  std::map<std::uint64_t, std::string> causes;  ///< terminationCause by the number of its report
  bool tested = false;                          ///< number 1 is a test notification
  bool numbered() const { return asked.supp_feat.has_value(); }
};

/// What an application knows of a subscription that it was given.
struct Known {
  std::string id;
  Asked what = Asked::unicast;
  bool confirmed = false;  ///< its 201 was read
  bool releasing = false;  ///< a DELETE was sent; what became of it may be unknown
  bool released = false;   ///< 204 or 404 was read
  std::uint64_t sequence_max = 0;
  std::set<std::uint64_t> sequences;    ///< of the notifications that arrived
  std::vector<std::uint64_t> arrivals;  ///< in order of arrival, repetitions too
  bool terminated = false;              ///< told so by a notification
  Monitored monitored;                  ///< of a monitor
};

struct Told {
  std::string subscription;
  std::uint64_t sequence = 0;
  std::string event;
};

class Application final : public runtime::HttpHandler {
 public:
  struct Setup {
    std::string name;                    ///< who it is for the server
    std::string authority;               ///< where it is notified
    std::string server;                  ///< the server's authority
    std::vector<std::string> ues;        ///< VAL UE ids
    std::vector<std::string> qualities;  ///< values for uniQosReq
    std::string group;                   ///< VAL group id
    std::vector<std::string> streams;    ///< VAL stream ids
    bool monitors = true;                ///< asks for monitoring as well
  };
  Application(Setup setup, sim::SimLoop& loop, Rng& rng,
              std::unique_ptr<runtime::HttpClient> client);

  /// One thing that an application does: create, read, list, modify or release.
  void act();
  /// Releases everything that it may still hold, also what it does not know that it holds.
  void release_everything();
  /// Notifications are received.
  void handle(http::Request request, ReplyFn reply) override;

  /// Called for each notification before it is answered.
  void on_told(std::function<void(const Told&)> told) { told_ = std::move(told); }
  /// Called when a 201 was read.
  void on_confirmed(std::function<void(const Known&)> confirmed) {
    confirmed_ = std::move(confirmed);
  }
  /// Called for each MonitoringReport, also for one that was asked for once.
  using Report = api::ss_nrm::MonitoringReport;
  void on_report(std::function<void(const Report&)> report) { report_ = std::move(report); }

  const std::map<std::string, Known>& known() const { return known_; }
  const Setup& setup() const { return setup_; }
  /// Ids that the server listed at the last complete look.
  const std::set<std::string>& listed() const { return listed_; }
  bool idle() const { return under_way_ == 0; }
  /// When values last came to the notifUri with this tag.
  std::optional<Instant> values_at(const std::string& tag) const;

 private:
  using Then = std::function<void(const Result<http::Response>&)>;
  void send(std::string method, std::string target, http::Headers headers, std::string body,
            Then then);
  void create();
  void adapt();
  void ask(std::string_view collection, std::string body);
  void read(const std::string& id);
  void modify(const std::string& id);
  void release(const std::string& id);
  void list(std::string_view collection, std::function<void()> then);
  void take_list(std::string_view collection, const std::string& body);
  std::vector<std::string> all_held(bool monitors) const;
  void created(const Result<http::Response>& response, std::string_view collection,
               const std::string& key, const std::string& body);
  void hear(Told told, bool terminated, Asked what);
  // application_monitors.cpp
  void act_on_monitors();
  void monitor();
  void measure_once();
  void change_monitor(const std::string& id);
  void monitor_created(Known& known, const std::string& body);
  void take_monitors(const std::string& body);
  void hear_report(const http::Request& request);

  Setup setup_;
  sim::SimLoop& loop_;
  Rng& rng_;
  std::unique_ptr<runtime::HttpClient> client_;
  std::map<std::string, Known> known_;
  std::map<std::string, Instant> values_at_;  ///< by tag
  std::set<std::string> listed_;
  std::uint64_t key_last_ = 0;
  std::size_t under_way_ = 0;
  std::function<void(const Told&)> told_;
  std::function<void(const Known&)> confirmed_;
  std::function<void(const Report&)> report_;
};

namespace detail {
inline constexpr std::string_view unicasts = "/ss-nra/v1/unicast-subscriptions";
inline constexpr std::string_view adaptations = "/ss-nra/v1/network-resource-adaptations";
inline constexpr std::string_view monitors = "/ss-nrm/v1/subscriptions";
std::string last_segment(std::string_view uri);
std::string path_of(const Known& known);
}  // namespace detail

}  // namespace lobo::app::simulation
