#pragma once
// The XDP program on an interface and the map by which it finds sockets, as long as a port lives.

#include <cstdint>
#include <memory>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/link.hpp"
#include "base/result.hpp"

namespace lobo::adapters::packet_io {

class XdpAttachment {
 public:
  static Result<std::shared_ptr<XdpAttachment>> attach(const Link& link,
                                                       const AfXdpOptions& options);
  XdpAttachment(UniqueFile sockets, UniqueFile program, UniqueFile attached);
  XdpAttachment(const XdpAttachment&) = delete;
  XdpAttachment& operator=(const XdpAttachment&) = delete;
  /// The program is off when this returns; the end of the process would take it off a moment later.
  ~XdpAttachment();

  /// Whether the kernel took it.
  bool serve(std::uint32_t queue, int socket) const;
  void leave(std::uint32_t queue) const;

 private:
  UniqueFile sockets_;
  UniqueFile program_;
  UniqueFile attached_;  ///< a BPF link: the program comes off when its last descriptor is closed
};

}  // namespace lobo::adapters::packet_io
