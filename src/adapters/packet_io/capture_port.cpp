#include "adapters/packet_io/capture_port.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::batch_packets_max;
using lobo::packet_io::Counters;
using lobo::packet_io::DropReason;
using lobo::packet_io::headroom_min;
using lobo::packet_io::Packet;
using lobo::packet_io::Port;
using lobo::packet_io::PortState;
using lobo::packet_io::tailroom_min;

class CapturePort final : public Port {
 public:
  CapturePort(const CaptureOptions& options, std::optional<CaptureSource> source,
              std::optional<ByteSink> sink)
      : frame_bytes_max_(options.frame_bytes_max),
        stride_(headroom_min + frame_bytes_max_ + tailroom_min),
        frames_(source ? stride_ * batch_packets_max : 0),
        source_(std::move(source)),
        sink_(std::move(sink)),
        writer_(options.format) {}
  ~CapturePort() override { close(); }

  std::size_t receive(Batch& batch) noexcept override;
  std::size_t send(std::span<const Packet> packets) noexcept override;
  PortState state() noexcept override;
  const Counters& counters() noexcept override { return counters_; }
  std::size_t frame_bytes_max() const noexcept override { return frame_bytes_max_; }
  void close() noexcept override;
  std::string trouble() const override;

 private:
  std::optional<DropReason> unusable(const capture::Packet& packet) const;

  std::size_t frame_bytes_max_;
  std::size_t stride_;
  std::vector<std::byte> frames_;  ///< those that are lent
  std::optional<CaptureSource> source_;
  std::optional<ByteSink> sink_;
  capture::Writer writer_;
  Counters counters_;
  bool begun_ = false;  ///< something is in the capture that is written
  bool closed_ = false;
  std::string write_trouble_;
};

std::optional<DropReason> CapturePort::unusable(const capture::Packet& packet) const {
  if (packet.link_type != capture::LinkType::ethernet) return DropReason::not_ethernet;
  if (packet.original_length > packet.bytes.size()) return DropReason::cut;
  if (packet.bytes.size() > frame_bytes_max_) return DropReason::too_long;
  return std::nullopt;
}

std::size_t CapturePort::receive(Batch& batch) noexcept {
  batch.clear();
  if (closed_ || !source_) return 0;
  while (!batch.full()) {
    const auto* item = source_->next();
    if (item == nullptr) break;
    if (item->kind != capture::Item::Kind::packet) continue;
    const auto& packet = item->packet;
    if (const auto reason = unusable(packet)) {
      ++counters_[*reason];
      continue;
    }
    const auto room = MutableBytes(frames_).subspan(batch.size() * stride_, stride_);
    std::ranges::copy(packet.bytes, room.begin() + headroom_min);
    counters_.received.add(packet.bytes.size());
    batch.push({room, headroom_min, packet.bytes.size(), packet.time});
  }
  return batch.size();
}

std::size_t CapturePort::send(std::span<const Packet> packets) noexcept {
  if (closed_ || !sink_) return 0;
  std::size_t taken = 0;
  for (const auto& packet : packets) {
    if (sink_->failed()) return taken;
    ++taken;
    if (packet.size() > frame_bytes_max_) {
      ++counters_[DropReason::too_long];
      continue;
    }
    const auto written =
        writer_.packet({.time = packet.arrived,
                        .link_type = capture::LinkType::ethernet,
                        .original_length = static_cast<std::uint32_t>(packet.size()),
                        .bytes = packet.bytes()},
                       sink_->room(packet.size() + capture::writer_room));
    if (!written) {
      ++counters_[DropReason::refused];
      continue;
    }
    sink_->commit(*written);
    begun_ = true;
    counters_.sent.add(packet.size());
  }
  return taken;
}

PortState CapturePort::state() noexcept {
  if (!write_trouble_.empty()) return PortState::failed;
  if (closed_) return PortState::closed;
  if (sink_ && sink_->failed()) return PortState::failed;
  // A port that only writes stays open; one that reads ends with what it reads.
  if (!source_) return PortState::open;
  switch (source_->end()) {
    case CaptureSource::End::none: return PortState::open;
    case CaptureSource::End::whole: return PortState::ended;
    case CaptureSource::End::cut:
    case CaptureSource::End::broken:
    case CaptureSource::End::unreadable: return PortState::failed;
  }
  std::abort();
}

std::string CapturePort::trouble() const {
  if (!write_trouble_.empty()) return write_trouble_;
  return source_ ? source_->what_is_wrong() : std::string{};
}

void CapturePort::close() noexcept {
  if (std::exchange(closed_, true) || !sink_) return;
  if (!begun_)
    sink_->commit(writer_.headers(capture::LinkType::ethernet, sink_->room(capture::writer_room)));
  if (auto done = sink_->close(); !done) write_trouble_ = done.error().detail;
}

}  // namespace

Result<std::unique_ptr<Port>> open_capture(const CaptureOptions& options) {
  if (options.frame_bytes_max == 0 || options.frame_bytes_max > capture::packet_bytes_max)
    return fail(Errc::out_of_range, "frames longer than a capture's packets may be");
  std::optional<CaptureSource> source;
  std::optional<ByteSink> sink;
  if (!options.read.empty()) {
    auto opened = CaptureSource::open(options.read);
    if (!opened) return fail(std::move(opened.error()));
    source = std::move(*opened);
  }
  if (!options.write.empty()) {
    std::array<FileIdentity, 1> input{};
    if (source) input[0] = source->identity();
    auto opened = ByteSink::open(options.write, input);
    if (!opened) return fail(std::move(opened.error()));
    sink = std::move(*opened);
  }
  return std::make_unique<CapturePort>(options, std::move(source), std::move(sink));
}

}  // namespace lobo::adapters::packet_io
