#include "client/cli/state_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::client::cli {
namespace {

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

/// Empty if there is no such file.
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

}  // namespace

Result<StateFolder> StateFolder::open(std::filesystem::path folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) return ErrorCode(error.value(), boost::system::system_category());
  return StateFolder(std::move(folder));
}

Result<direct::Keyring> StateFolder::keyring(Random& random) const {
  const auto path = folder_ / "keys.json";
  const auto text = read_file(path);
  if (!text) return text.error();
  if (*text) return direct::parse_keyring(**text);
  auto keyring = direct::make_keyring(random);
  const auto written = write_file(path, print(keyring));
  return written ? Result<direct::Keyring>(keyring) : written.error();
}

Result<direct::Pins> StateFolder::pins() const {
  const auto text = read_file(folder_ / "pins.json");
  if (!text) return text.error();
  return *text ? direct::Pins::parse(**text) : direct::Pins();
}

Result<void> StateFolder::write_pins(const direct::Pins& pins) const {
  return write_file(folder_ / "pins.json", pins.print());
}

Result<message::Peers> StateFolder::peers() const {
  const auto text = read_file(folder_ / "peers.json");
  if (!text) return text.error();
  return *text ? message::Peers::parse(**text) : message::Peers();
}

Result<void> StateFolder::write_peers(const message::Peers& peers) const {
  return write_file(folder_ / "peers.json", peers.print());
}

std::string StateFolder::published() const {
  constexpr std::size_t tag_max = 256;
  const auto text = read_file(folder_ / "published");
  if (!text || !*text) return {};
  const auto etag = trim(**text);
  return etag.size() <= tag_max && sip::grammar::is_token(etag) ? std::string(etag) : std::string();
}

Result<void> StateFolder::write_published(std::string_view etag) const {
  if (!etag.empty()) return write_file(folder_ / "published", etag);
  std::error_code error;
  std::filesystem::remove(folder_ / "published", error);
  if (error) return ErrorCode(error.value(), boost::system::system_category());
  return {};
}

}  // namespace beckon::client::cli
