#include "mmec/link.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::mmec {
namespace {

// RFC 9000 clause 2.1: the client's streams are even.
bool by_node(StreamNo stream) { return (stream & 1U) != 0; }

bool carry_the_same(const sdd::TokenFlow& a, const sdd::TokenFlow& b) {
  return a.redundant && b.redundant && a.alias == b.alias && a.direction == b.direction &&
         a.reliability == b.reliability;
}

/// Whether an earlier flow of the token carries the same.
bool is_copy(const Grant& grant, const sdd::TokenFlow& flow) {
  for (const auto& other : grant.claims.flows) {
    if (other.id == flow.id) return false;
    if (carry_the_same(other, flow)) return true;
  }
  return false;
}

}  // namespace

bool has_copies(const Grant& grant) {
  return std::ranges::any_of(grant.claims.flows, [&](const auto& flow) {
    return sdd::by_datagram(flow.reliability) && is_copy(grant, flow);
  });
}

const sdd::TokenFlow* Link::carries(const sdd::TokenFlow& flow) const {
  for (const auto& one : grant_.claims.flows)
    if ((one.id == flow.id || carry_the_same(one, flow)) &&
        std::ranges::find(flows_, one.id) != flows_.end())
      return &one;
  return nullptr;
}

Result<void> Link::open(const std::string& name, bool poses, Instant now) {
  const auto stream = network_.open_stream(number_);
  if (!stream) return fail(stream.error());
  control_ = *stream;
  poses_ = poses;
  since = heard_last = now;
  core_.on_open(name, now);
  establish();
  return {};
}

void Link::establish(Grant grant) {
  grant_ = std::move(grant);
  establish();
}

void Link::establish() {
  sdd::Establish wish{.request = ++requests_, .token = grant_.token, .flows = {}, .pose_flows = {}};
  for (const auto& flow : grant_.claims.flows) {
    const bool copy = is_copy(grant_, flow);
    if (way_ == Way::first ? copy : !copy || !sdd::by_datagram(flow.reliability)) continue;
    wish.flows.push_back(flow.id);
    if (poses_ && sdd::publishes(flow.direction)) wish.pose_flows.push_back(flow.id);
  }
  flows_ = wish.flows;
  say(wish);
}

void Link::send_datagram(Bytes datagram) {
  if (!network_.send_datagram(number_, datagram, ++tags_)) ++unsent_;
}

void Link::send_control(Bytes bytes) {
  if (!control_ || stuck_) return;
  if (!network_.write_stream(number_, *control_, bytes, false)) stuck_ = true;
}

// ---- what comes

void Link::datagram(Bytes bytes, Instant now) {
  heard_last = now;
  core_.on_datagram(bytes, now);
}

bool Link::stream(StreamNo number, Bytes bytes, bool end, Instant now) {
  heard_last = now;
  if (number == control_) return core_.on_control(bytes, now) && !end;
  // What the node says on a message's stream of ours is that it read it to its end.
  if (!by_node(number)) return true;
  auto found = streams_.find(number);
  if (found == streams_.end()) {
    if (streams_.size() >= streams_in_max) {
      ++streams_refused_;
      network_.reset_stream(number_, number);
      return true;
    }
    found = streams_.emplace(number, StreamIn{}).first;
  }
  StreamIn& in = found->second;
  bool good = stream_bytes_ + bytes.size() <= stream_in_bytes_max;
  if (good) {
    in.bytes.insert(in.bytes.end(), bytes.begin(), bytes.end());
    stream_bytes_ += bytes.size();
    good = carry(in, end);
  }
  if (good && !end) return true;
  stream_reset(number);
  if (!good) ++streams_refused_;
  // Our half ends with theirs, and the stream is given back.
  if (!good || !network_.write_stream(number_, number, {}, true))
    network_.reset_stream(number_, number);
  return true;
}

void Link::stream_reset(StreamNo number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  stream_bytes_ -= found->second.bytes.size();
  streams_.erase(found);
}

void Link::drop_front(StreamIn& stream, std::size_t count) {
  stream.bytes.erase(stream.bytes.begin(),
                     stream.bytes.begin() + static_cast<std::ptrdiff_t>(count));
  stream_bytes_ -= count;
}

bool Link::carry(StreamIn& stream, bool end) {
  if (!stream.header) {
    ByteReader in(stream.bytes);
    sdd::StreamHeader header;
    const auto read = sdd::read_stream_header(in, header);
    if (read == sdd::HeaderRead::unfinished && !end) return true;
    if (read != sdd::HeaderRead::whole) return false;
    stream.header = header;
    drop_front(stream, in.position());
  }
  if (stream.header->reliability != sdd::FlowClass::ordered) {
    if (stream.bytes.size() > sdd::stream_message_bytes_max) return false;
    if (end) owner_.message(*this, *stream.header, stream.bytes);
    return true;
  }
  while (true) {
    ByteReader in(stream.bytes);
    const std::uint64_t size = sdd::read_varint(in);
    if (!in.ok()) return true;
    if (size > sdd::stream_message_bytes_max) return false;
    const Bytes payload = in.bytes(static_cast<std::size_t>(size));
    if (!in.ok()) return true;
    owner_.message(*this, *stream.header, payload);
    ++stream.header->seq;
    drop_front(stream, in.position());
  }
}

// ---- what goes

Result<sdd::Sequence> Link::publish(const sdd::TokenFlow& flow, sdd::Component component,
                                    Bytes payload, std::optional<sdd::Sequence> base, Instant now) {
  return core_.publish(flow.id, flow.alias, component, payload, base, now);
}

Result<StreamNo> Link::ordered_stream(const Part& part, const sdd::StreamHeader& header) {
  if (const auto known = ordered_.find(part); known != ordered_.end()) return known->second;
  if (ordered_.size() >= streams_ordered_max)
    return fail(Errc::too_many, "so many components are not published in order");
  auto stream = network_.open_stream(number_);
  if (!stream) return stream;
  std::array<std::byte, sdd::stream_header_bytes_max> place{};
  ByteWriter out(place);
  sdd::write_stream_header(out, header);
  if (auto written = network_.write_stream(number_, *stream, out.written(), false); !written) {
    network_.reset_stream(number_, *stream);
    return fail(written.error());
  }
  ordered_[part] = *stream;
  return stream;
}

Result<sdd::Sequence> Link::send_message(const sdd::TokenFlow& flow, sdd::Component component,
                                         Bytes payload) {
  if (payload.empty()) return fail(Errc::missing, "a message without octets tells nothing");
  if (payload.size() > sdd::stream_message_bytes_max)
    return fail(Errc::too_large, "a message has at most 65,536 octets");
  const Part part{flow.id, component};
  auto& next = next_message_[part];
  const sdd::StreamHeader header{.flow = flow.id,
                                 .reliability = flow.reliability,
                                 .alias = flow.alias,
                                 .component = component,
                                 .seq = next,
                                 .deadline = flow.reliability == sdd::FlowClass::deadline
                                                 ? flow.ttl
                                                 : std::chrono::milliseconds{0}};
  const bool ordered = flow.reliability == sdd::FlowClass::ordered;
  const auto stream = ordered ? ordered_stream(part, header) : network_.open_stream(number_);
  if (!stream) return fail(stream.error());
  std::array<std::byte, sdd::stream_header_bytes_max> place{};
  ByteWriter head(place);
  if (ordered)
    sdd::write_varint(head, payload.size());
  else
    sdd::write_stream_header(head, header);
  std::vector<std::byte> all(head.written().begin(), head.written().end());
  all.insert(all.end(), payload.begin(), payload.end());
  if (auto written = network_.write_stream(number_, *stream, all, !ordered); !written) {
    if (!ordered) network_.reset_stream(number_, *stream);
    return fail(written.error());
  }
  return next++;
}

}  // namespace lobo::mmec
