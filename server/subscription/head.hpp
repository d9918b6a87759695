#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/dialog/dialog.hpp"

namespace beckon::server::subscription {

/// What all NOTIFYs of a subscription have in common, rendered once, and the one copy of its dialog's texts.
class Head {
 public:
  /// A longer one is refused with 513: a subscription is kept for hours.
  static constexpr std::size_t octets_max = 16384;

  Head() = default;
  /// `contact` is the value of our Contact, `event` that of Event, `required` that of
  /// Require. Absent: longer than `octets_max`.
  static std::optional<Head> make(const dialog::Dialog& dialog, std::string_view contact,
                                  std::string_view event, std::string_view event_id,
                                  std::string_view display_name, std::string_view selection = {},
                                  std::string_view required = {});

  /// Of what has no dialog: a tag and a name.
  static Head without_dialog(std::string_view local_tag, std::string_view display_name);

  /// Request line, Route, Max-Forwards, From, To, Call-ID, Contact and Event, with line ends.
  std::string_view lines() const { return {text_.data(), lines_}; }
  std::string_view call_id() const { return fact(Fact::call_id); }
  std::string_view local_tag() const { return fact(Fact::local_tag); }
  std::string_view remote_tag() const { return fact(Fact::remote_tag); }
  std::string_view remote_target() const { return fact(Fact::target); }
  std::string_view event_id() const { return fact(Fact::event_id); }
  /// See `Package::Interest`.
  std::string_view selection() const { return fact(Fact::selection); }
  /// What the watcher calls itself in From; often empty.
  std::string_view display_name() const { return fact(Fact::display_name); }
  /// The dialog, without its CSeqs and `secure`.
  dialog::Dialog dialog() const;

 private:
  enum class Fact : std::uint8_t {
    call_id,
    local_tag,
    local_uri,
    remote_tag,
    remote_uri,
    target,
    event_id,
    selection,
    display_name,
    routes,
    count
  };
  struct Span {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };
  std::string_view fact(Fact fact) const {
    const Span span = spans_[static_cast<std::size_t>(fact)];
    return std::string_view(text_).substr(span.at, span.size);
  }
  void set(Fact fact, std::string_view value, std::string_view after);

  std::string text_;  ///< The lines; behind them the facts that stand in none.
  std::uint16_t lines_ = 0;
  std::array<Span, static_cast<std::size_t>(Fact::count)> spans_{};
};

}  // namespace beckon::server::subscription
