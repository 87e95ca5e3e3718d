#include "adapters/series/series_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/series/series_record.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::series {
namespace {

constexpr std::string_view prefix = "series-";
constexpr std::string_view suffix = ".seg";
constexpr std::size_t records_in_a_read = 512;
/// A segment is closed when it spans this part of age_max, so that nothing outlives its age by
/// more.
constexpr int segments_in_an_age = 8;

tl::unexpected<Error> disk_failed(const std::string& what, const std::filesystem::path& path) {
  return fail(Errc::unavailable, what + " " + path.string() + ": " + std::strerror(errno));
}

std::optional<std::uint64_t> number_of(const std::string& name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  const char* first = name.data() + prefix.size();
  const char* last = name.data() + name.size() - suffix.size();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(first, last, number, 16);
  if (error != std::errc{} || end != last || number == 0) return std::nullopt;
  return number;
}

/// All of it or an error; a short write of a full disk is an error.
bool write_at(int fd, const RecordOctets& octets, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < octets.size()) {
    const ssize_t wrote =
        ::pwrite(fd, octets.data() + done, octets.size() - done, static_cast<off_t>(offset + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

/// As many octets as there are, up to `size`; nothing on an error.
std::optional<std::size_t> read_at(int fd, std::byte* out, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

struct SeriesLog::Segment {
  struct Entry {
    std::uint32_t brief;
    std::uint32_t place;
    auto operator<=>(const Entry&) const = default;
  };

  Segment(std::uint64_t of, int descriptor) : number(of), fd(descriptor) {}
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { ::close(fd); }

  void add(const StoredRecord& stored, std::uint32_t place) {
    entries.push_back({stored.key.brief(), place});
    earliest = std::min(earliest, stored.record.from);
    latest = std::max(latest, stored.record.to);
  }

  std::uint64_t number;
  int fd;
  std::uint32_t records = 0;  ///< places in the file, damaged ones too
  Instant earliest = Instant::max();
  Instant latest = Instant::min();
  bool sorted = false;  ///< by brief, then place: only when nothing is appended any more
  std::vector<Entry> entries;
};

SeriesLog::SeriesLog(const SeriesLogSettings& settings) : settings_(settings) {}
SeriesLog::~SeriesLog() = default;

std::filesystem::path SeriesLog::path_of(std::uint64_t number) const {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
  return settings_.folder / (std::string(prefix) + digits + std::string(suffix));
}

Result<std::unique_ptr<SeriesLog>> SeriesLog::open(const SeriesLogSettings& settings, Instant now) {
  if (settings.segment_records == 0 || settings.segment_records > segment_records_max ||
      settings.octets_max < 2 * std::uint64_t{settings.segment_records} * record_octets)
    return fail(Errc::out_of_range, "octets_max must hold two segments");
  std::error_code error;
  std::filesystem::create_directories(settings.folder, error);
  if (error) return fail(Errc::unavailable, settings.folder.string() + ": " + error.message());
  std::vector<std::uint64_t> numbers;
  std::filesystem::directory_iterator folder(settings.folder, error);
  for (const std::filesystem::directory_iterator end; !error && folder != end;
       folder.increment(error))
    if (const auto number = number_of(folder->path().filename().string()))
      numbers.push_back(*number);
  if (error) return fail(Errc::unavailable, settings.folder.string() + ": " + error.message());
  std::sort(numbers.begin(), numbers.end());

  std::unique_ptr<SeriesLog> log(new SeriesLog(settings));
  for (const std::uint64_t number : numbers) {
    if (auto loaded = log->load(number, number == numbers.back()); !loaded)
      return tl::unexpected(std::move(loaded.error()));
    log->next_number_ = number + 1;
  }
  // What cannot be deleted now is tried again with each append.
  static_cast<void>(log->delete_old(now));
  return log;
}

Result<void> SeriesLog::load(std::uint64_t number, bool newest) {
  const std::filesystem::path path = path_of(number);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return disk_failed("open", path);
  auto segment = std::make_unique<Segment>(number, fd);
  std::vector<std::byte> block(records_in_a_read * record_octets);
  std::uint32_t whole = 0;  // places up to the last good record
  std::uint64_t damaged = 0;
  std::uint64_t damaged_before = 0;  // … of those
  for (std::size_t got = block.size();
       got == block.size() && segment->records < segment_records_max;) {
    const auto read =
        read_at(fd, block.data(), block.size(), std::uint64_t{segment->records} * record_octets);
    if (!read) return disk_failed("read", path);
    got = *read;
    for (std::size_t at = 0; at + record_octets <= got; at += record_octets) {
      RecordOctets octets;
      std::memcpy(octets.data(), block.data() + at, record_octets);
      const std::uint32_t place = segment->records++;
      const auto stored = decode(octets);
      if (!stored) {
        ++damaged;
        continue;
      }
      segment->add(*stored, place);
      whole = place + 1;
      damaged_before = damaged;
    }
  }
  struct stat info{};
  if (::fstat(fd, &info) != 0) return disk_failed("stat", path);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t good = std::uint64_t{whole} * record_octets;
  counters_.damaged += newest ? damaged_before : damaged;
  if (newest && size > good) {
    // Torn by a crash: nothing after the last good record was ever complete.
    if (::ftruncate(fd, static_cast<off_t>(good)) != 0) return disk_failed("cut", path);
    counters_.octets_cut += size - good;
    segment->records = whole;
  }
  std::sort(segment->entries.begin(), segment->entries.end());
  segment->sorted = true;
  segments_.push_back(std::move(segment));
  return {};
}

Result<void> SeriesLog::begin_segment() {
  const std::filesystem::path path = path_of(next_number_);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return disk_failed("create", path);
  if (!segments_.empty() && !segments_.back()->sorted) {
    std::sort(segments_.back()->entries.begin(), segments_.back()->entries.end());
    segments_.back()->sorted = true;
  }
  segments_.push_back(std::make_unique<Segment>(next_number_++, fd));
  segments_.back()->entries.reserve(settings_.segment_records);
  return {};
}

std::uint64_t SeriesLog::octets() const {
  std::uint64_t sum = 0;
  for (const auto& segment : segments_) sum += std::uint64_t{segment->records} * record_octets;
  return sum;
}

/// Leaves room for one segment more.
Result<void> SeriesLog::delete_old(Instant now) {
  const std::uint64_t room = std::uint64_t{settings_.segment_records} * record_octets;
  while (!segments_.empty()) {
    const Segment& oldest = *segments_.front();
    const bool over = octets() + room > settings_.octets_max;
    const bool aged = oldest.latest < now - settings_.age_max;
    if (!over && !aged) break;
    const std::filesystem::path path = path_of(oldest.number);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      ++counters_.failed;
      return disk_failed("delete", path);
    }
    segments_.pop_front();
    ++counters_.segments_deleted;
  }
  return {};
}

Result<void> SeriesLog::append(std::string_view key, const SeriesRecord& record, Instant now) {
  const bool next = segments_.empty() || segments_.back()->records >= settings_.segment_records ||
                    segments_.back()->earliest < now - settings_.age_max / segments_in_an_age;
  if (next) {
    if (auto deleted = delete_old(now); !deleted) return deleted;
    if (auto begun = begin_segment(); !begun) {
      ++counters_.failed;
      return begun;
    }
  }
  Segment& segment = *segments_.back();
  const StoredRecord stored{Key::of(key), record};
  if (!write_at(segment.fd, encode(stored), std::uint64_t{segment.records} * record_octets)) {
    // Whatever part of it is there, the next record is written over.
    ++counters_.failed;
    return disk_failed("write", path_of(segment.number));
  }
  segment.sorted = false;
  segment.add(stored, segment.records++);
  ++counters_.appended;
  return {};
}

Result<std::vector<SeriesRecord>> SeriesLog::read(std::string_view key, std::uint32_t kinds,
                                                  Instant from, Instant to,
                                                  std::size_t records_max) const {
  const Key wanted = Key::of(key);
  std::vector<SeriesRecord> found;
  for (const auto& segment : segments_) {
    if (segment->earliest >= to || segment->latest <= from) continue;
    auto first = segment->entries.begin();
    auto last = segment->entries.end();
    if (segment->sorted) {
      first = std::lower_bound(first, last, Segment::Entry{wanted.brief(), 0});
      last = std::upper_bound(first, last, Segment::Entry{wanted.brief(), UINT32_MAX});
    }
    for (; first != last; ++first) {
      if (first->brief != wanted.brief()) continue;
      RecordOctets octets;
      const auto got = read_at(segment->fd, octets.data(), octets.size(),
                               std::uint64_t{first->place} * record_octets);
      if (!got) return disk_failed("read", path_of(segment->number));
      const auto stored = *got == octets.size() ? decode(octets) : std::nullopt;
      if (!stored) return fail(Errc::unavailable, "damaged: " + path_of(segment->number).string());
      const SeriesRecord& record = stored->record;
      if (stored->key != wanted || record.kind >= 32 || (kinds >> record.kind & 1U) == 0 ||
          record.from >= to || record.to <= from)
        continue;
      if (found.size() >= records_max)
        return fail(Errc::too_large, "more than " + std::to_string(records_max) + " values");
      found.push_back(record);
    }
  }
  return found;
}

}  // namespace lobo::adapters::series
