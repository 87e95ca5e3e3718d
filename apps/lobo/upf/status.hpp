#pragma once
// The UPF in one page, for people: /status/upf.

#include <cstddef>
#include <deque>
#include <string>

#include "dataplane/n4/agent.hpp"
#include "upf/key_channels.hpp"
#include "upf/ports.hpp"
#include "upf/worker.hpp"

namespace lobo::app {

struct UpfSight {
  const UpfSide& n3;
  const UpfSide& n6;
  std::size_t n3_neighbours = 0;
  std::size_t n6_neighbours = 0;
  const std::deque<Worker>& workers;
  const dataplane::n4::N4Agent& agent;
  const KeyChannels& key_channels;
};

/// JSON; of drops and the like what is not zero.
std::string status_page(const UpfSight& sight);

}  // namespace lobo::app
