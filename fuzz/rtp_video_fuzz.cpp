// RTP payloads of H.264 and H.265, and a byte stream cut into payloads and joined again.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/rtp/annexb.hpp"
#include "wire/rtp/h264.hpp"
#include "wire/rtp/h265.hpp"

namespace {

void take_apart(lobo::Bytes payload) {
  std::size_t bytes = 0;
  (void)lobo::rtp::h264::for_each_nal(payload, [&](const lobo::rtp::NalPiece& piece) {
    (void)lobo::rtp::h264::describe(piece);
    bytes += piece.body.size();
  });
  lobo::require(bytes <= payload.size());
  lobo::rtp::h265::PictureParameters parameters;
  bytes = 0;
  (void)lobo::rtp::h265::for_each_nal(payload, [&](const lobo::rtp::NalPiece& piece) {
    parameters.learn(piece);
    (void)lobo::rtp::h265::describe(piece, parameters);
    bytes += piece.body.size();
  });
  lobo::require(bytes <= payload.size());
}

void cut_and_join(lobo::Bytes stream) {
  lobo::rtp::AnnexBReader reader(stream);
  while (const auto unit = reader.next()) {
    if (unit->size() < 2) continue;
    for (const auto codec : {lobo::rtp::VideoCodec::h264, lobo::rtp::VideoCodec::h265}) {
      std::size_t bytes = 0;
      lobo::rtp::packetize(codec, *unit, lobo::rtp::payload_size_min,
                           [&](lobo::Bytes, lobo::Bytes body, bool) { bytes += body.size(); });
      lobo::require(bytes + (codec == lobo::rtp::VideoCodec::h264 ? 1 : 2) == unit->size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> input(size);
  for (std::size_t i = 0; i < size; ++i) input[i] = std::byte{data[i]};
  take_apart(input);
  cut_and_join(input);
  return 0;
}
