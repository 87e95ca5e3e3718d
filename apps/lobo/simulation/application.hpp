#pragma once
// An application of the virtual world: asks for QoS, changes its mind, hangs up, and believes
// exactly what it was told. What it was told is what the checkers hold the server to.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"

namespace lobo::app::simulation {

/// What an application knows of a subscription that it was given.
struct Known {
  std::string id;
  bool adaptation = false;  ///< of many UEs, else of one
  bool confirmed = false;   ///< its 201 was read
  bool releasing = false;   ///< a DELETE was sent; what became of it may be unknown
  bool released = false;    ///< 204 or 404 was read
  std::uint64_t sequence_max = 0;
  std::set<std::uint64_t> sequences;    ///< of the notifications that arrived
  std::vector<std::uint64_t> arrivals;  ///< in order of arrival, repetitions too
  bool terminated = false;              ///< told so by a notification
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
    bool adapts = true;                  ///< asks for adaptations as well
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

  const std::map<std::string, Known>& known() const { return known_; }
  const Setup& setup() const { return setup_; }
  /// Ids that the server listed at the last complete look.
  const std::set<std::string>& listed() const { return listed_; }
  bool idle() const { return under_way_ == 0; }

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
  std::optional<std::string> any_held();
  void created(const Result<http::Response>& response, std::string_view collection,
               const std::string& key, const std::string& body);

  Setup setup_;
  sim::SimLoop& loop_;
  Rng& rng_;
  std::unique_ptr<runtime::HttpClient> client_;
  std::map<std::string, Known> known_;
  std::set<std::string> listed_;
  std::uint64_t key_last_ = 0;
  std::size_t under_way_ = 0;
  std::function<void(const Told&)> told_;
  std::function<void(const Known&)> confirmed_;
};

}  // namespace lobo::app::simulation
