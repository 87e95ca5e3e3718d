#pragma once
// A PFCP message as a tree of information elements, each with the names and values of its fields:
// what a golden text says, and what a reader that is not ours has to find.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "wire/pfcp/ie.hpp"

namespace lobo::test {

struct PfcpNode {
  pfcp::IeType type{};
  std::vector<std::pair<std::string, std::string>> fields;  ///< of a single value
  std::vector<PfcpNode> ies;                                ///< of a group
  bool grouped = false;
};

/// Of any message of messages.hpp.
template <class Message>
std::vector<PfcpNode> pfcp_tree(const Message& message);

/// The types that such a message has to have.
template <class Message>
std::vector<pfcp::IeType> pfcp_mandatory();

/// One line an information element, indented by two for each group around it.
std::string pfcp_lines(const std::vector<PfcpNode>& nodes, std::size_t depth = 0);

/// [{"ie": 1, "ies": […]}, {"ie": 56, "fields": {"value": "1"}}, …]; no value needs escaping.
std::string pfcp_json(const std::vector<PfcpNode>& nodes);

}  // namespace lobo::test
