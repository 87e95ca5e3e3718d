#pragma once
// GTP-U's own messages on N3 (TS 29.281 clause 7): an echo is answered, an error indication about a
// tunnel that a session sends into is told to the control plane, an end marker is passed over (it
// is for RANs). A packet in a tunnel that nobody has is answered with an error indication.
//
// An answer is made in place: the frame of what it answers becomes the frame that is sent.

#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {

class Signalling {
 public:
  Signalling(const PathSettings& settings, WorkerEvents& events, PathCounters& counters);

  /// A message that is no G-PDU; `passage.view` is of the datagram around it.
  void take(Passage& passage, const gtpu::GtpuView& message, const Turn& turn) noexcept;

  /// Answers a G-PDU whose TEID nobody has, as often as the rate allows: who can make us send, can
  /// make us send much.
  void refuse_tunnel(Passage& passage, const Turn& turn) noexcept;
  /// The same for a G-PDU with an extension header that we had to understand, and do not.
  void refuse_extension(Passage& passage, const Turn& turn) noexcept;

 private:
  bool may_refuse(const Turn& turn) noexcept;
  void refuse_with(Passage& passage, Bytes message) noexcept;
  void answer_echo(Passage& passage, const gtpu::GtpuView& message) noexcept;
  void take_error(const gtpu::GtpuView& message, const Turn& turn) noexcept;

  BucketLimits error_rate_;  ///< of messages, not of octets
  TokenBucket errors_;
  WorkerEvents& events_;
  PathCounters& counters_;
};

}  // namespace lobo::dataplane
