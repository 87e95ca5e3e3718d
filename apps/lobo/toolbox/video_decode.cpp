#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "toolbox/program.hpp"
#include "toolbox/video.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

// IVF: the one container that needs nothing but a time and a size before each picture, and that
// ffmpeg reads for every codec. All its numbers are little-endian.
constexpr std::size_t file_header_bytes = 32;
constexpr std::size_t picture_header_bytes = 12;

void put_little(MutableBytes out, std::size_t at, std::uint64_t value, std::size_t octets) {
  for (std::size_t i = 0; i < octets; ++i)
    out[at + i] = static_cast<std::byte>(value >> 8U * i & 0xFFU);
}

bool put_file_header(const ScratchFile& file, rtp::VideoCodec codec) {
  const std::string_view tag = codec == rtp::VideoCodec::h264 ? "DKIFH264" : "DKIFHEVC";
  std::array<std::byte, file_header_bytes> header{};
  for (std::size_t i = 0; i < 4; ++i) {
    header[i] = static_cast<std::byte>(tag[i]);
    header[8 + i] = static_cast<std::byte>(tag[4 + i]);
  }
  put_little(header, 6, file_header_bytes, 2);
  put_little(header, 16, rtp_clock_hz, 4);
  put_little(header, 20, 1, 4);
  return file.append(header);
}

// One thread: after a loss the concealed pictures would else depend on which was decoded first. The
// decoder is named, because the container has no tag of H.265 that ffmpeg 5 knows.
void add_input(std::vector<std::string>& words, const DecoderInput& input, std::string_view name) {
  for (const std::string_view word : {"-threads", "1", "-f", "ivf", "-c:v"})
    words.emplace_back(word);
  words.emplace_back(input.codec() == rtp::VideoCodec::h264 ? "h264" : "hevc");
  words.emplace_back("-i");
  words.emplace_back(name);
}

// A stream of which most pictures are damaged is what we are here for: no rate of errors is a
// fault.
std::vector<std::string> base_words() {
  return {"ffmpeg", "-nostdin", "-v", "fatal", "-max_error_rate", "1"};
}

}  // namespace

Result<DecoderInput> DecoderInput::create(rtp::VideoCodec codec) {
  auto file = ScratchFile::create();
  if (!file) return fail(file.error());
  if (!put_file_header(*file, codec)) return fail(Errc::refused, "the temporary folder is full");
  return DecoderInput(codec, std::move(*file));
}

bool DecoderInput::add(std::int64_t presentation, Bytes access_unit) {
  std::array<std::byte, picture_header_bytes> header{};
  put_little(header, 0, access_unit.size(), 4);
  put_little(header, 4, static_cast<std::uint64_t>(presentation), 8);
  ++pictures_;
  return file_.append(header) && file_.append(access_unit);
}

Result<std::vector<PictureDigest>> picture_digests(const std::vector<std::string>& input,
                                                   const std::vector<int>& files) {
  std::vector<PictureDigest> digests;
  auto words = base_words();
  words.insert(words.end(), input.begin(), input.end());
  for (const char* word :
       {"-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "framemd5", "pipe:1"})
    words.emplace_back(word);
  const auto done = run_program(
      {.words = words,
       .files = files,
       .on_line =
           [&](std::string_view line) {
             const auto fields = split(line, ',');
             if (line.starts_with('#') || fields.size() < 6) return;
             std::int64_t presentation = 0;
             const auto text = trim(fields[2]);
             std::from_chars(text.data(), text.data() + text.size(), presentation);
             digests.push_back({presentation, std::string(trim(fields[5]))});
           },
       // Where nothing can be decoded ffmpeg says that it failed: that is an answer, too.
       .may_fail = true});
  if (!done) return fail(done.error());
  return digests;
}

Result<DecodedPictures> decode(const DecoderInput& input) {
  DecodedPictures decoded;
  if (input.pictures() == 0) return decoded;
  input.file().rewind();
  std::vector<std::string> words;
  add_input(words, input, "pipe:3");
  auto digests = picture_digests(words, {input.file().fd()});
  if (!digests) return fail(digests.error());
  for (auto& picture : *digests)
    decoded.insert_or_assign(picture.presentation, std::move(picture.md5));
  return decoded;
}

Result<double> psnr(const DecoderInput& reference, const DecoderInput& other) {
  if (reference.pictures() == 0 || other.pictures() == 0) return 0.0;
  reference.file().rewind();
  other.file().rewind();
  auto words = base_words();
  add_input(words, reference, "pipe:3");
  add_input(words, other, "pipe:4");
  for (const char* word : {"-lavfi", "[0:v][1:v]psnr=stats_file=-", "-f", "null", "/dev/null"})
    words.emplace_back(word);
  double error_sum = 0;
  std::size_t pictures = 0;
  const auto done = run_program({.words = words,
                                 .files = {reference.file().fd(), other.file().fd()},
                                 .on_line = [&](std::string_view line) {
                                   constexpr std::string_view key = "mse_avg:";
                                   const auto at = line.find(key);
                                   if (at == std::string_view::npos) return;
                                   const auto text = line.substr(at + key.size());
                                   double error = 0;
                                   std::from_chars(text.data(), text.data() + text.size(), error);
                                   error_sum += error;
                                   ++pictures;
                                 }});
  if (!done) return fail(done.error());
  if (pictures == 0) return 0.0;
  const double mean = error_sum / static_cast<double>(pictures);
  constexpr double peak = 255.0 * 255.0;
  return mean > 0 ? std::min(psnr_bit_exact, 10 * std::log10(peak / mean)) : psnr_bit_exact;
}

}  // namespace lobo::app
