#pragma once
// How an emulated native avatar moves: the same sway, greeting and speech as in the page
// (share/web/avatars/body.js), as the payloads of the pose codec.

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "wire/sdd/pose.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {

/// Where somebody stands, and what makes the rhythm one's own.
struct Stand {
  double seed = 1;
  double x = 0;
  double z = 0;
  double facing = 0;
};
/// Seat `seat` of `seats` in the circle that is open to the camera.
Stand stand_of(std::size_t seat, std::size_t seats);

struct Body {
  sdd::pose::Root root;
  sdd::pose::Upper upper;
  sdd::pose::Bones bones;
  sdd::pose::Face face;
  sdd::pose::Fingers fingers;
};
Body moving(const Stand& who, double seconds);

/// Components 0 to 4 as octets, those that the mask has.
std::vector<std::pair<sdd::Component, std::vector<std::byte>>> payloads(const Body& body,
                                                                        sdd::ComponentMask mask);

}  // namespace lobo::app
