#include "adapters/media/media_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::media {
namespace {

class OpenFile {
 public:
  OpenFile(const std::filesystem::path& path, int flags) : fd_(::open(path.c_str(), flags, 0640)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> failed(std::string_view what, const std::filesystem::path& path) {
  const auto why = std::error_code(errno, std::generic_category()).message();
  return fail(Errc::unavailable, fmt::format("cannot {} {}: {}", what, path.string(), why));
}

Result<void> synced(const std::filesystem::path& path, int flags) {
  const OpenFile file(path, flags);
  if (file.fd() < 0 || ::fsync(file.fd()) != 0) return failed("sync", path);
  return {};
}

bool is_name(std::string_view file) {
  return !file.empty() && std::ranges::all_of(file, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

std::filesystem::path part_of(std::filesystem::path path) { return path += ".part"; }

}  // namespace

MediaFiles::MediaFiles(Config config, runtime::Scheduler& scheduler)
    : config_(std::move(config)), scheduler_(scheduler), thread_([this] { work(); }) {}

Result<std::unique_ptr<MediaFiles>> MediaFiles::open(Config config, runtime::Scheduler& scheduler) {
  std::error_code why;
  std::filesystem::create_directories(config.folder, why);
  if (why)
    return fail(Errc::unavailable,
                fmt::format("cannot make the folder {}: {}", config.folder, why.message()));
  std::unique_ptr<MediaFiles> out(new MediaFiles(std::move(config), scheduler));
  out->count();
  return out;
}

MediaFiles::~MediaFiles() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::filesystem::path MediaFiles::at(std::string_view file) const {
  require(is_name(file));  // Names are ours.
  return std::filesystem::path(config_.folder) / file;
}

/// Once at the start and after a clean-up; between them each write and each erase counts itself.
void MediaFiles::count() {
  bytes_used_ = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(config_.folder, ignored))
    if (entry.is_regular_file(ignored)) bytes_used_ += entry.file_size(ignored);
}

void MediaFiles::write(std::string file, std::uint64_t offset, std::string octets, bool last,
                       Done done) {
  const auto refuse = [&](Error why) {
    scheduler_.post([done, why = std::move(why)] { done(fail(why)); });
  };
  if (bytes_used_ + octets.size() > config_.bytes_max)
    return refuse({Errc::too_many, "the folder of the media is full", {}});
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= writes_waiting_max)
      return refuse({Errc::too_many, "the disk has too many media to write", {}});
    bytes_used_ += octets.size();
    queue_.push_back({std::move(file), offset, std::move(octets), last, std::move(done)});
  }
  wake_.notify_one();
}

void MediaFiles::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Write next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto result = perform(next);
    const std::uint64_t lost = result ? 0 : next.octets.size();
    scheduler_.post([this, alive = std::weak_ptr<bool>(alive_), lost, done = std::move(next.done),
                     result = std::move(result)] {
      if (alive.expired()) return;
      bytes_used_ -= std::min(lost, bytes_used_);
      done(result);
    });
  }
}

Result<void> MediaFiles::perform(const Write& write) const {
  const auto whole = at(write.file);
  const auto part = part_of(whole);
  std::error_code why;
  if (write.offset > 0 && !std::filesystem::exists(part, why)) {
    // The asset was not told of the last part before a crash: it comes again.
    const auto size = std::filesystem::file_size(whole, why);
    if (!why && size == write.offset + write.octets.size()) return {};
    return fail(Errc::unavailable, "the beginning of " + write.file + " is not there");
  }
  {
    const OpenFile file(part, O_WRONLY | O_CREAT | O_CLOEXEC);
    if (file.fd() < 0) return failed("write", part);
    std::size_t done = 0;
    while (done < write.octets.size()) {
      const auto wrote = ::pwrite(file.fd(), write.octets.data() + done, write.octets.size() - done,
                                  static_cast<off_t>(write.offset + done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return failed("write", part);
      done += static_cast<std::size_t>(wrote);
    }
    if (!write.last) return {};
    if (::fsync(file.fd()) != 0) return failed("sync", part);
  }
  if (::rename(part.c_str(), whole.c_str()) != 0) return failed("rename", part);
  return synced(config_.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

Result<std::string> MediaFiles::read(std::string_view file, std::uint64_t offset,
                                     std::uint64_t bytes) const {
  const auto path = at(file);
  const OpenFile open(path, O_RDONLY | O_CLOEXEC);
  if (open.fd() < 0) return failed("read", path);
  std::string out(static_cast<std::size_t>(bytes), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got =
        ::pread(open.fd(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return fail(Errc::unavailable, path.string() + " is shorter than it was");
    done += static_cast<std::size_t>(got);
  }
  return out;
}

void MediaFiles::erase(std::string_view file) {
  for (const auto& path : {at(file), part_of(at(file))}) {
    std::error_code why;
    const auto size = std::filesystem::file_size(path, why);
    if (!why && std::filesystem::remove(path, why)) bytes_used_ -= std::min(size, bytes_used_);
  }
}

Result<void> MediaFiles::keep_only(const std::vector<std::string>& files) {
  std::set<std::string> known;
  for (const auto& file : files) {
    known.insert(file);
    known.insert(file + ".part");
  }
  std::error_code why;
  std::vector<std::filesystem::path> rubbish;
  for (const auto& entry : std::filesystem::directory_iterator(config_.folder, why))
    if (!known.contains(entry.path().filename().string())) rubbish.push_back(entry.path());
  if (why) return fail(Errc::unavailable, "cannot read the folder " + config_.folder);
  for (const auto& path : rubbish) std::filesystem::remove(path, why);
  count();
  return {};
}

}  // namespace lobo::adapters::media
