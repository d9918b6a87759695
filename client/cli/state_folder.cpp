#include "client/cli/state_folder.hpp"

#include "client/cli/files.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::client::cli {

Result<StateFolder> StateFolder::open(std::filesystem::path folder) {
  if (const auto made = make_folder(folder); !made) return made.error();
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

std::string StateFolder::history() const {
  const auto text = read_file(folder_ / "history");
  return text && *text ? **text : std::string();
}

Result<void> StateFolder::write_history(std::string_view text) const {
  return write_file(folder_ / "history", text);
}

std::string StateFolder::contacts(const std::filesystem::path& folder) {
  const auto text = read_file(folder / "contacts.json");
  return text && *text ? **text : std::string();
}

Result<void> StateFolder::write_contacts(std::string_view text) const {
  return write_file(folder_ / "contacts.json", text);
}

}  // namespace beckon::client::cli
