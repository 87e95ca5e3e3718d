#include "adapters/power/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::adapters::power {

struct Commands::Running {
  pid_t child = 0;
  std::chrono::milliseconds left{};
  bool killed = false;
  std::function<void(CommandEnd)> ended;
  runtime::Scheduler::TimerId timer = 0;
};

Commands::Commands(runtime::Scheduler& scheduler) : scheduler_(scheduler) {}

Commands::~Commands() {
  for (const auto& running : running_) {
    scheduler_.cancel(running->timer);
    if (running->child <= 0) continue;
    ::kill(-running->child, SIGKILL);
    int status = 0;
    while (::waitpid(running->child, &status, 0) < 0 && errno == EINTR) {}
  }
}

void Commands::run(const std::vector<std::string>& words, std::chrono::milliseconds limit,
                   std::function<void(CommandEnd)> ended) {
  auto running = std::make_shared<Running>();
  running->left = limit;
  running->ended = std::move(ended);
  running_.push_back(running);

  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (auto& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  // Signals that we catch or ignore are its own business again.
  sigset_t all;
  sigset_t none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  int wrong = words.empty() || words.size() > command_words_max ? EINVAL : 0;
  if (wrong == 0)
    wrong =
        ::posix_spawnp(&running->child, argv.front(), &files, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (wrong == 0) {
    running->timer = scheduler_.after(command_look, [this, running] { look(running); });
    return;
  }
  running->child = 0;
  running->timer = scheduler_.after(std::chrono::microseconds{0}, [this, running, wrong] {
    std::erase(running_, running);
    running->ended({.done = false, .exit_code = 0, .why = std::strerror(wrong)});
  });
}

void Commands::look(const std::shared_ptr<Running>& running) {
  int status = 0;
  const pid_t got = ::waitpid(running->child, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) {
    running->left -= command_look;
    if (running->left.count() <= 0 && !std::exchange(running->killed, true))
      ::kill(-running->child, SIGKILL);
    running->timer = scheduler_.after(command_look, [this, running] { look(running); });
    return;
  }
  CommandEnd end;
  if (running->killed)
    end.why = "it took longer than its limit";
  else if (got < 0)
    end.why = std::strerror(errno);
  else if (WIFEXITED(status)) {
    end.exit_code = WEXITSTATUS(status);
    end.done = end.exit_code == 0;
    if (!end.done) end.why = fmt::format("it ended with {}", end.exit_code);
  } else {
    end.why = fmt::format("signal {} ended it", WTERMSIG(status));
  }
  std::erase(running_, running);
  running->ended(std::move(end));
}

}  // namespace lobo::adapters::power
