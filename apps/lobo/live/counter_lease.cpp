#include "live/counter_lease.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view head = "lobodon-xrm-counter 1\nfree from ";
constexpr std::size_t file_bytes_max = 128;

}  // namespace

Result<CounterLease> CounterLease::open(const std::string& path) {
  adapters::UniqueFile file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), true);
  if (file.get() < 0) return fail(Errc::refused, fmt::format("{}: {}", path, std::strerror(errno)));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(
        Errc::conflict,
        fmt::format("{}: another process seals under this key and SID: take another SID", path));
  std::array<char, file_bytes_max> text{};
  const auto size = ::pread(file.get(), text.data(), text.size(), 0);
  if (size < 0) return fail(Errc::refused, fmt::format("{}: {}", path, std::strerror(errno)));
  CounterLease lease(std::move(file));
  if (size > 0) {
    const std::string_view all(text.data(), static_cast<std::size_t>(size));
    const auto number = all.starts_with(head) && all.ends_with('\n')
                            ? parse_decimal(all.substr(head.size(), all.size() - head.size() - 1))
                            : std::nullopt;
    if (!number || *number > xrm::counters_per_key)
      return fail(Errc::malformed, fmt::format("{}: this is no file of counters", path));
    lease.first_ = lease.end_ = static_cast<std::uint32_t>(*number);
  }
  if (!lease.cover(lease.first_))
    return fail(Errc::refused, fmt::format("{}: {}", path, std::strerror(errno)));
  return lease;
}

bool CounterLease::write(std::uint32_t end) {
  const std::string text = fmt::format("{}{:010}\n", head, end);
  return ::pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ::fdatasync(file_.get()) == 0;
}

bool CounterLease::cover(std::uint32_t next) {
  if (end_ > next && end_ - next >= lease_block / 2) return true;
  if (end_ == xrm::counters_per_key) return true;  // the sender itself ends there
  const std::uint32_t end = std::min(next, xrm::counters_per_key - lease_block) + lease_block;
  if (!write(end)) return next < end_;
  end_ = end;
  return true;
}

void CounterLease::give_back(std::uint32_t next) {
  if (next < end_ && write(next)) end_ = next;
}

}  // namespace lobo::app
