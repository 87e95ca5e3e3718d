#include "adapters/udp/readiness.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/loop.hpp"

namespace lobo::adapters {

/// Outlives its owner where a callback is still under way.
struct Readiness::State : std::enable_shared_from_this<State> {
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

  State(EventLoop& loop, int file, std::function<void()> on_readable)
      : descriptor(loop.impl().io.get_executor(), file), work(std::move(on_readable)) {}

  void wait() {
    descriptor.async_wait(Descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (error || !self->wanted) return;
                            self->work();
                            if (self->wanted) self->wait();
                          });
  }

  Descriptor descriptor;
  std::function<void()> work;
  bool wanted = true;
};

Readiness::Readiness(EventLoop& loop, int descriptor, std::function<void()> work)
    : state_(std::make_shared<State>(loop, descriptor, std::move(work))) {
  state_->wait();
}

Readiness::~Readiness() {
  state_->wanted = false;
  state_->descriptor.release();  // the descriptor is the owner's to close
}

}  // namespace lobo::adapters
