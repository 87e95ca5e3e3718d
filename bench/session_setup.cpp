// Sessions of the enabler set up one after the other at a fixed rate, as an application has them:
// HTTP create, the node's connection, the flow let in, and the first datagram of what others in the
// room publish. Each is a new UE with a session of its own; the rate does not wait for answers.
// Says "ready" once the publishers are there, and begins with the next line of standard input.
// Prints one JSON object: how many nanoseconds until the last was served, and what each took.
// Leaves, and waits until all is released, when standard input ends.
//
//   session_setup ENABLER CA-FILE RATE COUNT PREFIX
#include <lobodon/mmec.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto patience = 30s;
constexpr auto publish_every = 500ms;  // who joins has the newest state at once
constexpr std::size_t per_room = 20;   // beside the one who publishes
constexpr std::size_t slices = 64;

struct Close {
  void operator()(lobo_mmec* client) const { lobo_mmec_close(client); }
};

/// One UE with its session.
class Ue {
 public:
  Ue(const char* enabler, const char* ca_file, std::string name, const std::string& room,
     int direction)
      : name_(std::move(name)), asset_("urn:avatar:" + name_) {
    const lobo_mmec_asset asset{asset_.c_str(), "avatar", direction, LOBO_MMEC_R0_NEWEST, 20, 0};
    lobo_mmec_settings settings = LOBO_MMEC_SETTINGS_INIT;
    settings.enabler = enabler;
    settings.ca_file = ca_file;
    settings.ue = name_.c_str();
    settings.service = "xr";
    settings.room = room.c_str();
    settings.assets = &asset;
    settings.assets_count = 1;
    settings.without_policies = 1;
    const lobo_mmec_callbacks callbacks{
        sizeof(lobo_mmec_callbacks), this,
        [](void* user, const lobo_mmec_state*) { static_cast<Ue*>(user)->heard(); },
        [](void* user, const lobo_mmec_event* event) { static_cast<Ue*>(user)->told(*event); }};
    std::array<char, 512> error{};
    began_ = Clock::now();
    client_.reset(lobo_mmec_open(&settings, &callbacks, error.data(), error.size()));
    if (!client_) failed_ = error.data();
  }
  // The library knows where it is.
  Ue(const Ue&) = delete;
  Ue& operator=(const Ue&) = delete;

  void poll() {
    if (client_) lobo_mmec_poll(client_.get(), 0);
  }
  void publish() { (void)lobo_mmec_publish(client_.get(), 0, 0, "state", 5, nullptr); }
  void leave() {
    if (client_) (void)lobo_mmec_leave(client_.get(), 1);
  }
  bool up() const { return client_ && lobo_mmec_phase(client_.get()) == LOBO_MMEC_UP; }
  bool ended() const { return !client_ || lobo_mmec_phase(client_.get()) == LOBO_MMEC_ENDED; }
  /// Heard somebody, or never will.
  bool done() const { return first_ != Clock::time_point{} || !failed_.empty(); }
  const std::string& failed() const { return failed_; }
  std::chrono::nanoseconds took() const { return first_ - began_; }
  Clock::time_point first() const { return first_; }

 private:
  void heard() {
    if (first_ == Clock::time_point{}) first_ = Clock::now();
  }
  void told(const lobo_mmec_event& event) {
    if ((event.kind == LOBO_MMEC_EVENT_REFUSED || event.kind == LOBO_MMEC_EVENT_ENDED) && !done())
      failed_ = event.detail;
  }

  std::string name_;
  std::string asset_;
  std::string failed_;
  Clock::time_point began_;
  Clock::time_point first_{};
  std::unique_ptr<lobo_mmec, Close> client_;
};

using Ues = std::vector<std::unique_ptr<Ue>>;

/// Who waits is polled each time, so that the crowd that is already there delays nobody; of that
/// crowd a slice.
void poll(const Ues& ues, std::size_t turn) {
  for (std::size_t i = 0; i < ues.size(); ++i)
    if (!ues[i]->done() || i % slices == turn % slices) ues[i]->poll();
}

template <class Done>
bool until(const Ues& publishers, const Ues& ues, const Done& done) {
  const auto limit = Clock::now() + patience;
  auto publish = Clock::now();
  for (std::size_t turn = 0; !done(); ++turn) {
    if (Clock::now() > limit) return false;
    if (Clock::now() >= publish) {
      for (const auto& ue : publishers)
        if (ue->up()) ue->publish();
      publish += publish_every;
    }
    poll(publishers, turn);
    poll(ues, turn);
  }
  return true;
}

int complain(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "session_setup: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
  return 1;
}

std::size_t number(std::string_view text) {
  std::size_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

int run(const char* enabler, const char* ca_file, std::size_t rate, std::size_t count,
        const std::string& prefix) {
  Ues publishers;
  Ues ues;
  const auto room = [&](std::size_t i) { return prefix + "room" + std::to_string(i / per_room); };
  for (std::size_t i = 0; i < count; i += per_room)
    publishers.push_back(std::make_unique<Ue>(
        enabler, ca_file, prefix + "publisher" + std::to_string(i), room(i), LOBO_MMEC_PUB));
  const auto all = [](const Ues& some, bool (Ue::*so)() const) {
    return std::all_of(some.begin(), some.end(), [&](const auto& ue) { return (*ue.*so)(); });
  };
  if (!until(publishers, ues, [&] { return all(publishers, &Ue::up); }))
    return complain("a publisher did not come up", publishers.front()->failed());
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 0;

  const auto began = Clock::now();
  const auto between = std::chrono::nanoseconds(1s) / rate;
  const bool came = until(publishers, ues, [&] {
    while (ues.size() < count && Clock::now() >= began + between * ues.size())
      ues.push_back(std::make_unique<Ue>(enabler, ca_file, prefix + std::to_string(ues.size()),
                                         room(ues.size()), LOBO_MMEC_BIDI));
    return ues.size() == count && all(ues, &Ue::done);
  });
  for (const auto& ue : ues)
    if (!ue->failed().empty()) return complain("a session failed", ue->failed());
  if (!came) return complain("in time", "not every UE heard somebody");
  Clock::time_point last;
  for (const auto& ue : ues) last = std::max(last, ue->first());
  std::printf("{\"nanoseconds\": %lld, \"microseconds\": [",
              static_cast<long long>(std::chrono::nanoseconds(last - began).count()));
  for (const auto& ue : ues)
    std::printf("%s%lld", ue == ues.front() ? "" : ", ",
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::microseconds>(ue->took()).count()));
  std::printf("]}\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;

  for (const auto& ue : ues) ue->leave();
  for (const auto& ue : publishers) ue->leave();
  until(publishers, ues, [&] { return all(ues, &Ue::ended) && all(publishers, &Ue::ended); });
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::span all(words, static_cast<std::size_t>(count));
  if (all.size() != 6) {
    std::fprintf(stderr, "session_setup ENABLER CA-FILE RATE COUNT PREFIX\n");
    return 2;
  }
  return run(all[1], all[2], number(all[3]), number(all[4]), all[5]);
}
