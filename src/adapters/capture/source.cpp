#include "adapters/capture/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/reader.hpp"

namespace lobo::adapters {
namespace {

/// Stays in a core's second-level cache, and is large enough that the read calls do not count.
constexpr std::size_t buffer_bytes = std::size_t{512} << 10U;
static_assert(buffer_bytes > capture::packet_bytes_max);

}  // namespace

CaptureSource::CaptureSource(std::string path, UniqueFile file)
    : path_(std::move(path)),
      file_(std::move(file)),
      identity_(identity_of(file_.get())),
      buffer_(buffer_bytes),
      total_(identity_.bytes) {}

Result<CaptureSource> CaptureSource::open(const std::string& path) {
  if (path == "-") return CaptureSource("standard input", UniqueFile(STDIN_FILENO, false));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? Errc::not_found : Errc::refused,
                fmt::format("{}: {}", path, std::strerror(errno)));
  return CaptureSource(path, UniqueFile(fd, true));
}

/// Whether at least `wanted` bytes are there now.
bool CaptureSource::fill(std::size_t wanted) {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= begin_;
    begin_ = 0;
  }
  // Bound: no item is longer than a block of pcapng may be.
  if (wanted > buffer_.size())
    buffer_.resize(std::min<std::size_t>(wanted, capture::block_bytes_max));
  while (filled_ < wanted && !file_ended_) {
    const ssize_t count = ::read(file_.get(), buffer_.data() + filled_, buffer_.size() - filled_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error_ = errno;
    if (count <= 0) file_ended_ = true;
    if (count > 0) filled_ += static_cast<std::size_t>(count);
  }
  return filled_ >= wanted;
}

const capture::Item* CaptureSource::next() {
  if (end_ != End::none) return nullptr;
  for (;;) {
    auto step = reader_.next(Bytes(buffer_).subspan(begin_, filled_ - begin_));
    switch (step.status) {
      case capture::Reader::Status::item:
        item_ = step.item;
        begin_ += step.size;
        offset_ += step.size;
        if (item_.kind == capture::Item::Kind::packet) ++packets_;
        if (item_.kind == capture::Item::Kind::damaged) ++damaged_;
        return &item_;
      case capture::Reader::Status::broken:
        broken_ = step.broken;
        end_ = End::broken;
        return nullptr;
      case capture::Reader::Status::need_more: break;
    }
    if (fill(step.size)) continue;
    // An empty file is no capture; one that ends where an item would begin is whole.
    const bool whole = filled_ == 0 && offset_ > 0;
    end_ = error_ != 0 ? End::unreadable : whole ? End::whole : End::cut;
    return nullptr;
  }
}

std::string CaptureSource::what_is_wrong() const {
  switch (end_) {
    case End::none:
    case End::whole: return {};
    case End::cut:
      if (offset_ == 0 && filled_ == 0) return fmt::format("{} is empty", path_);
      return fmt::format(
          "{} is cut in the middle: it ends {} bytes into the item at byte {}, behind "
          "packet {}",
          path_, filled_ - begin_, offset_, packets_);
    case End::broken:
      return fmt::format("{}: {}, at byte {}, behind packet {}", path_, to_string(broken_), offset_,
                         packets_);
    case End::unreadable:
      return fmt::format("{} cannot be read at byte {}: {}", path_, offset_, std::strerror(error_));
  }
  std::abort();
}

}  // namespace lobo::adapters
