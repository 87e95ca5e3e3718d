#include "adapters/packet_io/xdp_attachment.hpp"

#ifdef LOBO_AF_XDP

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/xdp_filter.hpp"
#include "base/result.hpp"

namespace lobo::adapters::packet_io {
namespace {

constexpr const char* capabilities = "CAP_NET_ADMIN and CAP_BPF (or CAP_SYS_ADMIN)";

UniqueFile link_program(int program, const Link& link, std::uint32_t mode) {
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = mode;
  return UniqueFile(::bpf_link_create(program, link.index, BPF_XDP, &options), true);
}

}  // namespace

XdpAttachment::XdpAttachment(UniqueFile sockets, UniqueFile program, UniqueFile attached)
    : sockets_(std::move(sockets)), program_(std::move(program)), attached_(std::move(attached)) {}

XdpAttachment::~XdpAttachment() {
  (void)::bpf_link_detach(attached_.get());  // where the interface is gone it is off already
}

Result<std::shared_ptr<XdpAttachment>> XdpAttachment::attach(const Link& link,
                                                             const AfXdpOptions& options) {
  UniqueFile sockets(::bpf_map_create(BPF_MAP_TYPE_XSKMAP, "sockets", sizeof(std::uint32_t),
                                      sizeof(std::uint32_t), options.queues, nullptr),
                     true);
  if (sockets.get() < 0) return os_fault(link, "a map of XDP sockets", errno, capabilities);

  auto filter = xdp_filter(options.served, sockets.get());
  if (!filter) return fail(std::move(filter.error()));
  UniqueFile program(::bpf_prog_load(BPF_PROG_TYPE_XDP, "serve", "Apache-2.0", filter->data(),
                                     filter->size(), nullptr),
                     true);
  if (program.get() < 0) return os_fault(link, "an XDP program", errno, capabilities);

  auto attached = link_program(program.get(), link, XDP_FLAGS_DRV_MODE);
  if (attached.get() < 0 && errno != EBUSY && !options.own_mode_only) {
    const int why = errno;
    attached = link_program(program.get(), link, XDP_FLAGS_SKB_MODE);
    if (attached.get() >= 0 && options.tell)
      options.tell(fmt::format("{}: XDP runs in generic mode, which is slower: its driver says {}",
                               link.name, std::strerror(why)));
  }
  if (attached.get() < 0 && errno == EBUSY)
    return fail(
        Errc::conflict,
        fmt::format("{0}: another XDP program is on it (`ip link set dev {0} xdp off` takes "
                    "it off)",
                    link.name));
  if (attached.get() < 0) return os_fault(link, "to attach an XDP program", errno, capabilities);
  return std::make_shared<XdpAttachment>(std::move(sockets), std::move(program),
                                         std::move(attached));
}

bool XdpAttachment::serve(std::uint32_t queue, int socket) const {
  return ::bpf_map_update_elem(sockets_.get(), &queue, &socket, BPF_ANY) == 0;
}

void XdpAttachment::leave(std::uint32_t queue) const {
  (void)::bpf_map_delete_elem(sockets_.get(), &queue);  // the socket's end takes it out as well
}

}  // namespace lobo::adapters::packet_io

#endif
