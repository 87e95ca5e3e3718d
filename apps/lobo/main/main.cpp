#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli.hpp"
#include "exit_code.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    const auto exit = lobo::app::run_command(words, lobo::app::verbs());
    if (std::cout.flush()) return static_cast<int>(exit);
    // Whoever asked did not get it, whatever was done.
    std::cerr << "lobo: standard output cannot be written\n";
    return static_cast<int>(exit == lobo::app::Exit::ok ? lobo::app::Exit::failed : exit);
  } catch (const std::exception& broken_start_up) {
    std::cerr << "lobo: cannot start: " << broken_start_up.what() << '\n';
    return static_cast<int>(lobo::app::Exit::failed);
  }
}
