#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"
#include "server/presence/names.hpp"

namespace beckon::server::presence {

/// The persons, or the devices, of all publications, those that are the same made one (RFC 4479 3.5): for
/// each kind of child element the newest one that has such elements speaks. What the newest says nothing of,
/// an older one still says (RFC 4479 3.6). Linear in the elements.
///
/// Newer is what has the later <timestamp>, or without one was published later. A time ahead of the
/// publication's own is not believed: the clock of one device would silence all others.
///
/// Two activities do not give way to newer ones of other devices: being on the phone, and do-not-disturb
/// (DESIGN 6).
class Merging {
 public:
  enum class Kind : std::uint8_t {
    person,  ///< There is one person (RFC 4479 3.2), or one of each <class>, by which rules select (RFC 4480
             ///< 3.3).
    device,  ///< Devices with one <deviceID> are the same; without it, those with one id.
  };
  explicit Merging(Kind kind) : kind_(kind) {}

  /// Publications come oldest first.
  void add(std::vector<documents::Component>&& components, std::uint16_t publication,
           std::optional<WallTime> published);
  bool empty() const { return groups_.empty(); }
  /// `on_the_phone`: the persons are, whatever they published.
  std::vector<documents::Component> finish(Names& names, bool on_the_phone);

 private:
  struct Voice {
    WallTime time;
    std::size_t number;  ///< In the order in which they came.
    documents::Component component;
  };
  struct Group {
    std::uint16_t publication = 0;  ///< The one that brought it first.
    std::vector<Voice> voices{};
  };

  std::string key_of(const documents::Component& component) const;
  documents::Component merge(std::vector<Voice>&& voices, bool on_the_phone) const;

  Kind kind_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, std::size_t> by_key_;
};

}  // namespace beckon::server::presence
