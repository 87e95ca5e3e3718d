// What comes over the wire of sdd/1: the first octet chooses frames, a control stream in two
// pieces, claims of a token, the header of a stream, or a pose. What is read is written and read
// the same.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"

namespace {

namespace sdd = lobo::sdd;
using lobo::ByteReader;
using lobo::Bytes;
using lobo::ByteWriter;
using lobo::require;

void frames(Bytes datagram) {
  ByteReader in(datagram);
  while (in.left() > 0) {
    const auto frame = sdd::read_frame(in);
    if (!frame) return;
    std::vector<std::byte> bytes(sdd::frame_bytes(*frame));
    ByteWriter out(bytes);
    sdd::write_frame(out, *frame);
    require(out.ok() && out.left() == 0);
    ByteReader again(bytes);
    const auto read = sdd::read_frame(again);
    require(read.has_value() && read->flow == frame->flow && read->seq == frame->seq &&
            read->base == frame->base && std::ranges::equal(read->payload, frame->payload));
  }
}

void control(Bytes stream) {
  // In two pieces the same is said as in one.
  sdd::ControlReader whole;
  sdd::ControlReader pieces;
  const std::size_t cut = stream.size() / 2;
  std::vector<sdd::ControlMessage> said;
  Bytes in = stream;
  while (true) {
    auto message = whole.next(in);
    if (!message || !*message) break;
    const auto written = sdd::write_control(**message);
    sdd::ControlReader reader;
    Bytes back = written;
    const auto again = reader.next(back);
    require(again.has_value() && again->has_value() && **again == **message && back.empty());
    said.push_back(std::move(**message));
  }
  std::size_t heard = 0;
  for (Bytes piece : {stream.first(cut), stream.subspan(cut)})
    while (true) {
      const auto message = pieces.next(piece);
      if (!message || !*message) break;
      require(heard < said.size() && said[heard++] == **message);
    }
  require(heard == said.size());
}

void token(Bytes claims) {
  const auto read = sdd::decode_claims(claims);
  if (!read) return;
  const auto again = sdd::decode_claims(sdd::encode_claims(*read));
  require(again.has_value() && *again == *read);
}

void header(Bytes stream) {
  ByteReader in(stream);
  sdd::StreamHeader read;
  if (sdd::read_stream_header(in, read) != sdd::HeaderRead::whole) return;
  std::array<std::byte, sdd::stream_header_bytes_max> place;
  ByteWriter out(place);
  sdd::write_stream_header(out, read);
  ByteReader back(out.written());
  sdd::StreamHeader again;
  require(sdd::read_stream_header(back, again) == sdd::HeaderRead::whole && again == read);
}

/// What was read is written in as many octets, and reads the same once more.
template <class Read>
void pose(Bytes in, const Read& read) {
  const auto part = read(in);
  if (!part) return;
  std::vector<std::byte> bytes(in.size());
  ByteWriter out(bytes);
  sdd::pose::write(out, *part);
  require(out.ok() && out.left() == 0 && read(bytes).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 6) {
    case 0: frames(rest); break;
    case 1: control(rest); break;
    case 2: token(rest); break;
    case 3: header(rest); break;
    case 4: {
      const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
      if (const auto bytes = sdd::token_of_text(text)) require(sdd::token_text(*bytes) == text);
      break;
    }
    default:
      pose(rest, sdd::pose::read_root);
      pose(rest, sdd::pose::read_upper);
      pose(rest, sdd::pose::read_bones);
      pose(rest, sdd::pose::read_face);
      pose(rest, sdd::pose::read_fingers);
      break;
  }
  return 0;
}
