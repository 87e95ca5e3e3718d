#pragma once
// Which member of a control message stands under which key. Writing and reading go through the
// same list, so that they cannot differ.

#include <tuple>

#include "wire/sdd/control.hpp"

namespace lobo::sdd::detail {

template <class Member>
struct Keyed {
  std::uint64_t key;
  Member member;
};
template <class Member>
Keyed(std::uint64_t, Member) -> Keyed<Member>;

template <class Message>
inline constexpr std::uint64_t kind_of = 0;
template <class Message>
inline constexpr std::tuple<> members_of{};

template <>
inline constexpr std::uint64_t kind_of<Hello> = 1;
template <>
inline constexpr std::tuple members_of<Hello>{Keyed{1, &Hello::version}, Keyed{2, &Hello::role},
                                              Keyed{3, &Hello::name},
                                              Keyed{4, &Hello::datagram_max}};

template <>
inline constexpr std::uint64_t kind_of<Establish> = 2;
template <>
inline constexpr std::tuple members_of<Establish>{
    Keyed{1, &Establish::request}, Keyed{2, &Establish::token}, Keyed{3, &Establish::flows},
    Keyed{4, &Establish::pose_flows}};

template <>
inline constexpr std::uint64_t kind_of<EstablishRsp> = 3;
template <>
inline constexpr std::tuple members_of<EstablishRsp>{
    Keyed{1, &EstablishRsp::request}, Keyed{2, &EstablishRsp::cause},
    Keyed{3, &EstablishRsp::reason}, Keyed{4, &EstablishRsp::flows}};

template <>
inline constexpr std::uint64_t kind_of<Update> = 4;
template <>
inline constexpr std::tuple members_of<Update>{
    Keyed{1, &Update::flow},    Keyed{2, &Update::components}, Keyed{3, &Update::nearest},
    Keyed{4, &Update::wishes},  Keyed{5, &Update::bps_max},    Keyed{6, &Update::position},
    Keyed{7, &Update::rate_mhz}};

template <>
inline constexpr std::uint64_t kind_of<Release> = 5;
template <>
inline constexpr std::tuple members_of<Release>{Keyed{1, &Release::flows},
                                                Keyed{2, &Release::cause}};

template <>
inline constexpr std::uint64_t kind_of<FlowStats> = 6;
template <>
inline constexpr std::tuple members_of<FlowStats>{
    Keyed{1, &FlowStats::flow},           Keyed{2, &FlowStats::window_ms},
    Keyed{3, &FlowStats::received},       Keyed{4, &FlowStats::bytes},
    Keyed{5, &FlowStats::lost},           Keyed{6, &FlowStats::duplicates},
    Keyed{7, &FlowStats::stale},          Keyed{8, &FlowStats::jitter_us},
    Keyed{9, &FlowStats::clock_error_us}, Keyed{10, &FlowStats::delay},
    Keyed{11, &FlowStats::age},           Keyed{12, &FlowStats::gap}};

template <>
inline constexpr std::uint64_t kind_of<ClockPing> = 7;
template <>
inline constexpr std::tuple members_of<ClockPing>{Keyed{1, &ClockPing::id},
                                                  Keyed{2, &ClockPing::sent_us}};

template <>
inline constexpr std::uint64_t kind_of<ClockPong> = 8;
template <>
inline constexpr std::tuple members_of<ClockPong>{
    Keyed{1, &ClockPong::id}, Keyed{2, &ClockPong::ping_sent_us},
    Keyed{3, &ClockPong::ping_received_us}, Keyed{4, &ClockPong::sent_us}};

template <>
inline constexpr std::uint64_t kind_of<Event> = 9;
template <>
inline constexpr std::tuple members_of<Event>{
    Keyed{1, &Event::kind},    Keyed{2, &Event::flow},  Keyed{3, &Event::alias},
    Keyed{4, &Event::asset},   Keyed{5, &Event::ue},    Keyed{6, &Event::cause},
    Keyed{7, &Event::address}, Keyed{8, &Event::token}, Keyed{9, &Event::certificate_hash}};

template <>
inline constexpr std::uint64_t kind_of<Tier> = 10;
template <>
inline constexpr std::tuple members_of<Tier>{Keyed{1, &Tier::flow}, Keyed{2, &Tier::tier},
                                             Keyed{3, &Tier::reason}, Keyed{4, &Tier::rate_mhz},
                                             Keyed{5, &Tier::components}};

template <>
inline constexpr std::uint64_t kind_of<StateRequest> = 11;
template <>
inline constexpr std::tuple members_of<StateRequest>{Keyed{1, &StateRequest::flow},
                                                     Keyed{2, &StateRequest::alias},
                                                     Keyed{3, &StateRequest::components}};

template <>
inline constexpr std::uint64_t kind_of<LeftOut> = 12;
template <>
inline constexpr std::tuple members_of<LeftOut>{Keyed{1, &LeftOut::flow},
                                                Keyed{2, &LeftOut::assets}};

}  // namespace lobo::sdd::detail
