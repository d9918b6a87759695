#include "server/subscription/head.hpp"

#include <algorithm>

namespace beckon::server::subscription {

using sip::HeaderId;

namespace {

/// Octets of a name that somebody else shows.
constexpr std::size_t display_name_max = 256;

/// As the builder writes it.
std::string without_line_ends(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

}  // namespace

/// Where `value` stands in the lines: the first place after `after`. A value that stands nowhere (a strict
/// router changes the request line) is added to the end.
void Head::set(Fact fact, std::string_view value, std::string_view after) {
  Span& span = spans_[static_cast<std::size_t>(fact)];
  const auto from = after.empty() ? std::string::npos : text_.find(after);
  auto at = from == std::string::npos ? from : from + after.size();
  if (at == std::string::npos || at >= lines_ || text_.compare(at, value.size(), value) != 0) {
    at = text_.size();
    text_ += value;
  }
  span = {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(value.size())};
}

std::optional<Head> Head::make(const dialog::Dialog& dialog, std::string_view contact, std::string_view event,
                               std::string_view event_id, std::string_view display_name,
                               std::string_view selection, std::string_view required) {
  auto builder = dialog.make_head("NOTIFY");
  builder.add(HeaderId::contact, contact);
  builder.add(HeaderId::event, event);
  if (!required.empty()) builder.add(HeaderId::require, required);
  std::string routes;
  for (const std::string& route : dialog.route_set) routes += without_line_ends(route) + '\n';
  Head head;
  head.text_ = builder.take();
  if (head.text_.size() + routes.size() + display_name.size() + selection.size() > octets_max)
    return std::nullopt;
  head.lines_ = static_cast<std::uint16_t>(head.text_.size());
  head.set(Fact::target, dialog.remote_target, "NOTIFY ");
  head.set(Fact::call_id, dialog.id.call_id, "\r\nCall-ID: ");
  head.set(Fact::local_uri, dialog.local_uri, "\r\nFrom: <");
  head.set(Fact::local_tag, dialog.id.local_tag, "\r\nFrom: <" + dialog.local_uri + ">;tag=");
  head.set(Fact::remote_uri, dialog.remote_uri, "\r\nTo: <");
  head.set(Fact::remote_tag, dialog.id.remote_tag, "\r\nTo: <" + dialog.remote_uri + ">;tag=");
  head.set(Fact::event_id, event_id,
           "\r\nEvent: " + std::string(event.substr(0, event.size() - event_id.size())));
  head.set(Fact::selection, selection, {});
  head.set(Fact::display_name, display_name, {});
  head.set(Fact::routes, routes, {});
  if (head.text_.size() > octets_max) return std::nullopt;
  head.text_.shrink_to_fit();
  return head;
}

Head Head::without_dialog(std::string_view local_tag, std::string_view display_name) {
  Head head;
  head.set(Fact::local_tag, local_tag, {});
  head.set(Fact::display_name, display_name.substr(0, display_name_max), {});
  head.text_.shrink_to_fit();
  return head;
}

dialog::Dialog Head::dialog() const {
  dialog::Dialog dialog;
  dialog.id = {std::string(call_id()), std::string(local_tag()), std::string(remote_tag())};
  dialog.local_uri = fact(Fact::local_uri);
  dialog.remote_uri = fact(Fact::remote_uri);
  dialog.remote_target = remote_target();
  for (std::string_view rest = fact(Fact::routes); !rest.empty();) {
    const auto end = rest.find('\n');
    dialog.route_set.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return dialog;
}

}  // namespace beckon::server::subscription
