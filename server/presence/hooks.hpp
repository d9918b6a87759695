#pragma once

#include <optional>
#include <string_view>

#include "server/shard/directory.hpp"

/// What other rooms know of a presentity.
namespace beckon::server::presence {

class Document;

/// Documents that show a presentity while no device says anything (RFC 3903 3: hard state; RFC 4827).
class HardState {
 public:
  virtual ~HardState() = default;
  /// Null: there is none. Valid until `Presentities::hard_state_changed`. `read_document` makes it.
  virtual const Document* hard_state(const Entry& presentity) const = 0;
};

/// Who may watch what is no user, and has no rules: rooms.
class Admission {
 public:
  virtual ~Admission() = default;
  /// Nothing: the presentity is none of these, and its rules decide. Another answer is announced by
  /// `Watches::admission_changed`.
  virtual std::optional<bool> admits(const Entry& presentity, std::string_view watcher) const = 0;
};

/// Who has a call.
class Calls {
 public:
  virtual ~Calls() = default;
  virtual bool is_on_the_phone(const Entry& user) const = 0;
};

}  // namespace beckon::server::presence
