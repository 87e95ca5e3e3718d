#pragma once
// Media in files of one folder, for an asset repository: written part by part, durable as a whole.
//
// A file is written as NAME.part. Its last part is followed by fsync, rename to NAME and fsync of
// the folder; only then is anybody told. So after a crash a file of that name is whole, and every
// .part that nobody speaks of is rubbish. Writing and syncing tens of megabytes takes a disk
// seconds: a thread of its own does it, one write after the other.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::media {

inline constexpr std::size_t writes_waiting_max = 16;  ///< what comes beyond is refused

class MediaFiles {
 public:
  using Done = std::function<void(Result<void>)>;
  struct Config {
    std::string folder;                                 ///< made where it is not there
    std::uint64_t bytes_max = std::uint64_t{1} << 30U;  ///< of all files together
  };
  /// `scheduler` outlives it.
  static Result<std::unique_ptr<MediaFiles>> open(Config config, runtime::Scheduler& scheduler);
  /// Ends what was begun; nobody is told any more.
  ~MediaFiles();
  MediaFiles(const MediaFiles&) = delete;
  MediaFiles& operator=(const MediaFiles&) = delete;

  /// Names are letters, digits, '-' and '_': never a path. `done` is called on the loop.
  void write(std::string file, std::uint64_t offset, std::string octets, bool last, Done done);
  Result<std::string> read(std::string_view file, std::uint64_t offset, std::uint64_t bytes) const;
  void erase(std::string_view file);
  /// Erases all that is not among `files`, complete or not.
  Result<void> keep_only(const std::vector<std::string>& files);

 private:
  struct Write {
    std::string file;
    std::uint64_t offset;
    std::string octets;
    bool last;
    Done done;
  };
  MediaFiles(Config config, runtime::Scheduler& scheduler);
  void work();
  Result<void> perform(const Write& write) const;
  std::filesystem::path at(std::string_view file) const;
  void count();

  Config config_;
  runtime::Scheduler& scheduler_;
  std::uint64_t bytes_used_ = 0;  ///< of the loop: with what is on its way
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< of the loop, too
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> queue_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lobo::adapters::media
