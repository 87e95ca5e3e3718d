#include "adapters/http/loop.hpp"

#include <sys/mman.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "adapters/http/asio_loop.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters {

void Unmap::operator()(char* pages) const { ::munmap(pages, read_buffer_bytes); }

void EventLoop::Impl::arm() {
  if (timers.empty()) return;
  const auto first = timers.begin()->first.first;
  if (first >= armed) return;  // it wakes early enough; a cancelled timer costs one idle wake-up
  armed = first;
  timer.expires_at(first);
  timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) fire();  // else replaced by an earlier one
  });
}

void EventLoop::Impl::fire() {
  armed = SteadyTime::max();
  const auto now = std::chrono::steady_clock::now();
  while (!timers.empty() && timers.begin()->first.first <= now) {
    auto node = timers.extract(timers.begin());
    due.erase(node.key().second);
    node.mapped()();
  }
  arm();
}

ReadBuffer EventLoop::Impl::lend() {
  if (spare.empty()) {
    void* pages = ::mmap(nullptr, read_buffer_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();  // as `new` would
    return ReadBuffer(static_cast<char*>(pages));
  }
  auto buffer = std::move(spare.back());
  spare.pop_back();
  return buffer;
}

void EventLoop::Impl::give_back(ReadBuffer buffer) {
  if (buffer && spare.size() < spare_buffers_max) spare.push_back(std::move(buffer));
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

runtime::Scheduler::TimerId EventLoop::after(std::chrono::microseconds delay,
                                             std::function<void()> work) {
  const auto id = ++impl_->last_id;
  const auto at = std::chrono::steady_clock::now() + delay;
  impl_->timers.emplace(Impl::Key{at, id}, std::move(work));
  impl_->due.emplace(id, at);
  impl_->arm();
  return id;
}

void EventLoop::cancel(TimerId timer) {
  const auto found = impl_->due.find(timer);
  if (found == impl_->due.end()) return;
  const auto node = impl_->timers.extract(Impl::Key{found->second, timer});
  impl_->due.erase(found);
  // The work dies here, after the tables are consistent: what it holds may cancel timers itself.
}

void EventLoop::post(std::function<void()> work) { asio::post(impl_->io, std::move(work)); }

void EventLoop::run() {
  impl_->io.restart();
  const auto guard = asio::make_work_guard(impl_->io);
  impl_->io.run();
}

void EventLoop::stop() { impl_->io.stop(); }

namespace {

void await_signal(EventLoop::Impl& impl) {
  impl.signal_set.async_wait([&impl](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (const auto found = impl.signals.find(signal); found != impl.signals.end()) found->second();
    await_signal(impl);
  });
}

}  // namespace

void EventLoop::on_signal(int signal, std::function<void()> work) {
  const bool first = impl_->signals.empty();
  impl_->signals[signal] = std::move(work);
  impl_->signal_set.add(signal);
  if (first) await_signal(*impl_);
}

}  // namespace lobo::adapters
