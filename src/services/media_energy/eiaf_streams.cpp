// Events on E5 as they happen: one answer whose body grows (text/event-stream), beside the long
// poll. Both read the same ring of events, so that whoever is cut off resumes where it was, or is
// told what it missed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e5.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace state = api::state::media_energy;

namespace {

using BodyState = http::GrowingBody::State;

/// One event of the stream. JSON is written in one line, as a field of the format has to be.
std::string event_text(std::string_view name, std::uint64_t id, std::string_view data) {
  std::string out = "id: " + std::to_string(id) + "\nevent: ";
  out += name;
  out += "\ndata: ";
  out += data;
  return out += "\n\n";
}

}  // namespace

std::size_t Eiaf::streams() const {
  std::size_t all = 0;
  for (const auto& [id, streams] : streams_) all += streams.size();
  return all;
}

void Eiaf::stream(const std::string& id, const std::string& body, Instant now) {
  const auto asked = json::read<state::Stream>(body);
  if (!asked) return;
  const auto refuse = [&](Errc code, std::string why) {
    dues_.answers.push_back({asked->request, http::problem(Error{code, std::move(why), {}})});
  };
  const auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return refuse(Errc::not_found, "no such subscription");
  // Readers that are gone give their places back before anybody is refused.
  std::size_t all = 0;
  std::size_t of_client = 0;
  for (auto& [key, streams] : streams_) {
    std::erase_if(streams, [](const Stream& one) { return one.body->state() != BodyState::open; });
    all += streams.size();
    of_client +=
        static_cast<std::size_t>(std::ranges::count(streams, asked->client, &Stream::client));
  }
  std::erase_if(streams_, [](const auto& one) { return one.second.empty(); });
  if (all >= streams_max)
    return refuse(Errc::unavailable, "there are as many streams of events as there may be");
  if (of_client >= streams_per_client_max)
    return refuse(Errc::too_many, "this client has as many streams of events as it may");
  auto& streams = streams_[id];
  if (streams.size() >= streams_per_subscription_max) {  // A reader that came back left this one.
    streams.front().body->end();
    streams.erase(streams.begin());
  }
  auto& made = streams.emplace_back();
  made.client = asked->client;
  // What there is already goes out at once, before anybody can have read of it.
  std::size_t backlog = 0;
  for (const auto& event : found->second.events)
    backlog += event_text("report", event.sequence, json::write(event)).size();
  made.body = std::make_shared<http::GrowingBody>(stream_unsent_bytes_max + backlog);
  made.after = asked->after;
  made.began = now;
  made.said = now;
  made.body->append("retry: " + std::to_string(stream_retry.count()) + "\n\n");
  http::Response answer{
      200, {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}}, {}};
  growing_->offer(answer, made.body);
  dues_.answers.push_back({asked->request, std::move(answer)});
  feed(id, found->second, now);
}

/// False where nobody reads it any more.
bool Eiaf::feed_one(const Subscription& subscription, Stream& stream, Instant now) const {
  for (const auto& event : subscription.events) {
    if (event.sequence <= stream.after) continue;
    const auto missed = stream.after > 0 && event.sequence != stream.after + 1;
    if (missed &&
        !stream.body->append(event_text("lost", stream.after,
                                        R"({"after":)" + std::to_string(stream.after) +
                                            R"(,"next":)" + std::to_string(event.sequence) + '}')))
      return false;
    if (!stream.body->append(event_text("report", event.sequence, json::write(event))))
      return false;
    stream.after = event.sequence;
    stream.said = now;
  }
  if (now >= stream.began + stream_life) {
    stream.body->end();
    return false;
  }
  if (now >= stream.said + stream_heartbeat) {
    stream.said = now;
    stream.body->append(":\n\n");
  }
  return stream.body->state() == BodyState::open;
}

void Eiaf::feed(const std::string& id, Subscription& subscription, Instant now) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  std::erase_if(found->second,
                [&](Stream& stream) { return !feed_one(subscription, stream, now); });
  if (found->second.empty())
    streams_.erase(found);
  else
    subscription.active = now;
}

void Eiaf::end_streams(const std::string& id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  for (const auto& stream : found->second) stream.body->end();
  streams_.erase(found);
}

}  // namespace lobo::media_energy
