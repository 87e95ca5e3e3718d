#pragma once
// The energy agent of one media server: samples, books, reports to the AF and does what it is told
// about standing by. What it reads and runs comes through functions, so that a test is a machine.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "api/media_e3.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/duty.hpp"
#include "energy/meter/host_meter.hpp"
#include "energy/meter/ledger.hpp"
#include "energy/meter/media_sessions.hpp"
#include "energy/meter/trigger.hpp"
#include "energy/meter/zones.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"

namespace lobo::app {

/// The machine that the agent runs on.
struct AgentWorld {
  std::function<std::chrono::microseconds()> monotonic;
  std::function<std::vector<energy::meter::ZoneReading>()> zones;
  std::function<std::optional<std::string>()> proc_stat;
  /// The file of the grid's figures, where there is one.
  std::function<std::optional<std::string>()> supply = [] { return std::nullopt; };
  /// What the access log got since the last call, in pieces, and where another file began.
  std::function<void(const std::function<void(std::string_view)>& piece,
                     const std::function<void()>& begin_file)>
      log;
  /// Runs a command of the operator; `ended` is told whether it succeeded, and if not, why.
  std::function<void(const std::vector<std::string>& words,
                     std::function<void(bool done, std::string why)> ended)>
      run;
};

inline constexpr std::chrono::seconds retry_first{1};
inline constexpr std::chrono::seconds retry_most{60};
inline constexpr std::size_t agent_triggers_max = 64;

struct AgentCounters {
  std::uint64_t samples = 0;
  std::uint64_t samples_measured = 0;
  std::uint64_t reports_taken = 0;
  std::uint64_t reports_refused = 0;  ///< for what they say; not sent again
  std::uint64_t send_failures = 0;
  std::uint64_t lines_unreadable = 0;
  std::uint64_t commands_failed = 0;
  std::uint64_t supplies_unreadable = 0;
};

class EnergyAgent {
 public:
  struct Ports {
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::HttpClient& http;
    runtime::TokenProvider* tokens;  ///< null: no Authorization
    runtime::Log& log;
    Rng& rng;
  };
  EnergyAgent(AgentConfig config, AgentWorld world, Ports ports);

  void start();

  energy::LocationState state() const { return duty_.state(); }
  const AgentCounters& counters() const { return counters_; }
  std::uint64_t reports_given_up() const { return outbox_.given_up(); }
  std::size_t reports_waiting() const { return outbox_.waiting(); }
  double power_w() const { return power_w_; }
  double energy_j() const { return ledger_.energy_j(); }

 private:
  void sample();
  void read_traffic(energy::meter::Traffic& traffic);
  void report(energy::meter::Reason reason);
  void read_supply(energy::meter::Report& report);
  void do_duty();
  void ask_status();
  void obey(energy::meter::Order order);
  void flush();
  void send_registration();
  void send_reports();
  using Done = std::function<void(Result<http::Response>)>;
  void send(std::string method, std::string target, std::string body, Done done);
  void send_with(bool renew, std::string method, std::string target, std::string body, Done done);
  void later();
  void registered(const Result<http::Response>& response);
  void receipt(std::size_t count, const Result<http::Response>& response);
  void apply(const api::media_e3::EnergyReportingConfiguration& configuration);

  AgentConfig config_;
  AgentWorld world_;
  Ports ports_;
  runtime::ScopedScheduler scheduler_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string origin_scheme_, origin_authority_, path_prefix_;

  energy::meter::HostMeter meter_;
  energy::meter::LocationMap map_;
  energy::meter::LineSplitter lines_;
  energy::meter::MediaSessions sessions_;
  energy::meter::Ledger ledger_;
  energy::meter::Outbox outbox_;
  energy::meter::Duty duty_;
  std::vector<energy::meter::Trigger> triggers_;
  AgentCounters counters_;
  double power_w_ = 0;
  energy::meter::Gap last_gap_ = energy::meter::Gap::first;

  std::string boot_id_;
  std::string revision_;
  std::optional<std::int64_t> validity_s_;
  std::chrono::milliseconds sampling_, reporting_, spacing_{0};
  std::chrono::microseconds reported_at_{};
  bool reported_ = false;
  std::optional<energy::meter::Reason> wanted_;  ///< a report that waits for its spacing
  energy::LocationState told_state_ = energy::LocationState::active;

  bool registered_ = false;
  bool sending_ = false;
  bool waiting_ = false;  ///< for the pause after a failure
  std::chrono::seconds pause_ = retry_first;
  bool asking_status_ = false;
  std::optional<std::uint64_t> requests_active_;
};

}  // namespace lobo::app
