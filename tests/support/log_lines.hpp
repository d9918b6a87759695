#pragma once

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "protocol/base/log.hpp"

namespace beckon::test {

/// What `work` writes to standard error, log lines of level info and above included. One thread.
inline std::string lines_of(const std::function<void()>& work) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::tmpfile(), std::fclose);
  const log::Level before = log::level();
  log::set_level(log::Level::info);
  const int kept = ::dup(STDERR_FILENO);
  ::dup2(::fileno(file.get()), STDERR_FILENO);
  work();
  std::fflush(stderr);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  log::set_level(before);
  std::string text;
  std::rewind(file.get());
  for (int c = std::getc(file.get()); c != EOF; c = std::getc(file.get())) text += static_cast<char>(c);
  return text;
}

}  // namespace beckon::test
