#pragma once
// A command of the operator: words, no shell, with a time limit, after which its process group is
// killed. What it left running when it ended in time is its own business: a wake command starts
// servers.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::adapters::power {

inline constexpr std::size_t command_words_max = 64;
/// How often is looked whether it has ended.
inline constexpr std::chrono::milliseconds command_look{50};

struct CommandEnd {
  bool done = false;  ///< it ended by itself, with 0
  int exit_code = 0;  ///< of an end by itself
  std::string why;    ///< for people, where it is not done
};

class Commands {
 public:
  explicit Commands(runtime::Scheduler& scheduler);
  /// Kills what still runs; its `ended` is not called any more.
  ~Commands();
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  /// `ended` is called once, later, on the loop. Standard input is empty; what it prints goes where
  /// our own errors go.
  void run(const std::vector<std::string>& words, std::chrono::milliseconds limit,
           std::function<void(CommandEnd)> ended);

 private:
  struct Running;
  void look(const std::shared_ptr<Running>& running);

  runtime::Scheduler& scheduler_;
  std::vector<std::shared_ptr<Running>> running_;
};

}  // namespace lobo::adapters::power
