#include "energy/transport.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "energy/network.hpp"

namespace lobo::energy {
namespace {

/// Two numbers in one register: what every x86-64 has, and what both compilers know by this name.
/// They compile the plain loop to one comparison after the other, which took a third of a plan.
using Pair [[gnu::vector_size(16)]] = double;

Pair pair_at(const double* from) {
  Pair out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

/// One of `lanes` steps with these costs makes its distance less, by more than `indifferent`.
template <std::size_t lanes>
bool any_shorter(const double* costs, double reach, const double* distances, double indifferent) {
  auto shorter = pair_at(costs) + reach < pair_at(distances) - indifferent;
  for (std::size_t i = 2; i < lanes; i += 2)
    shorter |= pair_at(costs + i) + reach < pair_at(distances + i) - indifferent;
  return (shorter[0] | shorter[1]) != 0;
}

}  // namespace

Transport::Transport(const Network& network)
    : network_(network),
      stride_((network.places + lanes - 1) / lanes * lanes),
      tiny_(1e-11 * std::max(1.0, network.total)),
      indifferent_(0),
      shifts_max_(64 * (network.arcs.size() + network.places) + 1024),
      arc_at_(static_cast<std::size_t>(network.groups()) * network.places, none),
      group_(network.arcs.size()),
      flow_(network.arcs.size()),
      up_(network.arcs.size()),
      down_(network.arcs.size()),
      load_(network.places),
      tiers_(network.places),
      holders_(network.places),
      holder_at_(network.arcs.size(), none),
      step_cost_(static_cast<std::size_t>(network.places) * stride_, infinite),
      step_arc_(static_cast<std::size_t>(network.places) * stride_, none),
      distance_(stride_, infinite),
      next_(network.places, none),
      next_cost_(network.places),
      queue_(network.places + 1),
      queued_(network.places) {
  double dearest = 0;
  for (std::uint32_t g = 0; g < network.groups(); ++g)
    for (std::uint32_t a = network.first[g]; a < network.first[g + 1]; ++a) {
      group_[a] = g;
      arc_at_[static_cast<std::size_t>(g) * network.places + network.arcs[a].place] = a;
      if (network.arcs[a].place != network.nowhere())
        dearest = std::max(dearest, network.arcs[a].cost + network.arcs[a].switch_cost);
      up_[a] = up_cost(a);
      down_[a] = down_cost(a);
    }
  indifferent_ = 1e-11 * std::max(dearest, 1e-6);
  tiers_[network.nowhere()] = {.base = 2 * network.total + 1};
}

// ---- marginal costs ----------------------------------------------------------------------------

double Transport::up_cost(std::uint32_t arc) const {
  const Arc& a = network_.arcs[arc];
  return flow_[arc] < a.current - tiny_ ? a.cost : a.cost + a.switch_cost;
}

double Transport::down_cost(std::uint32_t arc) const {
  const Arc& a = network_.arcs[arc];
  return flow_[arc] > a.current + tiny_ ? a.cost + a.switch_cost : a.cost;
}

double Transport::up_room(std::uint32_t arc) const {
  const double left = network_.arcs[arc].current - flow_[arc];
  return left > tiny_ ? left : infinite;
}

double Transport::down_room(std::uint32_t arc) const {
  const double above = flow_[arc] - network_.arcs[arc].current;
  return above > tiny_ ? above : flow_[arc];
}

double Transport::add_cost(std::uint32_t place) const {
  const Tiers& tiers = tiers_[place];
  if (load_[place] < tiers.base - tiny_) return 0;
  return load_[place] < tiers.base + tiers.extra - tiny_ ? tiers.extra_cost : infinite;
}

double Transport::add_room(std::uint32_t place) const {
  const Tiers& tiers = tiers_[place];
  const double left = tiers.base - load_[place];
  return left > tiny_ ? left : left + tiers.extra;
}

double Transport::refund(std::uint32_t place) const {
  return load_[place] > tiers_[place].base + tiny_ ? tiers_[place].extra_cost : 0;
}

double Transport::refund_room(std::uint32_t place) const {
  const double above = load_[place] - tiers_[place].base;
  return above > tiny_ ? above : load_[place];
}

double Transport::tier_cost(std::uint32_t place, double load) const {
  return tiers_[place].extra_cost * std::max(0.0, load - tiers_[place].base);
}

double Transport::arc_cost(std::uint32_t arc, double flow) const {
  const Arc& a = network_.arcs[arc];
  return a.cost * flow + a.switch_cost * std::max(0.0, flow - a.current);
}

// ---- the residual graph, kept up to date
// ---------------------------------------------------------

void Transport::hold(std::uint32_t arc) {
  auto& list = holders_[network_.arcs[arc].place];
  holder_at_[arc] = static_cast<std::uint32_t>(list.size());
  list.push_back(arc);
}

void Transport::release(std::uint32_t arc) {
  auto& list = holders_[network_.arcs[arc].place];
  list[holder_at_[arc]] = list.back();
  holder_at_[list.back()] = holder_at_[arc];
  list.pop_back();
  holder_at_[arc] = none;
}

/// The step that takes from `from_arc` and gives to `to_arc` costs something new: the best step
/// between the two places is this one, or the old one, or has to be found again.
void Transport::offer_step(std::uint32_t from_arc, std::uint32_t to_arc) {
  const std::size_t at = cell(network_.arcs[from_arc].place, network_.arcs[to_arc].place);
  ++steps_;
  if (step_cost_[at] == -infinite) return;
  if (step_arc_[at] == from_arc) {
    step_cost_[at] = -infinite;
    return;
  }
  if (holder_at_[from_arc] == none) return;
  const double cost = up_[to_arc] - down_[from_arc];
  if (cost >= step_cost_[at]) return;
  step_cost_[at] = cost;
  step_arc_[at] = from_arc;
}

void Transport::find_step(std::uint32_t from, std::uint32_t to) {
  double best = infinite;
  std::uint32_t best_arc = none;
  steps_ += holders_[from].size();
  for (const std::uint32_t holder : holders_[from]) {
    const std::uint32_t target = arc_of(group_[holder], to);
    if (target == none) continue;
    const double cost = up_[target] - down_[holder];
    if (cost >= best) continue;
    best = cost;
    best_arc = holder;
  }
  step_cost_[cell(from, to)] = best;
  step_arc_[cell(from, to)] = best_arc;
}

void Transport::set_flow(std::uint32_t arc, double flow) {
  log_.push_back({.index = arc, .flow = flow_[arc]});
  const std::uint32_t place = network_.arcs[arc].place;
  const double load = load_[place] + flow - flow_[arc];
  cost_ += arc_cost(arc, flow) - arc_cost(arc, flow_[arc]) + tier_cost(place, load) -
           tier_cost(place, load_[place]);
  load_[place] = load;
  flow_[arc] = flow;
  const bool held = holder_at_[arc] != none;
  const bool holds = flow > tiny_;
  const double up = up_cost(arc);
  const double down = down_cost(arc);
  const bool steps_out = held != holds || (holds && down != down_[arc]);
  const bool steps_in = up != up_[arc];
  up_[arc] = up;
  down_[arc] = down;
  if (held && !holds) release(arc);
  if (!held && holds) hold(arc);
  const std::uint32_t group = group_[arc];
  for (std::uint32_t other = network_.first[group];
       (steps_out || steps_in) && other < network_.first[group + 1]; ++other) {
    if (other == arc) continue;
    if (steps_out) offer_step(arc, other);
    if (steps_in && holder_at_[other] != none) offer_step(other, arc);
  }
}

void Transport::set_tiers(std::uint32_t place, Tiers tiers) {
  log_.push_back({.index = place, .is_tiers = true, .tiers = tiers_[place]});
  cost_ -= tier_cost(place, load_[place]);
  tiers_[place] = tiers;
  cost_ += tier_cost(place, load_[place]);
}

void Transport::rollback(Mark to) {
  for (std::size_t i = log_.size(); i > to.log; --i) {
    const Change change = log_[i - 1];
    if (change.is_tiers)
      tiers_[change.index] = change.tiers;
    else
      set_flow(change.index, change.flow);
  }
  log_.resize(to.log);
  cost_ = to.cost;
}

// ---- shortest paths
// ------------------------------------------------------------------------------

/// Label correcting from the roots, first in first out (Bellman, Ford, Moore). The places that have
/// a finite distance already are the roots.
void Transport::search_from_roots() {
  const std::uint32_t places = network_.places;
  std::size_t head = 0;
  std::size_t count = 0;
  std::fill(queued_.begin(), queued_.end(), false);
  const auto enqueue = [&](std::uint32_t place) {
    if (queued_[place]) return;
    queued_[place] = true;
    queue_[(head + count) % queue_.size()] = place;
    ++count;
  };
  for (std::uint32_t p = 0; p < places; ++p)
    if (next_[p] == p) enqueue(p);
  // A shortest path has fewer than `places` steps; what needs more is a cycle made of rounding
  // errors.
  std::size_t visits_left = static_cast<std::size_t>(places) * places;
  while (count > 0 && visits_left-- > 0) {
    const std::uint32_t to = queue_[head];
    head = (head + 1) % queue_.size();
    --count;
    queued_[to] = false;
    steps_ += places;
    // Most steps shorten nothing: some are looked at together before one is looked at alone.
    const double reach = distance_[to];
    const double* const costs = &step_cost_[cell(0, to)];
    for (std::size_t lane = 0; lane < stride_; lane += lanes) {
      if (!any_shorter<lanes>(costs + lane, reach, &distance_[lane], indifferent_)) continue;
      for (std::size_t i = lane; i < lane + lanes; ++i) {
        if (costs[i] + reach >= distance_[i] - indifferent_) continue;
        const auto from = static_cast<std::uint32_t>(i);
        if (costs[i] == -infinite) {
          find_step(from, to);
          if (costs[i] + reach >= distance_[i] - indifferent_) continue;
        }
        distance_[i] = costs[i] + reach;
        next_[i] = to;
        next_cost_[i] = costs[i];
        enqueue(from);
      }
    }
  }
}

void Transport::distances_to_room(std::uint32_t except) {
  for (std::uint32_t p = 0; p < network_.places; ++p) {
    const double cost = p == except ? infinite : add_cost(p);
    distance_[p] = cost;
    next_[p] = cost < infinite ? p : none;
    next_cost_[p] = cost;
  }
  search_from_roots();
}

void Transport::distances_to(std::uint32_t place) {
  std::fill(distance_.begin(), distance_.end(), infinite);
  std::fill(next_.begin(), next_.end(), none);
  distance_[place] = 0;
  next_[place] = place;
  next_cost_[place] = 0;
  search_from_roots();
}

/// The distances of distances_to_room() stay right while flow only follows them, as long as each
/// step of the tree still costs the same: new steps go backwards along it and shorten nothing.
bool Transport::distances_hold() {
  steps_ += network_.places;
  for (std::uint32_t p = 0; p < network_.places; ++p) {
    const std::uint32_t to = next_[p];
    if (to == none) continue;
    if (to == p) {
      if (add_cost(p) != next_cost_[p]) return false;
      continue;
    }
    if (step_cost_[cell(p, to)] == -infinite) find_step(p, to);
    if (step_cost_[cell(p, to)] != next_cost_[p]) return false;
  }
  return true;
}

/// Writes the path from `from` to its root down in path_, and says how much fits through it: at
/// most `limit`, 0 where rounding has bent the path into a circle. Written down, because the first
/// change of flow may already name other best steps, whose room nobody has looked at.
double Transport::room_on_path(std::uint32_t from, double limit) {
  path_.clear();
  while (next_[from] != from) {
    const std::uint32_t to = next_[from];
    if (to == none || path_.size() > network_.places) return 0;
    const std::uint32_t holder = step_arc_[cell(from, to)];
    if (holder == none) return 0;
    const std::uint32_t target = arc_of(group_[holder], to);
    path_.push_back({holder, target});
    limit = std::min({limit, down_room(holder), up_room(target)});
    from = to;
  }
  return std::min(limit, add_room(from));
}

void Transport::shift_along_path(double amount) {
  for (const Move& move : path_) {
    set_flow(move.out, flow_[move.out] - amount);
    set_flow(move.in, flow_[move.in] + amount);
  }
}

// ---- the operations
// --------------------------------------------------------------------------------

void Transport::place(std::uint32_t group) {
  double left = network_.demand[group];
  const std::uint32_t last = network_.first[group + 1] - 1;
  for (std::size_t shifts = 0; left > tiny_ && shifts < shifts_max_; ++shifts) {
    if (!distances_hold()) distances_to_room(none);
    std::uint32_t best = last;
    for (std::uint32_t a = network_.first[group]; a <= last; ++a) {
      ++steps_;
      if (up_[a] + distance_[network_.arcs[a].place] <
          up_[best] + distance_[network_.arcs[best].place] - indifferent_)
        best = a;
    }
    const double amount = room_on_path(network_.arcs[best].place, std::min(left, up_room(best)));
    if (!(amount > tiny_)) break;
    set_flow(best, flow_[best] + amount);
    shift_along_path(amount);
    left -= amount;
  }
  if (left > 0) set_flow(last, flow_[last] + left);
}

void Transport::place_all() {
  distances_to_room(none);
  for (std::uint32_t g = 0; g < network_.groups(); ++g)
    if (network_.demand[g] > 0) place(g);
  forget_log();
}

/// What is too much at a place goes nowhere. Only where rounding hides each path: feasible first.
void Transport::drop(std::uint32_t place) {
  const double capacity = tiers_[place].base + tiers_[place].extra;
  const std::vector<std::uint32_t> arcs = holders_[place];
  for (const std::uint32_t arc : arcs) {
    const double over = load_[place] - capacity;
    if (!(over > tiny_)) return;
    const double amount = std::min(over, flow_[arc]);
    const std::uint32_t nowhere = network_.first[group_[arc] + 1] - 1;
    set_flow(arc, flow_[arc] - amount);
    set_flow(nowhere, flow_[nowhere] + amount);
  }
}

/// Sends load of a place away while it has too much, or while elsewhere is cheaper.
bool Transport::push_out(std::uint32_t place, double rise_limit) {
  for (std::size_t shifts = 0; shifts < shifts_max_; ++shifts) {
    if (cost_ > rise_limit) return false;
    if (!(load_[place] > tiny_)) return true;
    const double over = load_[place] - tiers_[place].base - tiers_[place].extra;
    const bool must = over > tiny_;
    if (!must && refund(place) <= indifferent_) return true;
    distances_to_room(place);
    if (!must && distance_[place] >= refund(place) - 2 * indifferent_) return true;
    const double amount = room_on_path(place, must ? over : refund_room(place));
    if (!(amount > tiny_)) break;
    shift_along_path(amount);
  }
  drop(place);
  return true;
}

/// Takes load from other places while that makes the plan cheaper.
void Transport::pull_in(std::uint32_t place) {
  for (std::size_t shifts = 0; shifts < shifts_max_; ++shifts) {
    const double price = add_cost(place);
    if (price == infinite) return;
    distances_to(place);
    std::uint32_t best = none;
    double best_cost = -2 * indifferent_;
    for (std::uint32_t p = 0; p < network_.places; ++p) {
      if (p == place || !(load_[p] > tiny_) || distance_[p] == infinite) continue;
      const double cost = price + distance_[p] - refund(p);
      if (cost >= best_cost) continue;
      best_cost = cost;
      best = p;
    }
    if (best == none) return;
    const double amount = room_on_path(best, refund_room(best));
    if (!(amount > tiny_)) return;
    shift_along_path(amount);
  }
}

bool Transport::change_tiers(std::uint32_t place, Tiers tiers, double rise_max) {
  const double rise_limit = cost_ + rise_max;
  set_tiers(place, tiers);
  if (!push_out(place, rise_limit)) return false;
  pull_in(place);
  return cost_ <= rise_limit;
}

// ---- dual values
// -----------------------------------------------------------------------------------

std::vector<double> Transport::prices() {
  distances_to_room(none);
  std::vector<double> price(distance_.begin(), distance_.begin() + network_.places);
  std::vector<bool> closed(network_.places);
  for (std::uint32_t p = 0; p < network_.places; ++p)
    if (price[p] == infinite) {
      closed[p] = true;
      price[p] = 0;
    }
  for (std::uint32_t g = 0; g < network_.groups(); ++g) {
    // What the last Mbit/s of the group pays: nobody pays more to go where it is closed.
    double pays = -infinite;
    for (std::uint32_t a = network_.first[g]; a < network_.first[g + 1]; ++a)
      if (holder_at_[a] != none) pays = std::max(pays, down_[a] + price[network_.arcs[a].place]);
    for (std::uint32_t a = network_.first[g]; a < network_.first[g + 1]; ++a) {
      const std::uint32_t p = network_.arcs[a].place;
      if (closed[p]) price[p] = std::max(price[p], pays - up_[a]);
    }
    steps_ += 2 * (network_.first[g + 1] - network_.first[g]);
  }
  return price;
}

}  // namespace lobo::energy
