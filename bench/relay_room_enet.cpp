// The room over ENet, which does not encrypt: states are unreliable and in order, so that one that
// was overtaken is dropped, as in ours. ENet itself sends less while round trips grow.

#include <enet/enet.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "relay_room.hpp"

namespace lobo::bench {
namespace {

constexpr std::size_t members_max = 1024;
constexpr enet_uint32 wait_ms = 1;  // its service waits in milliseconds
constexpr enet_uint32 unreliable_in_order = 0;

ENetHost* host_at(const ENetAddress* at) {
  return enet_initialize() == 0 ? enet_host_create(at, members_max, 1, 0, 0) : nullptr;
}

}  // namespace

int serve_enet(const std::string& host_name, std::uint16_t port) {
  ENetAddress at{};
  if (enet_address_set_host_ip(&at, host_name.c_str()) != 0) return 2;
  at.port = port;
  ENetHost* host = host_at(&at);
  if (host == nullptr) return 1;
  ENetAddress own{};
  (void)enet_socket_get_address(host->socket, &own);
  std::cout << own.port << std::endl;
  for (;;) {
    ENetEvent event;
    // One turn hears all that is there, and sends at its end.
    for (int more = enet_host_service(host, &event, wait_ms); more > 0;
         more = enet_host_check_events(host, &event)) {
      if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
      ENetPacket* packet = event.packet;
      packet->flags = unreliable_in_order;
      for (auto& peer : std::span(host->peers, host->peerCount))
        if (&peer != event.peer && peer.state == ENET_PEER_STATE_CONNECTED)
          (void)enet_peer_send(&peer, 0, packet);
      if (packet->referenceCount == 0) enet_packet_destroy(packet);
    }
  }
}

int load_enet(const RoomLoad& load) {
  ENetHost* host = host_at(nullptr);
  if (host == nullptr) return 1;
  ENetAddress to{};
  if (enet_address_set_host_ip(&to, load.host.c_str()) != 0) return 2;
  to.port = load.port;
  std::vector<ENetPeer*> peers;
  for (std::size_t i = 0; i < load.members; ++i) {
    peers.push_back(enet_host_connect(host, &to, 1, 0));
    if (peers.back() == nullptr) return 1;
    peers.back()->data = reinterpret_cast<void*>(i);
  }
  std::size_t joined = 0;
  RoomDriver driver(load, [&](std::size_t member, Bytes state) {
    ENetPacket* packet = enet_packet_create(state.data(), state.size(), unreliable_in_order);
    if (enet_peer_send(peers[member], 0, packet) != 0) enet_packet_destroy(packet);
  });
  while (driver.turn(joined >= load.members)) {
    ENetEvent event;
    for (int more = enet_host_service(host, &event, wait_ms); more > 0;
         more = enet_host_check_events(host, &event)) {
      if (event.type == ENET_EVENT_TYPE_CONNECT) ++joined;
      if (event.type == ENET_EVENT_TYPE_DISCONNECT) {
        std::cerr << "relay_room: the server closed a connection\n";
        return 1;
      }
      if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
      driver.heard(reinterpret_cast<std::size_t>(event.peer->data),
                   std::as_bytes(std::span(event.packet->data, event.packet->dataLength)));
      enet_packet_destroy(event.packet);
    }
  }
  enet_host_destroy(host);
  return 0;
}

}  // namespace lobo::bench
