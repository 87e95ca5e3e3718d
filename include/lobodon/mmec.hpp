#pragma once
// The client of the metaverse enabler for C++17 and later: a header over mmec.h, which says what
// everything means. Nothing here is compiled into the library.

#include <lobodon/mmec.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace lobodon {

struct MmecError : std::runtime_error {
  MmecError(int failed_with, const std::string& what)
      : std::runtime_error(what), code(failed_with) {}
  int code;
};

/// Callbacks may throw: what they throw comes out of poll().
class Mmec {
 public:
  std::function<void(const lobo_mmec_state&)> on_state;
  std::function<void(const lobo_mmec_event&)> on_event;

  explicit Mmec(const lobo_mmec_settings& settings) {
    const lobo_mmec_callbacks callbacks{
        sizeof(lobo_mmec_callbacks), this,
        [](void* user, const lobo_mmec_state* state) { static_cast<Mmec*>(user)->tell(*state); },
        [](void* user, const lobo_mmec_event* event) { static_cast<Mmec*>(user)->tell(*event); }};
    std::array<char, 1024> error{};
    client_.reset(lobo_mmec_open(&settings, &callbacks, error.data(), error.size()));
    if (!client_) throw MmecError(LOBO_MMEC_INVALID, error.data());
  }
  // The library knows where it is.
  Mmec(const Mmec&) = delete;
  Mmec& operator=(const Mmec&) = delete;

  int poll(int timeout_ms) {
    const int phase = lobo_mmec_poll(client_.get(), timeout_ms);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    return check(phase);
  }
  int phase() const { return lobo_mmec_phase(client_.get()); }
  void leave(bool end_session = false) { check(lobo_mmec_leave(client_.get(), end_session)); }

  /// False: it waits, and the next state may take its place.
  bool publish(std::uint8_t component, const void* data, std::size_t size, std::uint32_t flow = 0) {
    return check(lobo_mmec_publish(client_.get(), flow, component, data, size, nullptr)) == 1;
  }
  void want(std::uint32_t flow, std::uint32_t components, double rate_hz = 0,
            std::uint32_t nearest = 0) {
    check(lobo_mmec_want(client_.get(), flow, components, rate_hz, nearest));
  }
  void use(const std::string& token) {
    check(lobo_mmec_use(client_.get(), token.c_str(), nullptr, nullptr));
  }
  void path_changed() { check(lobo_mmec_path_changed(client_.get())); }

  std::string session() const { return lobo_mmec_session(client_.get()); }
  std::vector<lobo_mmec_flow> flows() const {
    std::vector<lobo_mmec_flow> all(256);
    const int count = lobo_mmec_flows(client_.get(), all.data(), all.size());
    all.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return all;
  }
  lobo_mmec_stats stats() const {
    lobo_mmec_stats out = LOBO_MMEC_STATS_INIT;
    lobo_mmec_measure(client_.get(), &out);
    return out;
  }
  lobo_mmec* c() const { return client_.get(); }

 private:
  struct Close {
    void operator()(lobo_mmec* client) const { lobo_mmec_close(client); }
  };
  int check(int result) const {
    if (result < 0) throw MmecError(result, lobo_mmec_error(client_.get()));
    return result;
  }
  // No exception crosses the library.
  template <class What>
  void tell(const What& what) noexcept {
    try {
      if constexpr (std::is_same_v<What, lobo_mmec_state>) {
        if (on_state) on_state(what);
      } else {
        if (on_event) on_event(what);
      }
    } catch (...) { thrown_ = std::current_exception(); }
  }

  std::exception_ptr thrown_;
  std::unique_ptr<lobo_mmec, Close> client_;
};

}  // namespace lobodon
