#include "runtime/replies.hpp"

#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::runtime {

Replies::Replies(Scheduler& scheduler, const Clock& clock)
    : scheduler_(scheduler),
      clock_(clock),
      last_(static_cast<resource::RequestId>(clock.now().time_since_epoch().count())) {}

Replies::~Replies() { scheduler_.cancel(sweeping_); }

std::optional<resource::RequestId> Replies::wait(HttpHandler::ReplyFn reply) {
  if (waiting_.size() >= waiting_requests_max) return std::nullopt;
  waiting_.emplace(++last_, Waiting{std::move(reply), clock_.now()});
  if (sweeping_ == 0) sweeping_ = scheduler_.after(waiting_request_age_max, [this] { sweep(); });
  return last_;
}

void Replies::reply(resource::RequestId request, http::Response response) {
  const auto found = waiting_.find(request);
  if (found == waiting_.end()) return;
  const auto answer = std::move(found->second.reply);
  waiting_.erase(found);
  answer(std::move(response));
}

void Replies::sweep() {
  sweeping_ = 0;
  const Instant now = clock_.now();
  while (!waiting_.empty() && waiting_.begin()->second.since + waiting_request_age_max <= now)
    reply(
        waiting_.begin()->first,
        http::problem(Error{
            Errc::timeout, "No answer in time; read the resource to see what became of it.", {}}));
  if (waiting_.empty()) return;
  const auto oldest = waiting_.begin()->second.since + waiting_request_age_max;
  sweeping_ = scheduler_.after(oldest - now, [this] { sweep(); });
}

}  // namespace lobo::runtime
