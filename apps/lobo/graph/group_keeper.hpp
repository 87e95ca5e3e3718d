#pragma once
// VAL groups as a group management server knows them (seal_nrm/group_server.hpp).
//
// The problem: who decides about a group has no time to ask somebody, and the server may be away.
// So a snapshot of each group that anybody looks at is kept here: asked for before a request that
// names the group is decided on, again each `refresh`, and at once for whoever finds it missing.
// Where the server does not answer, the last snapshot stays, and a counter, a gauge and a log line
// say so.
//
// Bounds: groups_max groups, of each what read_group keeps; group_questions_max questions at a
// time. A group that nobody has looked at for group_unused_after is forgotten.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/calls.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/group_server.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

inline constexpr std::size_t groups_max = 1000;
inline constexpr std::size_t group_questions_max = 8;
inline constexpr std::size_t group_waiting_max = 1000;  ///< requests that wait for an answer
inline constexpr std::chrono::minutes group_unused_after{10};
/// How often it is looked whether a question is due; one that failed is asked again after as much,
/// then after twice as much, up to `refresh`.
inline constexpr std::chrono::seconds group_tick{1};

struct GroupServer {
  std::chrono::milliseconds deadline{2000};  ///< of one question
  std::chrono::milliseconds refresh{30'000};
  std::vector<std::string> requesters;  ///< who may name its groups; empty: everybody
  bool operator==(const GroupServer&) const = default;
};

class GroupKeeper {
 public:
  /// All outlive it; `scheduler` drops what is put off when it goes (ScopedScheduler).
  struct Ports {
    runtime::Calls& calls;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::Log& log;
    runtime::Metrics& metrics;
  };
  /// A group has other members than before, is new, or is no more.
  using Changed = std::function<void(const std::string& id)>;

  GroupKeeper(GroupServer server, const seal_nrm::Settings& settings, Ports ports, Changed changed);

  void start();
  void change(GroupServer server);

  /// The last that was heard; null: there is none, or nothing was heard. Whoever looks is taken as
  /// interested: a group that was never asked for is asked for soon.
  std::shared_ptr<const seal_nrm::DirectoryGroup> group(std::string_view id) const;
  /// Nobody knows whether there is such a group: the server has not told.
  bool unsettled(std::string_view id) const;
  /// Asks the server anew. `ready` is called once: when it has answered or failed to in time, or at
  /// once where too much waits.
  void ask(std::string_view id, std::function<void()> ready);

 private:
  struct Entry {
    std::shared_ptr<const seal_nrm::DirectoryGroup> group;
    bool settled = false;  ///< the server has said whether it is there
    bool failing = false;  ///< its last question was not answered
    bool asking = false;
    Instant due{};
    Instant used{};
    std::chrono::milliseconds pause{0};  ///< after the next failure
    std::vector<std::function<void()>> waiting;
  };
  Entry* entry(std::string_view id) const;
  void tick();
  void question(const std::string& id, Entry& entry);
  void answered(const std::string& id, const Result<http::Response>& response);
  void failed(const std::string& id, Entry& entry, const std::string& why);
  void show();

  GroupServer server_;
  const seal_nrm::Settings& settings_;
  Ports ports_;
  Changed changed_;
  /// Whoever looks makes an entry, although looking changes nothing of what is known.
  mutable std::map<std::string, Entry, std::less<>> entries_;
  std::size_t asking_ = 0;
  std::size_t waiting_ = 0;
  bool away_ = false;
  double followed_shown_ = 0, stale_shown_ = 0;
  runtime::Counter& told_;
  runtime::Counter& untold_;
  runtime::Counter& followed_;  ///< a gauge, as stale_
  runtime::Counter& stale_;
};

}  // namespace lobo::app
