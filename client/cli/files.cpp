#include "client/cli/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

namespace beckon::client::cli {
namespace {

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

}  // namespace

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const mode_t before = ::umask(077);
  std::filesystem::create_directories(folder, error);
  ::umask(before);
  if (error) return ErrorCode(error.value(), boost::system::system_category());
  return {};
}

Result<std::optional<std::string>> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return errno == ENOENT ? Result<std::optional<std::string>>(std::nullopt) : last_error();
  return std::optional(std::string(std::istreambuf_iterator<char>(in), {}));
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
  const std::string beside = path.string() + ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return last_error();
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const ErrorCode error = last_error();
  ::close(file);
  if (!written) return error;
  if (::rename(beside.c_str(), path.c_str()) != 0) return last_error();
  return {};
}

bool is_shared(const std::filesystem::path& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 077U) != 0;
}

}  // namespace beckon::client::cli
