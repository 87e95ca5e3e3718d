#include "graph/core_driver.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "services/core_sim/callbacks.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

namespace {
/// How long a callback may wait for its answer before it counts as unanswered.
constexpr std::chrono::milliseconds callback_deadline{3000};
}  // namespace

CoreDriver::CoreDriver(const core_sim::CoreConfig& config, Rng& rng, runtime::Scheduler& scheduler,
                       const Clock& clock, runtime::HttpClient& callbacks)
    : core_(config, rng), scheduler_(scheduler), clock_(clock), callbacks_(callbacks) {}

CoreDriver::~CoreDriver() { scheduler_.cancel(wake_); }

void CoreDriver::handle(http::Request request, ReplyFn reply) {
  auto output = core_.handle(request, clock_.now());
  send(std::move(output.callbacks));
  arm();
  http::Response response = output.response.value_or(http::Response{});
  if (output.refuse)
    response.delivery = http::Delivery::none;
  else if (output.close_midway)
    response.delivery = http::Delivery::cut_short;
  else if (!output.response)
    return;  // Never answered: the client's patience decides.
  if (output.delay.count() == 0) return reply(std::move(response));
  scheduler_.after(output.delay,
                   [reply = std::move(reply), response = std::move(response)] { reply(response); });
}

void CoreDriver::send(std::vector<core_sim::OutgoingCallback> callbacks) {
  for (auto& callback : callbacks)
    callbacks_.send(std::move(callback.request), callback_deadline,
                    [this, id = callback.id,
                     alive = std::weak_ptr<bool>(alive_)](const Result<http::Response>& response) {
                      if (!alive.lock()) return;
                      core_.answered(id, response ? &*response : nullptr, clock_.now());
                      arm();
                    });
}

void CoreDriver::start_n4(SendN4 send) {
  send_n4_ = std::move(send);
  arm();
}

void CoreDriver::receive_n4(const core_sim::N4Endpoint& from, Bytes datagram) {
  core_.receive(from, datagram, clock_.now());
  arm();
}

void CoreDriver::send_n4() {
  if (!send_n4_) return;
  for (const auto& datagram : core_.take_datagrams()) send_n4_(datagram);
}

// After each event: what it made leaves, and what is due next wakes us.
void CoreDriver::arm() {
  send_n4();
  scheduler_.cancel(wake_);
  wake_ = 0;
  const auto due = core_.next_due();
  if (!due) return;
  const auto delay = std::max(*due - clock_.now(), Instant::duration::zero());
  wake_ = scheduler_.after(delay, [this] {
    wake_ = 0;
    send(core_.tick(clock_.now()));
    arm();
  });
}

}  // namespace lobo::app
