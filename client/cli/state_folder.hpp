#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "client/direct/keyring.hpp"
#include "client/direct/pins.hpp"
#include "client/message/peers.hpp"
#include "protocol/base/result.hpp"

namespace beckon::client::cli {

/// The folder where a user agent stores its keys (mode 0600), its pins, how peers take messages, which state
/// it has left published, what was typed, and how contacts are called. Writing replaces a file atomically, so
/// a crash leaves the old file or the new one.
class StateFolder {
 public:
  /// Creates the folder (mode 0700) if it does not exist. Errors: the system's.
  static Result<StateFolder> open(std::filesystem::path folder);

  /// The device's keys; generated and written at first use.
  Result<direct::Keyring> keyring(Random& random) const;
  Result<direct::Pins> pins() const;
  Result<void> write_pins(const direct::Pins& pins) const;
  Result<message::Peers> peers() const;
  Result<void> write_peers(const message::Peers& peers) const;
  /// The entity-tag of what is published; empty: nothing is, or it cannot be read.
  std::string published() const;
  Result<void> write_published(std::string_view etag) const;
  /// What was typed at the prompt, as terminal::History prints it; empty: nothing, or it cannot be read.
  std::string history() const;
  Result<void> write_history(std::string_view text) const;
  /// The newest event "contacts", as it was written; empty: there was none, or it cannot be read. The folder
  /// need not exist.
  static std::string contacts(const std::filesystem::path& folder);
  Result<void> write_contacts(std::string_view text) const;

 private:
  explicit StateFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace beckon::client::cli
