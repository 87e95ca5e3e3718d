#include "wire/qoe/container.hpp"

#include <zconf.h>
#include <zlib.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::qoe {
namespace {

constexpr int gzip_alone = 16 + MAX_WBITS;  ///< zlib's way to say: gzip and no other format
constexpr int memory_usual = 8;
constexpr std::size_t step_bytes = 4096;

const Bytef* borrowed(std::string_view octets) {
  return reinterpret_cast<const Bytef*>(octets.data());
}

struct Inflater {
  z_stream stream{};
  Inflater() { require(inflateInit2(&stream, gzip_alone) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

struct Deflater {
  z_stream stream{};
  Deflater() {
    require(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_alone, memory_usual,
                         Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflater() { deflateEnd(&stream); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
};

}  // namespace

Result<std::string> gunzip(std::string_view octets, std::size_t bytes_max) {
  Inflater inflater;
  auto& stream = inflater.stream;
  stream.next_in = borrowed(octets);
  stream.avail_in = static_cast<uInt>(octets.size());
  std::string out;
  std::array<char, step_bytes> step{};
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(step.data());
    stream.avail_out = static_cast<uInt>(step.size());
    const int came = inflate(&stream, Z_NO_FLUSH);
    const auto made = step.size() - stream.avail_out;
    if (out.size() + made > bytes_max)
      return fail(Errc::too_large,
                  "more than " + std::to_string(bytes_max) + " octets come out of the gzip");
    out.append(step.data(), made);
    if (came == Z_STREAM_END) break;
    // No end in sight and nothing left, or no gzip at all.
    if (came != Z_OK || (made == 0 && stream.avail_in == 0))
      return fail(Errc::malformed, "this is no whole gzip");
  }
  if (stream.avail_in != 0) return fail(Errc::malformed, "something follows the gzip");
  return out;
}

std::string gzip(std::string_view text) {
  Deflater deflater;
  auto& stream = deflater.stream;
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = borrowed(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END);  // deflateBound() promises the room
  out.resize(out.size() - stream.avail_out);
  return out;
}

Result<std::string> make_container(std::string_view xml, std::size_t octets_max) {
  auto out = gzip(xml);
  if (out.size() > octets_max)
    return fail(Errc::too_large,
                "the container would have more than " + std::to_string(octets_max) + " octets");
  return out;
}

Result<std::string> open_container(std::string_view octets, std::size_t octets_max) {
  if (octets.size() > octets_max)
    return fail(Errc::too_large,
                "the container has more than " + std::to_string(octets_max) + " octets");
  return gunzip(octets, report_bytes_max);
}

}  // namespace lobo::qoe
