// Messages that come by streams: R2 and R3 one each, R4 one behind the other.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "relay/room.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::relay {

void Relay::refuse_stream(Link& link, StreamIn& stream) {
  ++counts_.streams_refused;
  link.stream_bytes -= stream.bytes.size();
  stream.bytes = {};
  stream.refused = true;
}

void Relay::on_stream(LinkId id, StreamNo no, Bytes bytes, bool fin, Instant now) {
  Link* link = find(id);
  if (link == nullptr) return;
  auto found = link->streams.find(no);
  if (found == link->streams.end()) {
    if (link->streams.size() >= limits_.streams_in_max) {
      ++counts_.streams_refused;
      return;
    }
    found = link->streams.emplace(no, StreamIn{}).first;
  }
  StreamIn& stream = found->second;
  if (!stream.refused && link->stream_bytes + bytes.size() > limits_.stream_in_bytes_max)
    refuse_stream(*link, stream);
  if (!stream.refused) {
    stream.bytes.insert(stream.bytes.end(), bytes.begin(), bytes.end());
    link->stream_bytes += bytes.size();
    carry(id, *link, no, stream, fin, now);
  }
  if (!fin) return;
  link = find(id);
  if (link != nullptr) on_stream_reset(id, no);
}

void Relay::on_stream_reset(LinkId id, StreamNo no) {
  Link* link = find(id);
  if (link == nullptr) return;
  const auto found = link->streams.find(no);
  if (found == link->streams.end()) return;
  link->stream_bytes -= found->second.bytes.size();
  link->streams.erase(found);
}

void Relay::carry(LinkId id, Link& link, StreamNo, StreamIn& stream, bool fin, Instant now) {
  const auto used = [&](std::size_t count) {
    stream.bytes.erase(stream.bytes.begin(),
                       stream.bytes.begin() + static_cast<std::ptrdiff_t>(count));
    link.stream_bytes -= count;
  };
  if (!stream.header) {
    ByteReader in(stream.bytes);
    sdd::StreamHeader header;
    const auto read = sdd::read_stream_header(in, header);
    if (read == sdd::HeaderRead::unfinished && !fin) return;
    if (read != sdd::HeaderRead::whole) return refuse_stream(link, stream);
    stream.header = header;
    used(in.position());
  }
  if (stream.header->reliability != sdd::FlowClass::ordered) {
    if (stream.bytes.size() > sdd::stream_message_bytes_max) return refuse_stream(link, stream);
    if (fin) deliver(id, link, stream, stream.bytes, now);
    return;
  }
  while (true) {
    ByteReader in(stream.bytes);
    const std::uint64_t size = sdd::read_varint(in);
    if (!in.ok()) return;
    if (size > sdd::stream_message_bytes_max) return refuse_stream(link, stream);
    const Bytes payload = in.bytes(static_cast<std::size_t>(size));
    if (!in.ok()) return;
    deliver(id, link, stream, payload, now);
    ++stream.header->seq;
    used(in.position());
  }
}

void Relay::deliver(LinkId id, Link& link, const StreamIn& stream, Bytes payload, Instant now) {
  const auto known = link.flows.find(stream.header->flow);
  if (known == link.flows.end()) {
    ++counts_.flows_unknown;
    return;
  }
  const FlowRef& from = known->second;
  too_slow_.clear();
  from.room->publish(*from.member, *from.flow, *stream.header, payload, now, too_slow_);
  // Never the publisher itself: it is sent nothing of its own.
  for (const LinkId slow : too_slow_)
    if (Link* other = find(slow); other != nullptr && slow != id)
      close(slow, *other, sdd::Cause::too_slow, "what may not be lost is not read", now);
}

}  // namespace lobo::relay
