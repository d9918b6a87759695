#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/reginfo.hpp"

namespace beckon::server::lists {

/// All of the state that one subscription's documents have told, where they may tell no more than changes:
/// dialogs (RFC 4235) and registrations (RFC 3680). Pure.
class Whole {
 public:
  /// What has been pieced together is no longer than that: past it full state has to be asked for.
  static constexpr std::size_t octets_max = 65536;

  struct Taken {
    std::optional<std::string> text{};  ///< A full document of what is known now. Absent: nothing is new.
    bool is_gap = false;                ///< Full state has to be asked for.
  };
  /// `type` is one of those, without parameters.
  Taken take(std::string_view type, std::string_view body);
  /// A new subscription begins.
  void forget();

 private:
  template <class Info>
  static Taken take(std::optional<Info>& known, const Result<Info>& news);

  std::optional<documents::DialogInfo> dialogs_;
  std::optional<documents::RegistrationInfo> registrations_;
};

}  // namespace beckon::server::lists
