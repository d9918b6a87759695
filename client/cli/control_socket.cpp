#include "client/cli/control_socket.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "client/cli/account_file.hpp"
#include "client/cli/files.hpp"

namespace beckon::client::cli {
namespace {

using Protocol = boost::asio::local::stream_protocol;

constexpr std::size_t path_max = 107;  // octets; sun_path of Linux

ErrorCode refused() { return make_error_code(boost::system::errc::permission_denied); }

/// In a folder that somebody else made, anybody could listen.
Result<void> check_folder(const std::filesystem::path& folder) {
  struct stat facts{};
  if (::lstat(folder.c_str(), &facts) != 0) return ErrorCode(errno, boost::system::system_category());
  const bool own = S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid() && (facts.st_mode & 077U) == 0;
  if (!own) return refused();
  return {};
}

}  // namespace

std::filesystem::path control_socket(std::string_view account) {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_runtime = runtime != nullptr && *runtime != '\0';
  const std::filesystem::path folder =
      has_runtime ? std::filesystem::path(runtime) / "beckon"
                  : std::filesystem::path("/tmp/beckon-" + std::to_string(::geteuid()));
  return folder / (file_name_of(account) + ".sock");
}

Result<void> prepare_folder(const std::filesystem::path& socket) {
  if (socket.native().size() > path_max) return make_error_code(boost::system::errc::filename_too_long);
  if (const auto made = make_folder(socket.parent_path()); !made) return made.error();
  return check_folder(socket.parent_path());
}

bool has_agent(const std::filesystem::path& socket) {
  if (socket.native().size() > path_max || !check_folder(socket.parent_path())) return false;
  boost::asio::io_context context;
  Protocol::socket probe(context);
  ErrorCode error;
  probe.connect(Protocol::endpoint(socket.native()), error);
  return !error;
}

}  // namespace beckon::client::cli
