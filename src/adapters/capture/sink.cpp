#include "adapters/capture/sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"

namespace lobo::adapters {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10U;
constexpr mode_t new_file_mode = 0644;

}  // namespace

ByteSink::ByteSink(std::string path, UniqueFile file, NewFile made)
    : path_(std::move(path)),
      file_(std::move(file)),
      made_(std::move(made)),
      buffer_(buffer_bytes) {}

Result<ByteSink> ByteSink::open(const std::string& path, std::span<const FileIdentity> inputs) {
  const bool standard = path == "-";
  const auto target = standard ? identity_of(STDOUT_FILENO) : identity_of_path(path.c_str());
  const std::string name = standard ? "standard output" : path;
  if (std::ranges::any_of(inputs, [&](const FileIdentity& one) { return target.same_file(one); }))
    return fail(Errc::conflict, fmt::format("{} is a file that is read", name));
  if (standard) return ByteSink(name, UniqueFile(STDOUT_FILENO, false), {});
  constexpr int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  int fd = ::open(path.c_str(), flags | O_EXCL, new_file_mode);
  NewFile made(fd < 0 ? std::string() : path);
  if (fd < 0) fd = ::open(path.c_str(), flags, new_file_mode);
  if (fd < 0) return fail(Errc::refused, fmt::format("{}: {}", path, std::strerror(errno)));
  return ByteSink(path, UniqueFile(fd, true), std::move(made));
}

void ByteSink::write_out(Bytes bytes) {
  if (bytes.empty()) return;
  made_.keep();
  // A standard stream is its opener's: it may stand behind what others wrote.
  if (!std::exchange(begun_, true) && file_.ours() && identity_of(file_.get()).regular &&
      ::ftruncate(file_.get(), 0) != 0)
    error_ = errno;
  while (!bytes.empty() && error_ == 0) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      error_ = errno;
    else
      bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void ByteSink::write(Bytes bytes) {
  if (bytes.size() > buffer_.size() - used_) {
    write_out(Bytes(buffer_).first(used_));
    used_ = 0;
    if (bytes.size() > buffer_.size()) return write_out(bytes);
  }
  std::ranges::copy(bytes, buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ += bytes.size();
}

void ByteSink::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

MutableBytes ByteSink::room(std::size_t size) {
  require(size <= room_max);
  if (size > buffer_.size() - used_) {
    write_out(Bytes(buffer_).first(used_));
    used_ = 0;
    if (size > buffer_.size()) buffer_.resize(size);
  }
  return MutableBytes(buffer_).subspan(used_);
}

Result<void> ByteSink::flush() {
  write_out(Bytes(buffer_).first(used_));
  used_ = 0;
  if (error_ == 0) return {};
  return fail(Errc::refused, fmt::format("{}: {}", path_, std::strerror(error_)));
}

Result<void> ByteSink::close() {
  made_.keep();
  auto done = flush();
  if (!file_.close() && done)
    return fail(Errc::refused, fmt::format("{}: {}", path_, std::strerror(errno)));
  return done;
}

}  // namespace lobo::adapters
