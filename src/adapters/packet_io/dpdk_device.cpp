#ifdef LOBO_DPDK
#include "adapters/packet_io/dpdk_device.hpp"

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_version.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace lobo::adapters::packet_io::dpdk {

namespace {

constexpr auto any_socket = static_cast<unsigned>(SOCKET_ID_ANY);

Hear hearer = nullptr;
unsigned pools_made = 0;

ssize_t hear_log(void* /*cookie*/, const char* text, std::size_t size) {
  hearer(text, size);
  return static_cast<ssize_t>(size);
}

rte_mbuf** buffers(void** row) { return reinterpret_cast<rte_mbuf**>(row); }
rte_mempool* pool_of(const Device& device) { return static_cast<rte_mempool*>(device.pool); }

int errno_of(int result) { return result == -1 ? (rte_errno != 0 ? rte_errno : EIO) : -result; }

int start(const Device& device, const Shape& shape) {
  const rte_eth_conf nothing_special{};
  if (const int said = rte_eth_dev_configure(device.number, 1, 1, &nothing_special); said != 0)
    return said;
  auto to_receive = static_cast<std::uint16_t>(shape.ring_entries);
  auto to_send = to_receive;
  if (const int said = rte_eth_dev_adjust_nb_rx_tx_desc(device.number, &to_receive, &to_send);
      said != 0)
    return said;
  if (const int said = rte_eth_rx_queue_setup(device.number, 0, to_receive, any_socket, nullptr,
                                              pool_of(device));
      said != 0)
    return said;
  if (const int said = rte_eth_tx_queue_setup(device.number, 0, to_send, any_socket, nullptr);
      said != 0)
    return said;
  return rte_eth_dev_start(device.number);
}

void give_back(Device& device) {
  rte_pktmbuf_free_bulk(buffers(device.lent), device.lent_count);
  device.lent_count = 0;
}

void detach(const Device& device) {
  char name[RTE_ETH_NAME_MAX_LEN];
  if (rte_eth_dev_get_name_by_port(device.number, name) == 0)
    (void)rte_eal_hotplug_remove("vdev", name);
}

void close_there(Device& device) {
  give_back(device);
  rte_pktmbuf_free_bulk(buffers(device.to_fill), device.to_fill_count);
  (void)rte_eth_dev_stop(device.number);
  detach(device);
  rte_mempool_free(pool_of(device));
  device = {};
}

/// DPDK's thread for interrupts takes what has happened on its files in turns: first it asks the
/// kernel about all of them, then it sees to one after the other. A bell that is rung after a turn
/// began is heard in a later one.
int bell = -1;
Device* to_close = nullptr;  // one at a time: the callers hold a lock
sem_t done;

void answer(void* /*nothing*/) {
  std::uint64_t rung = 0;
  (void)!read(bell, &rung, sizeof rung);
  if (to_close != nullptr) close_there(*to_close);
  (void)sem_post(&done);
}

int hang_bell() {
  bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell < 0 || sem_init(&done, 0, 0) != 0) return errno;
  rte_intr_handle* const handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
  if (handle == nullptr) return ENOMEM;
  int said = rte_intr_fd_set(handle, bell);
  if (said == 0) said = rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT);
  if (said == 0) said = rte_intr_callback_register(handle, &answer, nullptr);  // keeps a copy
  rte_intr_instance_free(handle);
  return said < 0 ? -said : 0;
}

void run_there(Device* device) {
  to_close = device;
  const std::uint64_t once = 1;
  (void)!write(bell, &once, sizeof once);
  while (sem_wait(&done) != 0) continue;  // a signal
}

/// In one piece: what is free in many small ones helps no driver.
bool has_memory(std::size_t bytes) {
  void* const piece = rte_malloc(nullptr, bytes, 0);
  rte_free(piece);
  return piece != nullptr;
}

}  // namespace

int begin(int count, char** words, Hear hear) {
  hearer = hear;
  FILE* const log = fopencookie(nullptr, "w", {.write = &hear_log});
  if (log == nullptr) return errno;
  (void)setvbuf(log, nullptr, _IONBF, 0);
  (void)rte_openlog_stream(log);
  if (rte_eal_init(count, words) < 0) return rte_errno != 0 ? rte_errno : EIO;
  return hang_bell();
}

const char* version() { return rte_version(); }

int open(Device& device, const char* name, const char* arguments, const Shape& shape) {
  if (rte_eth_dev_get_port_by_name(name, &device.number) == 0) return EEXIST;
  char pool_name[RTE_MEMPOOL_NAMESIZE];
  (void)snprintf(pool_name, sizeof pool_name, "lobo_%u", pools_made++);
  rte_errno = 0;
  if (const int said = rte_eal_hotplug_add("vdev", name, arguments); said != 0)
    return errno_of(said);
  int said = rte_eth_dev_get_port_by_name(name, &device.number);
  if (said != 0) return (void)rte_eal_hotplug_remove("vdev", name), ENODEV;
  // No caches: they are for threads of DPDK's own.
  device.pool = rte_pktmbuf_pool_create(
      pool_name, shape.buffers, 0, 0,
      static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + shape.buffer_bytes), SOCKET_ID_ANY);
  // A pool for which there is no memory is told as ENOBUFS too.
  const bool room = device.pool != nullptr && has_memory(shape.spare_bytes);
  said = room ? start(device, shape) : -ENOMEM;
  if (said == 0) return 0;
  said = errno_of(said);
  detach(device);
  rte_mempool_free(pool_of(device));
  device = {};
  return said;
}

/// Drivers hear of their peers on DPDK's thread for interrupts, and what they do there is not
/// locked against devices that go: memif would free twice, and crash. So they go on that thread.
/// They come on the caller's, whose network namespace is meant. The bell is rung again to wait for
/// the end of that turn: what is still to be seen to in it may be a file of the device that went,
/// and memif would read from whatever was opened under its number meanwhile, and wait for ever.
void close(Device& device) {
  run_there(&device);
  run_there(nullptr);
}

unsigned receive(Device& device, Received* out, unsigned most) {
  give_back(device);
  device.lent_count =
      rte_eth_rx_burst(device.number, 0, buffers(device.lent),
                       static_cast<std::uint16_t>(most < burst_max ? most : burst_max));
  for (unsigned i = 0; i < device.lent_count; ++i) {
    const rte_mbuf& from = *buffers(device.lent)[i];
    out[i] = {.room = static_cast<std::byte*>(from.buf_addr),
              .room_bytes = from.buf_len,
              .at = from.data_off,
              .size = from.pkt_len,
              .in_one_piece = from.nb_segs == 1};
  }
  return device.lent_count;
}

bool rooms_to_send(Device& device, std::byte** out, unsigned count) {
  if (rte_pktmbuf_alloc_bulk(pool_of(device), buffers(device.to_fill), count) != 0) return false;
  device.to_fill_count = count;
  for (unsigned i = 0; i < count; ++i)
    out[i] = rte_pktmbuf_mtod(buffers(device.to_fill)[i], std::byte*);
  return true;
}

unsigned send(Device& device, const std::uint32_t* sizes, unsigned count) {
  rte_mbuf** const row = buffers(device.to_fill);
  for (unsigned i = 0; i < count; ++i) {
    row[i]->data_len = static_cast<std::uint16_t>(sizes[i]);
    row[i]->pkt_len = sizes[i];
  }
  const unsigned taken = rte_eth_tx_burst(device.number, 0, row, static_cast<std::uint16_t>(count));
  rte_pktmbuf_free_bulk(row + taken, device.to_fill_count - taken);
  device.to_fill_count = 0;
  return taken;
}

bool is_up(const Device& device) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device.number, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

Lost lost(const Device& device) {
  rte_eth_stats told{};
  if (rte_eth_stats_get(device.number, &told) != 0) return {};
  return {.received = told.imissed + told.rx_nombuf, .to_send = told.oerrors};
}

}  // namespace lobo::adapters::packet_io::dpdk
#endif
