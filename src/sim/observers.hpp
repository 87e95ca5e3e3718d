#pragma once
// Log, metrics and identity of the virtual world: plain memory, to be read by tests and checkers.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::sim {

/// Keeps the last events_kept_max lines.
class SimLog final : public runtime::Log {
 public:
  static constexpr std::size_t events_kept_max = 10000;
  struct Event {
    runtime::Level level;
    std::string name;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  void event(runtime::Level level, std::string_view name,
             std::initializer_list<runtime::Field> fields) override;
  const std::vector<Event>& events() const { return events_; }

 private:
  std::vector<Event> events_;
};

class SimMetrics final : public runtime::Metrics {
 public:
  runtime::Counter& counter(std::string_view name, const runtime::Labels& labels) override;
  runtime::Counter& gauge(std::string_view name, const runtime::Labels& labels) override;
  runtime::Histogram& histogram(std::string_view name, const runtime::Labels& labels) override;
  /// The sum over all label sets of that name; 0 where there is none.
  double total(std::string_view name) const;

 private:
  struct Cell final : runtime::Counter, runtime::Histogram {
    double value = 0;
    void add(double amount) override { value += amount; }
    void observe(double) override { value += 1; }
  };
  Cell& cell(std::string_view name, const runtime::Labels& labels);
  std::map<std::string, std::unique_ptr<Cell>, std::less<>> cells_;
};

/// Believes the header x-lobo-client: who asks in a virtual world is whoever the scenario says.
class SimAuthenticator final : public runtime::Authenticator {
 public:
  explicit SimAuthenticator(std::vector<std::string> scopes) : scopes_(std::move(scopes)) {}
  void authenticate(const http::Request& request, Instant now,
                    std::function<void(Result<resource::Principal>)> done) override;

 private:
  std::vector<std::string> scopes_;
};

}  // namespace lobo::sim
